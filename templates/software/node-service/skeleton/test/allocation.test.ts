import assert from "node:assert/strict";
import { test } from "node:test";

import { allocate, MAX_WEIGHTS } from "../src/allocation.ts";

const MAX_AMOUNT = Number.MAX_SAFE_INTEGER;

function shares(amount: number, weights: number[]): number[] {
  const outcome = allocate(amount, weights);
  assert.ok(outcome.ok, `${amount} by ${weights}`);
  return outcome.shares;
}

test("shares are proportional and the largest fractions take the rest", () => {
  for (const [amount, weights, expected] of [
    [1000, [1, 1, 1], [334, 333, 333]],
    [100, [1, 1, 1, 1, 1, 1], [17, 17, 17, 17, 16, 16]],
    [10, [3, 0, 1], [8, 0, 2]],
    [7, [5], [7]],
    [0, [1, 2], [0, 0]],
    [1, [1, 2], [0, 1]],
  ] as const) {
    assert.deepEqual(shares(amount, [...weights]), expected);
  }
});

test("nothing is lost at the limits", () => {
  const weights = Array.from({ length: MAX_WEIGHTS }, (_, index) => 4294967295 - index);
  for (const amount of [1, 999, 1000, 1001, MAX_AMOUNT - 1, MAX_AMOUNT]) {
    const found = shares(amount, weights);
    assert.equal(
      found.reduce((sum, share) => sum + BigInt(share), 0n),
      BigInt(amount),
    );
    assert.ok(Math.max(...found) - Math.min(...found) <= amount / 1_000_000 + 1, `${amount}`);
  }
});

test("every error is reported", () => {
  for (const [amount, weights, expected] of [
    [1, [], ["must have at least one weight"]],
    [1, [0, 0], ["must have at least one weight above zero"]],
    [1, Array(MAX_WEIGHTS + 1).fill(1), ["must have at most 1000 weights"]],
    [MAX_AMOUNT + 1, [1], ["must be at most 9007199254740991"]],
    [MAX_AMOUNT + 1, [], ["must be at most 9007199254740991", "must have at least one weight"]],
  ] as const) {
    const outcome = allocate(amount, weights);
    assert.ok(!outcome.ok);
    assert.deepEqual(
      outcome.violations.map((violation) => violation.reason),
      expected,
    );
  }
});
