//! Expressions by the type that they have, and nonsense.

use super::Generator;
use super::words::{BINARY, KEYS, REGEXES, REPLACEMENTS, TESTS};

impl Generator {
    /// An expression of any type; one in eight does not care about types at all.
    pub(super) fn expression(&mut self, depth: u32) -> String {
        if self.one_in(8) {
            return self.nonsense(depth);
        }
        match self.below(8) {
            0..=1 => self.text(depth),
            2 => self.number(depth),
            3..=4 => self.list(depth),
            5 => self.object(depth),
            6 => self.truth(depth),
            _ => {
                let otherwise = if self.one_in(3) { String::new() } else { format!(" else {}", self.text(1)) };
                format!("{} if {}{otherwise}", self.number(1), self.truth(1))
            }
        }
    }

    pub(super) fn text(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self
                .pick(&[
                    "name",
                    "words",
                    "mixed",
                    "uni",
                    "es",
                    "num",
                    "html",
                    "lines",
                    "url",
                    "'a b'",
                    "'2'",
                    "users[0].n",
                    "deep.x.y",
                ])
                .to_owned();
        }
        let inner = self.text(depth - 1);
        match self.below(9) {
            0..=3 => {
                let name = self.pick(&[
                    "capitalize",
                    "center",
                    "escape",
                    "forceescape",
                    "indent",
                    "list | join",
                    "lower",
                    "nl2br",
                    "replace",
                    "reverse",
                    "safe",
                    "string",
                    "striptags",
                    "title",
                    "trim",
                    "truncate",
                    "upper",
                    "urlencode",
                    "urlize",
                    "replace",
                    "default",
                    "dump",
                    "first",
                    "last",
                ]);
                format!("{inner} | {}", self.filter_named(name, depth - 1))
            }
            4..=5 => {
                let integer = self.pick(&["0", "1", "2", "-1", "3", "n", "20"]);
                let needle = self.pick(&["'a'", "' '", "'b'", "'😀'", "'o'", "''", "name"]);
                match self.below(7) {
                    0 => format!("({inner}).slice({integer}, {})", self.pick(&["1", "-1", "9", "n"])),
                    1 => format!("({inner}).substring({integer})"),
                    2 => format!("({inner}).replace({needle}, {})", self.pick(&REPLACEMENTS)),
                    3 => format!("({inner}).replace({}, {})", self.pick(&REGEXES), self.pick(&REPLACEMENTS)),
                    4 => format!("({inner}).charAt({integer})"),
                    5 => format!("({inner}).concat({}, {needle})", self.number(0)),
                    _ => format!(
                        "({inner}).{}()",
                        self.pick(&["trim", "trimStart", "trimEnd", "toLowerCase", "toUpperCase"])
                    ),
                }
            }
            6 => format!("{inner} {} {}", self.pick(&["~", "+"]), self.expression(depth - 1)),
            7 => format!(
                "({}).{}",
                self.number(depth - 1),
                self.pick(&[
                    "toFixed(2)",
                    "toString()",
                    "toPrecision(3)",
                    "toExponential(1)",
                    "toString(2)",
                    "toString(36)",
                    "toFixed(0)"
                ])
            ),
            _ => format!("{} | join({})", self.list(depth - 1), self.pick(&["','", "", "'-'", "n"])),
        }
    }

    pub(super) fn number(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self
                .pick(&["n", "f", "neg", "zero", "big", "tiny", "third", "7", "0.5", "arr[1]", "users[1].age"])
                .to_owned();
        }
        let inner = self.number(depth - 1);
        match self.below(7) {
            0..=2 => {
                format!("{inner} {} {}", self.pick(&["+", "-", "*", "/", "//", "%", "** 2 +"]), self.number(depth - 1))
            }
            3 => {
                let name = self.pick(&["abs", "round", "int", "float", "default"]);
                format!("{inner} | {}", self.filter_named(name, 0))
            }
            4 => format!(
                "{} | {}",
                self.text(depth - 1),
                self.pick(&["length", "int", "float", "wordcount", "int(7)", "int(0, 16)"])
            ),
            5 => format!(
                "({}).{}",
                self.text(depth - 1),
                self.pick(&["length", "indexOf('o')", "lastIndexOf(' ')", "charCodeAt(1)", "indexOf('a', 2)"])
            ),
            _ => format!("{}({inner})", self.pick(&["-", "+", ""])),
        }
    }

    pub(super) fn list(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self
                .pick(&[
                    "arr",
                    "sarr",
                    "mess",
                    "nested",
                    "users",
                    "pairs",
                    "empty",
                    "values.tags",
                    "[1, 'a', none]",
                    "range(3)",
                    "range(5, 0, -2)",
                ])
                .to_owned();
        }
        let inner = self.list(depth - 1);
        match self.below(8) {
            0..=2 => {
                let name = self.pick(&[
                    "sort",
                    "reverse",
                    "batch",
                    "slice",
                    "select",
                    "reject",
                    "list",
                    "default",
                    "selectattr",
                    "rejectattr",
                    "first",
                    "last",
                    "dump",
                ]);
                format!("{inner} | {}", self.filter_named(name, 0))
            }
            3..=4 => {
                let call = self.pick(&[
                    "slice(1)",
                    "slice(-2, 9)",
                    "concat([1], 2, nested)",
                    "flat()",
                    "flat(2)",
                    "sort()",
                    "reverse()",
                    "fill('z', 1)",
                    "copyWithin(0, 1)",
                    "splice(0, 1, 'p')",
                    "at(-1)",
                    "pop()",
                    "shift()",
                    "push(1, 'k')",
                    "unshift(0)",
                    "splice(1)",
                    "includes(2)",
                    "indexOf('a')",
                    "lastIndexOf(2)",
                    "join('/')",
                    "splice(-1, 0, 5)",
                    "length",
                ]);
                format!("({inner}).{call}")
            }
            5 => format!(
                "({}).split({}{})",
                self.text(depth - 1),
                self.pick(&["' '", "''", "'o'", "r/[ -]/", "r/(o)/g", "r/\\s*/", "r/(?:)/", ""]),
                self.pick(&["", "", ", 2"])
            ),
            6 => format!("({inner})[{}:{}]", self.pick(&["", "1", "-2"]), self.pick(&["", "2", "-1"])),
            _ => format!("[{}, {}]", self.expression(depth - 1), self.expression(depth - 1)),
        }
    }

    pub(super) fn object(&mut self, depth: u32) -> String {
        match self.below(6) {
            0 if depth > 0 => format!(
                "{{a: {}, '{}': {} }}",
                self.expression(depth - 1),
                self.pick(&KEYS),
                self.expression(depth - 1)
            ),
            1 => format!("users | groupby({})", self.pick(&["'g'", "'age'", "'n'"])),
            2 => format!(
                "obj | {}",
                self.pick(&["dump", "dump(2)", "length", "dictsort", "urlencode", "list", "dictsort(false, 'value')"])
            ),
            3 => format!("{}['{}']", self.pick(&["obj", "deep", "values", "like"]), self.pick(&KEYS)),
            4 => self
                .pick(&["deep.x.list[1].k", "values['my-dash']", "obj.nosuch.deeper", "loop.index", "x", "y.n", "q"])
                .to_owned(),
            _ => self.pick(&["obj", "emptyo", "deep", "like", "values"]).to_owned(),
        }
    }

    pub(super) fn truth(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self
                .pick(&["t", "fa", "nul", "es", "zero", "missing", "empty", "true", "none", "values.on"])
                .to_owned();
        }
        match self.below(8) {
            0..=1 => {
                let operator = self.pick(&["==", "!=", "===", "!==", "<", "<=", ">", ">="]);
                format!("{} {operator} {}", self.expression(depth - 1), self.expression(depth - 1))
            }
            2 => format!("{} {} {}", self.expression(depth - 1), self.pick(&["and", "or"]), self.expression(depth - 1)),
            3 => format!("not {}", self.truth(depth - 1)),
            4 => format!(
                "{} {} {}",
                self.expression(0),
                self.pick(&["in", "not in"]),
                self.pick(&["arr", "sarr", "words", "obj", "mess", "values.tags", "'abc'"])
            ),
            5 => format!(
                "{} {} {}",
                self.expression(depth - 1),
                self.pick(&["is", "is not"]),
                self.pick(&[
                    "defined",
                    "undefined",
                    "string",
                    "number",
                    "truthy",
                    "falsy",
                    "none",
                    "mapping",
                    "escaped",
                    "callable"
                ])
            ),
            6 => format!(
                "{} is {}",
                self.number(depth - 1),
                self.pick(&[
                    "even",
                    "odd",
                    "divisibleby(3)",
                    "gt(2)",
                    "le(n)",
                    "eq(3)",
                    "sameas(3)",
                    "ne(1)",
                    "ge('2')"
                ])
            ),
            _ => format!(
                "({}).{}",
                self.text(depth - 1),
                self.pick(&[
                    "includes('a')",
                    "startsWith('t')",
                    "endsWith('x')",
                    "startsWith('h', 1)",
                    "includes(' ', 5)"
                ])
            ),
        }
    }

    /// Any syntax with any operands.
    pub(super) fn nonsense(&mut self, depth: u32) -> String {
        if depth == 0 || self.one_in(5) {
            return self.operand();
        }
        match self.below(16) {
            0..=2 => format!("{} | {}", self.expression(depth - 1), self.filter(depth - 1)),
            3..=4 => format!("{}.{}", self.operand(), self.method(depth - 1)),
            5..=7 => format!("{} {} {}", self.expression(depth - 1), self.pick(&BINARY), self.expression(depth - 1)),
            8 => format!("({})", self.expression(depth - 1)),
            9 => {
                let negation = self.pick(&["is", "is", "is not"]);
                let arguments = if self.one_in(2) { format!("({})", self.operand()) } else { String::new() };
                format!("{} {negation} {}{arguments}", self.expression(depth - 1), self.pick(&TESTS))
            }
            10 => format!("{} {}", self.pick(&["not", "-", "+", "not not"]), self.expression(depth - 1)),
            11 => format!("{} if {}", self.expression(depth - 1), self.expression(depth - 1)),
            12 => self.composed(depth),
            13 => self.subscript(depth),
            14 => format!(
                "{}.{}",
                self.operand(),
                self.pick(&["a", "x.y", "n", "length", "1a", "list[0].k", "tags", "0"])
            ),
            _ => {
                // Text in `range` would keep Nunjitsu busy for hours: '' + 1 + 1 grows and never gets there.
                let start = self.pick(&["cycler", "joiner", "missing", "name.nosuch", "cycler"]);
                let end = self.pick(&["", ".next()", "()", "[0]", " | join('-')"]);
                format!("{start}({}){end}", self.arguments(1))
            }
        }
    }
}
