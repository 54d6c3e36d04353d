import assert from "node:assert/strict";
import { test } from "node:test";

import { readConfig } from "../src/config.ts";
import { serve } from "../src/server.ts";

const config = readConfig({ HOST: "127.0.0.1", PORT: "0", LOG: "silent" });

test("serves until told to stop", async () => {
  const serving = await serve(config);
  const answer = await fetch(`${serving.url}/healthz`);
  assert.equal(await answer.text(), "ok\n");
  await serving.stop();
  await assert.rejects(fetch(`${serving.url}/healthz`));
});

test("an address in use is named", async () => {
  const serving = await serve(config);
  const port = Number(new URL(serving.url).port);
  await assert.rejects(serve({ ...config, port }), { code: "EADDRINUSE", port });
  await serving.stop();
});
