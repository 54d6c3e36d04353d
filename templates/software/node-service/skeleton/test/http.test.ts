/** Requests through the whole service, as a client sends them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Readiness } from "../src/http/health.ts";
import { type AddRoutes, createApp } from "../src/http.ts";

const PROBLEM = /^application\/problem\+json(;|$)/;
const JSON_TYPE = { "content-type": "application/json" };

function app({ readiness = new Readiness(), requestTimeout = 5, more }: Options = {}) {
  return createApp({ log: "silent", requestTimeout }, readiness, more);
}

interface Options {
  readiness?: Readiness;
  requestTimeout?: number;
  more?: AddRoutes;
}

function question(payload: string) {
  return { method: "POST", url: "/v1/allocations", headers: JSON_TYPE, payload } as const;
}

test("an amount is split", async () => {
  const answer = await app().inject(question('{"amount": 1000, "weights": [1, 1, 1]}'));
  assert.equal(answer.statusCode, 200);
  assert.deepEqual(answer.json(), { amount: 1000, shares: [334, 333, 333] });
});

test("a refusal points at every wrong field", async () => {
  const answer = await app().inject(question('{"amount": 9007199254740992, "weights": []}'));
  assert.match(String(answer.headers["content-type"]), PROBLEM);
  assert.deepEqual(answer.json(), {
    type: "urn:problem-type:invalid-input",
    title: "Invalid input",
    status: 422,
    detail: "the amount cannot be split like this",
    errors: [
      { pointer: "/amount", detail: "must be at most 9007199254740991" },
      { pointer: "/weights", detail: "must have at least one weight" },
    ],
  });
  const wrong = await app().inject(question('{"amount": "1", "weights": [-1], "extra": 1}'));
  const pointers = wrong.json().errors.map((error: { pointer: string }) => error.pointer);
  assert.deepEqual(pointers.toSorted(), ["", "/amount", "/weights/0"]);
});

test("every failure is a problem document", async () => {
  const service = app();
  for (const [request, status] of [
    [question("{"), 400],
    [{ url: "/v1/nothing" }, 404],
    [{ url: "/v1/allocations" }, 405],
    [question(" ".repeat(3 << 20)), 413],
    [{ method: "POST", url: "/v1/allocations", headers: { "content-type": "text/plain" }, payload: "{}" }, 415],
    [question('{"amount": -1, "weights": [1]}'), 422],
    [question('{"amount": 1, "weights": [1], "extra": 1}'), 422],
  ] as const) {
    const answer = await service.inject(request);
    assert.equal(answer.statusCode, status, answer.body);
    assert.match(String(answer.headers["content-type"]), PROBLEM);
    assert.equal(answer.json().status, status);
    assert.ok(answer.json().detail.length > 0);
  }
});

test("a slow handler is cut off and an unexpected error is hidden", async () => {
  const service = app({
    requestTimeout: 0.05,
    more: (api) => {
      api.get("/v1/slow", () => new Promise(() => {}));
      api.get("/v1/broken", () => {
        throw new Error("secret");
      });
    },
  });
  assert.equal((await service.inject({ url: "/v1/slow" })).json().status, 503);
  const answer = await service.inject({ url: "/v1/broken" });
  assert.equal(answer.json().status, 500);
  assert.ok(!answer.body.includes("secret"), answer.body);
});

test("a request id is kept or made", async () => {
  const service = app();
  const kept = await service.inject({ url: "/v1/nothing", headers: { "x-request-id": "from-the-client" } });
  assert.equal(kept.headers["x-request-id"], "from-the-client");
  const made = await service.inject({ url: "/v1/nothing" });
  assert.match(String(made.headers["x-request-id"]), /^[0-9a-f-]{36}$/);
});

test("readiness ends with the drain and liveness does not", async () => {
  const readiness = new Readiness();
  const service = app({ readiness });
  assert.equal((await service.inject({ url: "/readyz" })).statusCode, 200);
  readiness.stopping = true;
  assert.equal((await service.inject({ url: "/readyz" })).statusCode, 503);
  assert.equal((await service.inject({ url: "/healthz" })).statusCode, 200);
});

test("requests are counted by route and not by path", async () => {
  const service = app();
  for (const url of ["/v1/one", "/v1/two", "/v1/allocations"]) {
    await service.inject({ url });
  }
  const metrics = await service.inject({ url: "/metrics" });
  assert.match(String(metrics.headers["content-type"]), /^text\/plain; version=0\.0\.4/);
  for (const line of [
    'http_requests_total{method="GET",route="unmatched",status="404"} 2',
    'http_requests_total{method="GET",route="/v1/allocations",status="405"} 1',
    'http_request_duration_seconds_count{method="GET",route="unmatched",status="404"} 2',
  ]) {
    assert.ok(metrics.body.split("\n").includes(line), `${line} is not in:\n${metrics.body}`);
  }
});
