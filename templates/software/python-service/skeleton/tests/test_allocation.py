import pytest

from service.allocation import MAX_AMOUNT, MAX_WEIGHTS, AllocationError, allocate


@pytest.mark.parametrize(
    ("amount", "weights", "expected"),
    [
        (1000, [1, 1, 1], [334, 333, 333]),
        (100, [1, 1, 1, 1, 1, 1], [17, 17, 17, 17, 16, 16]),
        (10, [3, 0, 1], [8, 0, 2]),
        (7, [5], [7]),
        (0, [1, 2], [0, 0]),
        (1, [1, 2], [0, 1]),
    ],
)
def test_shares_are_proportional_and_the_largest_fractions_take_the_rest(
    amount: int, weights: list[int], expected: list[int]
) -> None:
    assert allocate(amount, weights) == expected


def test_nothing_is_lost_at_the_limits() -> None:
    weights = [4294967295 - index for index in range(MAX_WEIGHTS)]
    for amount in (1, 999, 1000, 1001, MAX_AMOUNT - 1, MAX_AMOUNT):
        shares = allocate(amount, weights)
        assert sum(shares) == amount
        assert max(shares) - min(shares) <= amount // 1_000_000 + 1


@pytest.mark.parametrize(
    ("amount", "weights", "expected"),
    [
        (1, [], ["must have at least one weight"]),
        (1, [0, 0], ["must have at least one weight above zero"]),
        (1, [1] * (MAX_WEIGHTS + 1), ["must have at most 1000 weights"]),
        (MAX_AMOUNT + 1, [1], ["must be at most 9007199254740991"]),
        (MAX_AMOUNT + 1, [], ["must be at most 9007199254740991", "must have at least one weight"]),
    ],
)
def test_every_error_is_reported(amount: int, weights: list[int], expected: list[str]) -> None:
    with pytest.raises(AllocationError) as error:
        allocate(amount, weights)
    assert [violation.reason for violation in error.value.violations] == expected
