import assert from "node:assert/strict";
import { test } from "node:test";

import { readConfig } from "../src/config.ts";

test("defaults apply to missing and empty variables", () => {
  for (const variables of [{}, { PORT: "", LOG: "" }]) {
    const config = readConfig(variables);
    assert.equal(config.host, "0.0.0.0");
    assert.equal(config.port, 9000);
    assert.equal(config.drain, 0);
  }
});

test("variables override defaults", () => {
  const config = readConfig({ HOST: "::1", PORT: "9", LOG: "debug", DRAIN_SECONDS: "3" });
  assert.deepEqual([config.host, config.port, config.log, config.drain], ["::1", 9, "debug", 3]);
});

test("an error names the variable and its value", () => {
  for (const [name, value, reason] of [
    ["PORT", "http", "must be a whole number from 0 to 65535"],
    ["PORT", "65536", "must be a whole number from 0 to 65535"],
    ["HOST", "localhost", "must be an IP address"],
    ["LOG", "loud", "must be one of trace, debug, info, warn, error, fatal, silent"],
    ["SHUTDOWN_SECONDS", "0", "must be a whole number from 1 to 3600"],
  ] as const) {
    const expected = { name: "ConfigError", message: `${name}="${value}" is not valid: ${reason}` };
    assert.throws(() => readConfig({ [name]: value }), expected);
  }
});
