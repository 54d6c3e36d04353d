//! The tests after `is`, in alphabetical order.

use super::{Entry, entry};

/// Every test.
#[rustfmt::skip]
pub(super) const TESTS: [Entry; 26] = [
    entry("callable", "value is callable", "It is a function.", "${{ range is callable }}"),
    entry("defined", "value is defined", "It has a value; null is one.", "${{ parameters.name is defined }}"),
    entry("divisibleby", "number is divisibleby(other)", "Nothing is left of a division.", "${{ 9 is divisibleby(3) }}"),
    entry("eq", "value is eq(other)", "Both are the same, as `===` has it.", "${{ 1 is eq('1') }}"),
    entry("equalto", "value is equalto(other)", "Long for `eq`.", "${{ parameters.name is equalto('cart') }}"),
    entry("escaped", "text is escaped", "It went through `escape` or `safe`.", "${{ ('<b>' | escape) is escaped }}"),
    entry("even", "number is even", "It can be divided by two.", "${{ 4 is even }}"),
    entry("falsy", "value is falsy", "It is undefined, null, false, 0 or empty text.", "${{ '' is falsy }}"),
    entry("ge", "value is ge(other)", "Greater or the same.", "${{ parameters.replicas is ge(2) }}"),
    entry("greaterthan", "value is greaterthan(other)", "Long for `gt`.", "${{ 2 is greaterthan(2) }}"),
    entry("gt", "value is gt(other)", "Greater.", "${{ 3 is gt(2) }}"),
    entry("iterable", "value is iterable", "It is a list or a text.", "${{ parameters.tags is iterable }}"),
    entry("le", "value is le(other)", "Less or the same.", "${{ 2 is le(2) }}"),
    entry("lessthan", "value is lessthan(other)", "Long for `lt`.", "${{ 1 is lessthan(2) }}"),
    entry("lower", "text is lower", "No letter is in upper case.", "${{ 'cart' is lower }}"),
    entry("lt", "value is lt(other)", "Less.", "${{ 1 is lt(2) }}"),
    entry("mapping", "value is mapping", "It is a map.", "${{ {a: 1} is mapping }}"),
    entry("ne", "value is ne(other)", "Both are different, as `!==` has it.", "${{ 1 is ne(2) }}"),
    entry("null", "value is null", "It is null.", "${{ null is null }}"),
    entry("number", "value is number", "It is a number.", "${{ parameters.replicas is number }}"),
    entry("odd", "number is odd", "One is left when it is divided by two.", "${{ 3 is odd }}"),
    entry("sameas", "value is sameas(other)", "Both are the same, as `===` has it.", "${{ 'a' is sameas('a') }}"),
    entry("string", "value is string", "It is text.", "${{ parameters.name is string }}"),
    entry("truthy", "value is truthy", "It is none of what `falsy` takes.", "${{ parameters.tags is truthy }}"),
    entry("undefined", "value is undefined", "It has no value.", "${{ parameters.missing is undefined }}"),
    entry("upper", "text is upper", "No letter is in lower case.", "${{ 'API' is upper }}"),
];
