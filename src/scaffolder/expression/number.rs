//! JavaScript numbers as text and back: `Number::toString`, `toFixed`, `toPrecision`, `toExponential`, radix output,
//! `Number(text)`, `parseFloat` and `parseInt` (ECMA-262, "Number" and "Number.prototype").

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "the ranges are checked first and equality is exact, as the standard demands"
)]

use super::text::{Text, is_space};

/// The largest integer up to which all integers are exact.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;
/// Decimal digits after the point that any double can have.
const EXACT_DIGITS: usize = 1074;

/// `String(number)`.
pub(super) fn print(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == number.trunc() && number.abs() <= MAX_SAFE {
        return (number as i64).to_string();
    }
    let sign = if number < 0.0 { "-" } else { "" };
    let (digits, exponent) = shortest(number.abs());
    format!("{sign}{}", place_point(&digits, exponent))
}

/// The shortest digits that read back as `number` (positive), and the power of ten of the first one.
fn shortest(number: f64) -> (String, i32) {
    let text = format!("{number:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (even_digits(mantissa.replace('.', ""), number), exponent.parse().unwrap_or(0))
}

/// Where two shortest texts are equally close JavaScript takes the one with the even last digit.
fn even_digits(digits: String, number: f64) -> String {
    if digits.len() < 16 || !digits.ends_with(['1', '3', '5', '7', '9']) {
        return digits;
    }
    let (whole, fraction) = exact(number);
    let all = [whole, fraction].concat();
    let significant = all.iter().position(|digit| *digit != 0).map_or(&all[..], |first| &all[first..]);
    let (kept, rest) = significant.split_at(digits.len().min(significant.len()));
    let is_tie = rest.first() == Some(&5) && rest[1..].iter().all(|digit| *digit == 0);
    let kept = digit_text(kept);
    if is_tie && kept != digits { kept } else { digits }
}

fn place_point(digits: &str, exponent: i32) -> String {
    let count = digits.len() as i32;
    let point = exponent + 1;
    if count <= point && point <= 21 {
        format!("{digits}{}", "0".repeat((point - count) as usize))
    } else if 0 < point && point <= 21 {
        format!("{}.{}", &digits[..point as usize], &digits[point as usize..])
    } else if -6 < point && point <= 0 {
        format!("0.{}{digits}", "0".repeat(-point as usize))
    } else {
        exponential(digits, exponent)
    }
}

fn exponential(digits: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    format!("{first}{point}{rest}e{sign}{}", exponent.abs())
}

/// All digits of `number` (positive and finite) without rounding: whole part and fraction.
fn exact(number: f64) -> (Vec<u8>, Vec<u8>) {
    let text = format!("{number:.EXACT_DIGITS$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    (whole.bytes().map(|byte| byte - b'0').collect(), fraction.bytes().map(|byte| byte - b'0').collect())
}

/// Keeps `keep` digits, rounding halves up. One more digit comes out when the first digits were all nines.
fn round_digits(digits: &[u8], keep: usize) -> Vec<u8> {
    let mut kept = digits[..keep.min(digits.len())].to_vec();
    kept.resize(keep, 0);
    if digits.get(keep).is_none_or(|next| *next < 5) {
        return kept;
    }
    for digit in kept.iter_mut().rev() {
        if *digit < 9 {
            *digit += 1;
            return kept;
        }
        *digit = 0;
    }
    kept.insert(0, 1);
    kept
}

fn digit_text(digits: &[u8]) -> String {
    digits.iter().map(|digit| char::from(b'0' + digit)).collect()
}

/// `Number.prototype.toFixed`; `None` when `places` is not in 0..=100.
pub(super) fn to_fixed(number: f64, places: f64) -> Option<String> {
    let places = integer(places);
    if !(0.0..=100.0).contains(&places) {
        return None;
    }
    if !number.is_finite() || number.abs() >= 1e21 {
        return Some(print(number));
    }
    let places = places as usize;
    let (whole, fraction) = exact(number.abs());
    let count = whole.len();
    let all = [whole, fraction].concat();
    let rounded = round_digits(&all, count + places);
    let count = count + usize::from(rounded.len() > count + places);
    let (whole, fraction) = rounded.split_at(count);
    let sign = if number < 0.0 { "-" } else { "" };
    let point = if places == 0 { "" } else { "." };
    Some(format!("{sign}{}{point}{}", digit_text(whole), digit_text(fraction)))
}

/// `count` significant digits of `number` (positive and finite) and the power of ten of the first one.
fn significant(number: f64, count: usize) -> (String, i32) {
    if number == 0.0 {
        return ("0".repeat(count), 0);
    }
    let (whole, fraction) = exact(number);
    let whole_count = whole.len() as i32;
    let all = [whole, fraction].concat();
    let skip = all.iter().position(|digit| *digit != 0).unwrap_or(0);
    let mut exponent = whole_count - 1 - skip as i32;
    let mut digits = round_digits(&all[skip..], count);
    if digits.len() > count {
        digits.pop();
        exponent += 1;
    }
    (digit_text(&digits), exponent)
}

/// `Number.prototype.toExponential`; `None` when `places` is not in 0..=100.
pub(super) fn to_exponential(number: f64, places: Option<f64>) -> Option<String> {
    if !number.is_finite() {
        return Some(print(number));
    }
    let sign = if number < 0.0 { "-" } else { "" };
    let (digits, exponent) = match places.map(integer) {
        None if number == 0.0 => ("0".to_owned(), 0),
        None => shortest(number.abs()),
        Some(places) if (0.0..=100.0).contains(&places) => significant(number.abs(), places as usize + 1),
        Some(_) => return None,
    };
    Some(format!("{sign}{}", exponential(&digits, exponent)))
}

/// `Number.prototype.toPrecision`; `None` when `count` is not in 1..=100.
pub(super) fn to_precision(number: f64, count: f64) -> Option<String> {
    if !number.is_finite() {
        return Some(print(number));
    }
    let count = integer(count);
    if !(1.0..=100.0).contains(&count) {
        return None;
    }
    let sign = if number < 0.0 { "-" } else { "" };
    let (digits, exponent) = significant(number.abs(), count as usize);
    if exponent < -6 || f64::from(exponent) >= count {
        return Some(format!("{sign}{}", exponential(&digits, exponent)));
    }
    if exponent < 0 {
        return Some(format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize)));
    }
    let (whole, fraction) = digits.split_at(exponent as usize + 1);
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// `Number.prototype.toString(radix)`; `None` when `radix` is not in 2..=36. The digits after the point stop where the
/// number is told apart from its neighbours, which the standard leaves open and V8 does.
pub(super) fn to_radix(number: f64, radix: f64) -> Option<String> {
    let radix = integer(radix);
    if !(2.0..=36.0).contains(&radix) {
        return None;
    }
    if radix == 10.0 || !number.is_finite() {
        return Some(print(number));
    }
    let value = number.abs();
    let mut whole = value.floor();
    let mut fraction = value - whole;
    let mut delta = (0.5 * (next_up(value) - value)).max(next_up(0.0));
    let mut digits: Vec<u8> = Vec::new();
    if fraction >= delta {
        loop {
            fraction *= radix;
            delta *= radix;
            let digit = fraction as u8;
            digits.push(digit);
            fraction -= f64::from(digit);
            if (fraction > 0.5 || (fraction == 0.5 && digit & 1 == 1)) && fraction + delta > 1.0 {
                carry(&mut digits, &mut whole, radix);
                break;
            }
            if fraction < delta {
                break;
            }
        }
    }
    let sign = if number < 0.0 { "-" } else { "" };
    let point = if digits.is_empty() { "" } else { "." };
    let fraction: String = digits.iter().map(|digit| digit_character(*digit)).collect();
    Some(format!("{sign}{}{point}{fraction}", whole_in_radix(whole, radix)))
}

/// Rounds the last digit up, dropping digits that overflow.
fn carry(digits: &mut Vec<u8>, whole: &mut f64, radix: f64) {
    while let Some(last) = digits.pop() {
        if f64::from(last) + 1.0 < radix {
            digits.push(last + 1);
            return;
        }
    }
    *whole += 1.0;
}

fn whole_in_radix(mut whole: f64, radix: f64) -> String {
    let mut digits = Vec::new();
    // Digits below the precision of a double are zeros.
    while whole / radix >= 2f64.powi(53) {
        whole /= radix;
        digits.push('0');
    }
    loop {
        let digit = whole % radix;
        digits.push(digit_character(digit as u8));
        whole = (whole - digit) / radix;
        if whole <= 0.0 {
            break;
        }
    }
    digits.iter().rev().collect()
}

fn digit_character(digit: u8) -> char {
    char::from_digit(u32::from(digit), 36).unwrap_or('0')
}

fn next_up(number: f64) -> f64 {
    f64::from_bits(number.to_bits() + 1)
}

/// `ToIntegerOrInfinity`.
pub(super) fn integer(number: f64) -> f64 {
    if number.is_nan() { 0.0 } else { number.trunc() + 0.0 }
}

/// `Number(text)`.
pub(super) fn parse(text: &Text) -> f64 {
    let trimmed = text.trim();
    let Text::Ascii(trimmed) = &trimmed else {
        return f64::NAN;
    };
    if trimmed.is_empty() {
        return 0.0;
    }
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)] {
        if let Some(digits) = trimmed.strip_prefix(prefix) {
            return if digits.bytes().all(|byte| char::from(byte).is_digit(radix)) && !digits.is_empty() {
                whole(digits, radix)
            } else {
                f64::NAN
            };
        }
    }
    match decimal_prefix(trimmed) {
        Some((number, length)) if length == trimmed.len() => number,
        _ => f64::NAN,
    }
}

/// `parseFloat(text)`.
pub(super) fn parse_float(text: &Text) -> f64 {
    decimal_prefix(&ascii_prefix(&text.trim_start())).map_or(f64::NAN, |(number, _)| number)
}

/// `parseInt(text, radix)`, the radix already an integer.
pub(super) fn parse_int(text: &Text, radix: f64) -> f64 {
    let text = ascii_prefix(&text.trim_start());
    let (sign, text) = match text.as_bytes().first() {
        Some(b'-') => (-1.0, &text[1..]),
        Some(b'+') => (1.0, &text[1..]),
        _ => (1.0, text.as_str()),
    };
    let mut radix = to_int32(radix);
    let mut digits = text;
    if (radix == 0 || radix == 16) && (text.starts_with("0x") || text.starts_with("0X")) {
        radix = 16;
        digits = &text[2..];
    }
    if radix == 0 {
        radix = 10;
    }
    if !(2..=36).contains(&radix) {
        return f64::NAN;
    }
    let radix = radix as u32;
    let end = digits.bytes().position(|byte| !char::from(byte).is_digit(radix)).unwrap_or(digits.len());
    if end == 0 { f64::NAN } else { sign * whole(&digits[..end], radix) }
}

fn to_int32(number: f64) -> i32 {
    to_uint32(number) as i32
}

/// `ToUint32`.
pub(super) fn to_uint32(number: f64) -> u32 {
    if number.is_finite() { number.trunc().rem_euclid(4_294_967_296.0) as u32 } else { 0 }
}

fn ascii_prefix(text: &Text) -> String {
    (0..text.len())
        .map_while(|index| text.unit(index).filter(|unit| *unit < 128 && !is_space(*unit)))
        .filter_map(|unit| char::from_u32(u32::from(unit)))
        .collect()
}

/// Digits of a whole number, correctly rounded for powers of two and ten.
fn whole(digits: &str, radix: u32) -> f64 {
    if radix == 10 {
        return digits.parse().unwrap_or(f64::NAN);
    }
    if let Ok(small) = u64::from_str_radix(digits, radix) {
        return small as f64;
    }
    digits.chars().fold(0.0, |sum, digit| sum * f64::from(radix) + f64::from(digit.to_digit(radix).unwrap_or(0)))
}

/// The longest decimal literal at the start (`StrDecimalLiteral`) and its length.
fn decimal_prefix(text: &str) -> Option<(f64, usize)> {
    let bytes = text.as_bytes();
    let sign = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let negative = bytes.first() == Some(&b'-');
    if text[sign..].starts_with("Infinity") {
        return Some((if negative { f64::NEG_INFINITY } else { f64::INFINITY }, sign + 8));
    }
    let digits_from = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits_from(sign);
    let mut end = sign + whole;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits_from(end + 1);
        if whole + fraction == 0 {
            return None;
        }
        end += 1 + fraction;
    } else if whole == 0 {
        return None;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = bytes.get(end + 1 + sign..).map_or(0, |_| digits_from(end + 1 + sign));
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    text[..end].parse().ok().map(|number| (number, end))
}

/// `base ** exponent`.
pub(super) fn power(base: f64, exponent: f64) -> f64 {
    let is_unit = base.abs().to_bits() == 1f64.to_bits();
    if exponent.is_nan() || (is_unit && exponent.is_infinite()) { f64::NAN } else { base.powf(exponent) }
}

/// `Math.round`: halves go up.
pub(super) fn round(number: f64) -> f64 {
    let floor = number.floor();
    if number - floor >= 0.5 { floor + 1.0 } else { floor }
}

/// A whole number as an index or count; anything below zero is zero.
pub(super) fn to_index(number: f64) -> usize {
    number as usize
}
