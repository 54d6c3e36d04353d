//! Quantities as the Kubernetes API writes them: `250m`, `128Mi`, `1.5`, `12e6`.
//!
//! Source: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>.

/// What a number may end with, and what that is worth in thousandths of one.
const UNITS: [(&str, f64); 16] = [
    ("Ki", 1024e3),
    ("Mi", 1_048_576e3),
    ("Gi", 1_073_741_824e3),
    ("Ti", 1_099_511_627_776e3),
    ("Pi", 1_125_899_906_842_624e3),
    ("n", 1e-6),
    ("u", 1e-3),
    ("m", 1.0),
    ("k", 1e6),
    ("K", 1e6),
    ("M", 1e9),
    ("G", 1e12),
    ("T", 1e15),
    ("P", 1e18),
    ("Ei", 1.152_921_504_606_847e21),
    ("E", 1e21),
];

/// A quantity in thousandths of one, rounded up as the API does. None where it is none, or not to be counted so.
pub(super) fn thousandths(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit = UNITS.iter().find_map(|(suffix, worth)| {
        let number = text.strip_suffix(suffix)?;
        // `5E` is a unit, `5E3` an exponent: that one does not end with a letter.
        Some((number, *worth))
    });
    let (number, worth) = unit.unwrap_or((text, 1e3));
    let value = (number.parse::<f64>().ok()? * worth).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is checked to be in between")]
    (0.0..=9e18).contains(&value).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_the_api_writes_them() {
        let table = [
            ("1", Some(1000)),
            ("250m", Some(250)),
            ("0.5", Some(500)),
            ("1500000n", Some(2)),
            ("12u", Some(1)),
            ("128Mi", Some(128 * 1024 * 1024 * 1000)),
            ("1Gi", Some(1024 * 1024 * 1024 * 1000)),
            ("129M", Some(129_000_000_000)),
            ("64k", Some(64_000_000)),
            ("12e6", Some(12_000_000_000)),
            ("12E3", Some(12_000_000)),
            ("0", Some(0)),
            ("", None),
            ("-1", None),
            ("lots", None),
            ("9E", None),
            ("inf", None),
            ("NaN", None),
        ];
        for (text, expected) in table {
            assert_eq!(thousandths(text), expected, "{text}");
        }
    }
}
