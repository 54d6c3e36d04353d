//! Sorting as `Array.prototype.sort` does it, where the comparison may contradict itself.
//!
//! JavaScript's comparisons of unlike values are no order (`1 < 'a'` and `'a' < 1` are both false), so the outcome
//! depends on the algorithm. Short lists are sorted exactly as V8 does: a rising or falling run at the start is found,
//! the rest is inserted by binary search. Longer ones are merged from such pieces; undefined always goes last.

use std::cmp::Ordering;

use super::limits::{Meter, Result};
use super::value::Value;

/// Below this V8 sorts by insertion only.
const INSERTION: usize = 64;
/// Pieces longer lists are merged from.
const PIECE: usize = 32;

/// Compares two values; it may fail.
pub(super) trait Compare: Fn(&Value, &Value, &mut Meter) -> Result<Ordering> {}

impl<F: Fn(&Value, &Value, &mut Meter) -> Result<Ordering>> Compare for F {}

pub(super) fn sort(items: Vec<Value>, compare: impl Compare, meter: &mut Meter) -> Result<Vec<Value>> {
    let (undefined, mut items): (Vec<Value>, Vec<Value>) = items.into_iter().partition(Value::is_undefined);
    let piece = if items.len() < INSERTION { INSERTION } else { PIECE };
    for chunk in items.chunks_mut(piece) {
        insertion_sort(chunk, &compare, meter)?;
    }
    let mut width = piece;
    while width < items.len() {
        let mut merged = Vec::with_capacity(items.len());
        for pair in items.chunks(width * 2) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            merge(left, right, &mut merged, &compare, meter)?;
        }
        items = merged;
        width *= 2;
    }
    items.extend(undefined);
    Ok(items)
}

fn insertion_sort(items: &mut [Value], compare: &impl Compare, meter: &mut Meter) -> Result<()> {
    let run = first_run(items, compare, meter)?;
    for start in run..items.len() {
        let pivot = items[start].clone();
        let (mut left, mut right) = (0, start);
        while left < right {
            meter.work(1)?;
            let middle = left + (right - left) / 2;
            if compare(&pivot, &items[middle], meter)?.is_lt() {
                right = middle;
            } else {
                left = middle + 1;
            }
        }
        items[left..=start].rotate_right(1);
    }
    Ok(())
}

/// The length of the run at the start; a strictly falling one is turned round.
fn first_run(items: &mut [Value], compare: &impl Compare, meter: &mut Meter) -> Result<usize> {
    if items.len() < 2 {
        return Ok(items.len());
    }
    let falls = compare(&items[1], &items[0], meter)?.is_lt();
    let mut run = 2;
    while run < items.len() && compare(&items[run], &items[run - 1], meter)?.is_lt() == falls {
        run += 1;
    }
    if falls {
        items[..run].reverse();
    }
    Ok(run)
}

fn merge(
    left: &[Value],
    right: &[Value],
    merged: &mut Vec<Value>,
    compare: &impl Compare,
    meter: &mut Meter,
) -> Result<()> {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
        meter.work(1)?;
        let takes_right = compare(second, first, meter)?.is_lt();
        let next = if takes_right { right.next() } else { left.next() };
        merged.extend(next.cloned());
    }
    merged.extend(left.cloned());
    merged.extend(right.cloned());
    Ok(())
}
