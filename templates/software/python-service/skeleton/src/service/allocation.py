"""Splitting an amount by weights without losing or inventing a unit.

The largest-remainder method: everybody gets the whole units of their share, and the few units left go to the largest
fractions, earlier first when equal. Amounts are integers in the smallest unit (cents, bytes, seats).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# The largest integer that every JSON reader keeps exactly.
MAX_AMOUNT = 2**53 - 1
# More weights than this in one request are a mistake.
MAX_WEIGHTS = 1000


@dataclass(frozen=True)
class Violation:
    """Which part of the question is wrong, and what it must be instead."""

    part: Literal["amount", "weights"]
    reason: str


class AllocationError(Exception):
    """The amount cannot be split as asked; `violations` is everything that stands in the way."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(f"{one.part} {one.reason}" for one in violations))
        self.violations = violations


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Splits `amount` in proportion to `weights`, none of them below zero; the shares add up to `amount` exactly."""
    violations = _violations(amount, weights)
    if violations:
        raise AllocationError(violations)
    total = sum(weights)
    parts = [divmod(amount * weight, total) for weight in weights]
    shares = [share for share, _ in parts]
    # Each of `n` rounded-down shares misses less than one unit, so fewer than `n` units are left.
    left = amount - sum(shares)
    by_fraction = sorted(range(len(parts)), key=lambda index: (-parts[index][1], index))
    for index in by_fraction[:left]:
        shares[index] += 1
    return shares


def _violations(amount: int, weights: Sequence[int]) -> list[Violation]:
    violations = []
    if amount > MAX_AMOUNT:
        violations.append(Violation("amount", f"must be at most {MAX_AMOUNT}"))
    if not weights:
        violations.append(Violation("weights", "must have at least one weight"))
    elif len(weights) > MAX_WEIGHTS:
        violations.append(Violation("weights", f"must have at most {MAX_WEIGHTS} weights"))
    elif not any(weights):
        violations.append(Violation("weights", "must have at least one weight above zero"))
    return violations
