/**
 * Splitting an amount by weights without losing or inventing a unit.
 *
 * The largest-remainder method: everybody gets the whole units of their share, and the few units left go to the
 * largest fractions, earlier first when equal. Amounts are integers in the smallest unit (cents, bytes, seats).
 */

/** More weights than this in one request are a mistake. */
export const MAX_WEIGHTS = 1000;

/** Why an amount cannot be split as asked: which part of the question, and what it must be instead. */
export interface Violation {
  readonly part: "amount" | "weights";
  readonly reason: string;
}

/** The shares, in the order of the weights, or everything that stands in the way of them. */
export type Outcome =
  | { readonly ok: true; readonly shares: number[] }
  | { readonly ok: false; readonly violations: Violation[] };

/** Splits `amount` in proportion to `weights`; the shares add up to `amount` exactly. Both hold integers, none below zero. */
export function allocate(amount: number, weights: readonly number[]): Outcome {
  const violations = violationsOf(amount, weights);
  if (violations.length > 0) {
    return { ok: false, violations };
  }
  const total = weights.reduce((sum, weight) => sum + BigInt(weight), 0n);
  // A product may be beyond what a number keeps exactly; a share never is.
  const parts = weights.map((weight, index) => {
    const scaled = BigInt(amount) * BigInt(weight);
    return { index, share: Number(scaled / total), rest: scaled % total };
  });
  const shares = parts.map((part) => part.share);
  // Each of `n` rounded-down shares misses less than one unit, so fewer than `n` units are left.
  const left = amount - shares.reduce((sum, share) => sum + share, 0);
  const byFraction = parts.toSorted((one, other) => Number(other.rest - one.rest) || one.index - other.index);
  for (const { index, share } of byFraction.slice(0, left)) {
    shares[index] = share + 1;
  }
  return { ok: true, shares };
}

function violationsOf(amount: number, weights: readonly number[]): Violation[] {
  const violations: Violation[] = [];
  if (amount > Number.MAX_SAFE_INTEGER) {
    violations.push({ part: "amount", reason: `must be at most ${Number.MAX_SAFE_INTEGER}` });
  }
  if (weights.length === 0) {
    violations.push({ part: "weights", reason: "must have at least one weight" });
  } else if (weights.length > MAX_WEIGHTS) {
    violations.push({ part: "weights", reason: `must have at most ${MAX_WEIGHTS} weights` });
  } else if (weights.every((weight) => weight === 0)) {
    violations.push({ part: "weights", reason: "must have at least one weight above zero" });
  }
  return violations;
}
