//! Splitting an amount by weights without losing or inventing a unit.
//!
//! The largest-remainder method: everybody gets the whole units of their share, and the few units left go to the
//! largest fractions, earlier first when equal. Amounts are integers in the smallest unit (cents, bytes, seats).

use std::cmp::Reverse;

use thiserror::Error;

/// The largest integer that every JSON reader keeps exactly.
pub(crate) const MAX_AMOUNT: u64 = (1 << 53) - 1;
/// More weights than this in one request are a mistake.
pub(crate) const MAX_WEIGHTS: usize = 1000;

/// Why an amount cannot be split as asked.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(crate) enum AllocationError {
    /// Would not survive JSON in every client.
    #[error("must be at most {MAX_AMOUNT}")]
    AmountTooLarge,
    /// Nobody to give to.
    #[error("must have at least one weight")]
    NoWeights,
    /// See [`MAX_WEIGHTS`].
    #[error("must have at most {MAX_WEIGHTS} weights")]
    TooManyWeights,
    /// No share is defined.
    #[error("must have at least one weight above zero")]
    AllZero,
}

/// Splits `amount` in proportion to `weights`; the shares add up to `amount` exactly. Reports every error it finds.
pub(crate) fn allocate(amount: u64, weights: &[u32]) -> Result<Vec<u64>, Vec<AllocationError>> {
    let errors = violations(amount, weights);
    if !errors.is_empty() {
        return Err(errors);
    }
    let total: u64 = weights.iter().copied().map(u64::from).sum();
    let mut left = amount;
    let mut shares = Vec::with_capacity(weights.len());
    let mut fractions = Vec::with_capacity(weights.len());
    for (index, &weight) in weights.iter().enumerate() {
        let (share, fraction) = proportion(amount, weight, total);
        left -= share;
        shares.push(share);
        fractions.push((Reverse(fraction), index));
    }
    fractions.sort_unstable();
    // Each of `n` rounded-down shares misses less than one unit, so fewer than `n` units are left.
    for (_, (_, index)) in (0..left).zip(fractions) {
        shares[index] += 1;
    }
    Ok(shares)
}

fn violations(amount: u64, weights: &[u32]) -> Vec<AllocationError> {
    let mut errors = Vec::new();
    if amount > MAX_AMOUNT {
        errors.push(AllocationError::AmountTooLarge);
    }
    if weights.is_empty() {
        errors.push(AllocationError::NoWeights);
    } else if weights.len() > MAX_WEIGHTS {
        errors.push(AllocationError::TooManyWeights);
    } else if weights.iter().all(|&weight| weight == 0) {
        errors.push(AllocationError::AllZero);
    }
    errors
}

/// Whole units of the share, and the rest in `total`-ths of a unit.
fn proportion(amount: u64, weight: u32, total: u64) -> (u64, u64) {
    let (scaled, total) = (u128::from(amount) * u128::from(weight), u128::from(total));
    let whole = u64::try_from(scaled / total).expect("a share is never above the amount");
    let rest = u64::try_from(scaled % total).expect("a remainder is below its divisor");
    (whole, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_proportional_and_the_largest_fractions_take_the_rest() {
        for (amount, weights, expected) in [
            (1000, &[1, 1, 1][..], &[334, 333, 333][..]),
            (100, &[1, 1, 1, 1, 1, 1], &[17, 17, 17, 17, 16, 16]),
            (10, &[3, 0, 1], &[8, 0, 2]),
            (7, &[5], &[7]),
            (0, &[1, 2], &[0, 0]),
            (1, &[1, 2], &[0, 1]),
        ] {
            assert_eq!(allocate(amount, weights).as_deref(), Ok(expected), "{amount} by {weights:?}");
        }
    }

    #[test]
    fn nothing_is_lost_at_the_limits() {
        let weights: Vec<u32> = (0..MAX_WEIGHTS).map(|index| u32::MAX - u32::try_from(index).unwrap()).collect();
        for amount in [1, 999, 1000, 1001, MAX_AMOUNT - 1, MAX_AMOUNT] {
            let shares = allocate(amount, &weights).unwrap();
            assert_eq!(shares.iter().sum::<u64>(), amount);
            let (low, high) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
            assert!(high - low <= amount / 1_000_000 + 1, "{amount}: {low} to {high}");
        }
    }

    #[test]
    fn every_error_is_reported() {
        use AllocationError::{AllZero, AmountTooLarge, NoWeights, TooManyWeights};
        for (amount, weights, expected) in [
            (1, vec![], vec![NoWeights]),
            (1, vec![0, 0], vec![AllZero]),
            (1, vec![1; MAX_WEIGHTS + 1], vec![TooManyWeights]),
            (MAX_AMOUNT + 1, vec![1], vec![AmountTooLarge]),
            (u64::MAX, vec![], vec![AmountTooLarge, NoWeights]),
        ] {
            assert_eq!(allocate(amount, &weights), Err(expected));
        }
    }
}
