//! The functions that expressions can call.

use super::{Entry, entry};

/// Every function, those of conditions among them.
#[rustfmt::skip]
pub(super) const FUNCTIONS: [Entry; 5] = [
    entry("always", "always()", "In the `if` of a step: run it whether or not a step before it failed.", "${{ always() }}"),
    entry("cycler", "cycler(value, …)", "Gives its values in turn, for the rounds of a loop: `.next()`, `.current`, `.reset()`.", "{% set row = cycler('odd', 'even') %}{% for n in [1, 2, 3] %}${{ row.next() }} {% endfor %}"),
    entry("failure", "failure()", "In the `if` of a step: run it only when a step before it failed.", "${{ failure() }}"),
    entry("joiner", "joiner(separator = ',')", "Gives nothing the first time it is called and the separator from then on.", "{% set comma = joiner(', ') %}{% for tag in parameters.tags %}${{ comma() }}${{ tag }}{% endfor %}"),
    entry("range", "range(start = 0, stop, step = 1)", "The numbers from `start` up to, and without, `stop`.", "${{ range(1, 4) }}"),
];
