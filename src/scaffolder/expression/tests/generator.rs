//! Random templates from a seed: mostly sensible ones, some nonsense.

#![expect(clippy::format_push_string, clippy::too_many_lines, reason = "tables of choices, read from top to bottom")]

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

/// One template and how it is rendered.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) source: String,
    pub(super) is_value: bool,
    pub(super) cookiecutter: bool,
    pub(super) trim: bool,
    pub(super) lstrip: bool,
}

/// The context of all generated templates.
pub(super) fn context() -> &'static Map<String, Value> {
    static CONTEXT: OnceLock<Map<String, Value>> = OnceLock::new();
    CONTEXT.get_or_init(|| {
        let context = json!({
            "name": "svc", "words": "the quick  brown fox", "mixed": "Ab cD-3", "uni": "Žluť 😀 ß", "es": "", "num": "12.5px",
            "html": "<b class=\"x\">&'q'</b> a\\b", "lines": "one\n  two \r\nthree\n", "url": "see http://a.b/c, www.x.org (me@x.io).",
            "n": 3, "f": 1.5, "neg": -7, "zero": 0, "big": 12_345_678_901_234_567_890_u64, "tiny": 1e-7, "third": 0.333_333_333_3,
            "t": true, "fa": false, "nul": null, "empty": [], "emptyo": {},
            "arr": [1, 2, 3], "sarr": ["b", "a", "C", "ä"], "mess": [3, "10", null, "2", true, 1.5, "x"], "nested": [[1, 2], [3, [4, "z"]]],
            "obj": {"b": 1, "a": 2, "10": "ten", "2": "two"}, "deep": {"x": {"y": "deep", "list": [{"k": 1}, {"k": 2}]}},
            "users": [{"n": "Al", "age": 30, "g": "x"}, {"n": "Bo", "age": 20, "g": "y"}, {"n": "cy", "age": 25, "g": "x"}],
            "pairs": [["k1", "v1"], ["k2", "v2"]], "like": {"length": 2, "0": "p", "1": "q"},
            "values": {"repo": "github.com?owner=o&repo=r", "tags": ["one", "two"], "my-dash": "d", "on": true, "count": 2}
        });
        context.as_object().expect("an object").clone()
    })
}

const NAMES: [&str; 36] = [
    "name", "words", "mixed", "uni", "es", "num", "html", "lines", "url", "n", "f", "neg", "zero", "big", "tiny",
    "third", "t", "fa", "nul", "empty", "emptyo", "arr", "sarr", "mess", "nested", "obj", "deep", "users", "pairs",
    "like", "values", "missing", "x", "y", "q", "loop",
];
const KEYS: [&str; 18] = [
    "a", "b", "x", "y", "list", "n", "age", "g", "length", "0", "1", "2", "k", "tags", "repo", "my-dash", "index",
    "val",
];
const LITERALS: [&str; 26] = [
    "0",
    "1",
    "2",
    "-1",
    "3.75",
    "10",
    "1000000",
    "0.1",
    "''",
    "'a'",
    "'b'",
    "\"x y\"",
    "'2'",
    "' 12 '",
    "'😀é'",
    "','",
    "'-'",
    "true",
    "false",
    "none",
    "[]",
    "{}",
    "[1, 'a', none]",
    "{a: 1, 'b': [2]}",
    "(1, 2)",
    "'0x1F'",
];
const FILTERS: [&str; 42] = [
    "abs",
    "batch",
    "capitalize",
    "center",
    "d",
    "default",
    "dictsort",
    "dump",
    "e",
    "escape",
    "first",
    "float",
    "forceescape",
    "groupby",
    "indent",
    "int",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "nl2br",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "trim",
    "truncate",
    "upper",
    "urlencode",
    "urlize",
    "wordcount",
];
const TESTS: [&str; 30] = [
    "callable",
    "defined",
    "divisibleby",
    "eq",
    "equalto",
    "escaped",
    "even",
    "falsy",
    "ge",
    "greaterthan",
    "gt",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "null",
    "none",
    "number",
    "odd",
    "sameas",
    "string",
    "truthy",
    "undefined",
    "upper",
    "true",
    "foo.bar",
    "(x)",
];
const METHODS: [&str; 48] = [
    "charAt",
    "charCodeAt",
    "concat",
    "endsWith",
    "includes",
    "indexOf",
    "lastIndexOf",
    "replace",
    "slice",
    "split",
    "startsWith",
    "substring",
    "toLowerCase",
    "toUpperCase",
    "trim",
    "trimEnd",
    "trimStart",
    "toExponential",
    "toFixed",
    "toPrecision",
    "toString",
    "at",
    "copyWithin",
    "fill",
    "flat",
    "join",
    "pop",
    "push",
    "reverse",
    "shift",
    "sort",
    "splice",
    "unshift",
    "test",
    "append",
    "count",
    "find",
    "index",
    "insert",
    "remove",
    "get",
    "has_key",
    "items",
    "keys",
    "values",
    "length",
    "nosuch",
    "size",
];
const BINARY: [&str; 24] = [
    "+", "+", "-", "*", "/", "//", "%", "*", "~", "==", "!=", "===", "!==", "<", "<=", ">", ">=", "and", "or", "in",
    "not in", "and", "or", "==",
];
const TEXTS: [&str; 16] =
    ["a", " ", "\n", "  \n  ", "text ", "\t", "{", "}", "$", "${x}", "é😀", "- ", "\r\n", "#", "% ", "key: "];
const REGEXES: [&str; 26] = [
    "r/a/",
    "r/[a-z]+/g",
    "r/^\\s*|\\s*$/g",
    "r/(\\w)(\\d)?/gi",
    "r/o/y",
    "r/\\b/g",
    "r/x*/g",
    "r/(a|b|c)+?d?/i",
    "r/(?:q.)(?=[^z])/g",
    "r/\\./",
    "r/^t/gm",
    "r/[^\\w]/g",
    "r/(.)\\1/",
    "r/\\d{1,2}/g",
    "r/.$/gm",
    "r/é|ž/gi",
    "r/[\\u00e0-\\u00ff]/g",
    "r/(?!o)[^\\s-]{2,}?/g",
    "r/(?<w>o)(.)/g",
    "r/(?<=o)\\w/g",
    "r/\\x61|\\cA|\\0/",
    "r/()/g",
    "r/(ab?)*c/",
    "r/[]/g",
    "r/[^]/",
    "r/a{,2}]/",
];
const REPLACEMENTS: [&str; 8] = ["'-'", "'$&$&'", "'[$1|$2]'", "'$$'", "'$`'", "\"$'\"", "'$<w>'", "'$10$0'"];

/// A generator of templates; the same seed gives the same templates.
pub(super) struct Generator {
    state: u64,
    cookiecutter: bool,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Generator {
        Generator { state: seed, cookiecutter: false }
    }

    pub(super) fn request(&mut self) -> Request {
        self.cookiecutter = self.one_in(8);
        let is_value = self.one_in(2);
        let source = if is_value && !self.one_in(4) { self.output(4) } else { self.template(3) };
        let (trim, lstrip) = (self.one_in(4), self.one_in(4));
        Request { source, is_value, cookiecutter: self.cookiecutter, trim, lstrip }
    }

    /// The algorithm `SplitMix64`.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, count: u64) -> u64 {
        self.next() % count
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn pick(&mut self, choices: &[&'static str]) -> &'static str {
        let count = u64::try_from(choices.len()).expect("few choices");
        choices[usize::try_from(self.below(count)).expect("an index")]
    }

    fn output(&mut self, depth: u32) -> String {
        let open = if self.cookiecutter { "{{" } else { "${{" };
        let (left, right) = (self.dash(), self.dash());
        format!("{open}{left} {} {right}}}}}", self.expression(depth))
    }

    fn dash(&mut self) -> &'static str {
        if self.one_in(6) { "-" } else { "" }
    }

    fn tag(&mut self, content: &str) -> String {
        let (left, right) = (self.dash(), self.dash());
        format!("{{%{left} {content} {right}%}}")
    }

    fn template(&mut self, depth: u32) -> String {
        let count = 1 + self.below(5);
        (0..count).map(|_| self.piece(depth)).collect()
    }

    fn piece(&mut self, depth: u32) -> String {
        if depth == 0 {
            return if self.one_in(2) { self.pick(&TEXTS).to_owned() } else { self.output(2) };
        }
        match self.below(20) {
            0..=4 => self.pick(&TEXTS).to_owned(),
            5..=8 => self.output(3),
            9 => self.conditional(depth),
            10..=12 => self.each(depth),
            13 => {
                let targets = self.pick(&["x", "x, y", "q", "name", "y"]);
                let value = self.expression(2);
                self.tag(&format!("set {targets} = {value}"))
            }
            14 => self.wrapped("set x", "endset", depth),
            15 => self.macro_and_calls(depth),
            16 => {
                let name =
                    self.pick(&["upper", "lower", "trim", "indent", "replace", "title", "escape", "length", "safe"]);
                let filter = self.filter_named(name, 0);
                self.wrapped(&format!("filter {filter}"), "endfilter", depth)
            }
            17 => self.switch(depth),
            18 => {
                let raw = self.pick(&["raw", "verbatim"]);
                let body = self.pick(&["${{ x }} {% if %}", "  {{ y }}\n", "{% raw %}a{% endraw %}", "{# c"]);
                format!("{}{body}{{% end{raw} %}}", self.tag(raw))
            }
            _ => self
                .pick(&["{# c #}", "{#- c -#}", "{#-#}", "{# ${{ x }} #}", "{%- block b %}z{% endblock b %}"])
                .to_owned(),
        }
    }

    fn wrapped(&mut self, open: &str, close: &str, depth: u32) -> String {
        format!("{}{}{}", self.tag(open), self.template(depth - 1), self.tag(close))
    }

    fn conditional(&mut self, depth: u32) -> String {
        let condition = self.expression(2);
        let mut text = format!("{}{}", self.tag(&format!("if {condition}")), self.template(depth - 1));
        if self.one_in(3) {
            let condition = self.expression(2);
            let word = self.pick(&["elif", "elseif"]);
            text += &format!("{}{}", self.tag(&format!("{word} {condition}")), self.template(depth - 1));
        }
        if self.one_in(2) {
            text += &format!("{}{}", self.tag("else"), self.template(depth - 1));
        }
        text + &self.tag("endif")
    }

    fn each(&mut self, depth: u32) -> String {
        let targets = self.pick(&["x", "x", "q", "x, y", "x, y", "x, y, q"]);
        let sequence = if self.one_in(3) {
            self.list(2)
        } else {
            self.pick(&[
                "arr",
                "users",
                "obj",
                "pairs",
                "words",
                "uni",
                "like",
                "mess",
                "range(4)",
                "obj | dictsort",
                "missing",
                "es",
                "users | groupby('g')",
                "deep.x",
            ])
            .to_owned()
        };
        let mut text = self.tag(&format!("for {targets} in {sequence}"));
        text += &self.template(depth - 1);
        if self.one_in(2) {
            let open = if self.cookiecutter { "{{" } else { "${{" };
            let name = self.pick(&["x", "y", "q", "loop.index", "loop.last", "loop.revindex0", "loop.length", "x.n"]);
            text += &format!("{open} {name} }}}};");
        }
        if self.one_in(4) {
            text += &format!("{}{}", self.tag("else"), self.template(depth - 1));
        }
        text + &self.tag("endfor")
    }

    fn macro_and_calls(&mut self, depth: u32) -> String {
        let signature = self.pick(&["x", "x, y='d'", "x='1', y=n", "", "q, x, y=[1]"]);
        let mut text = self.tag(&format!("macro m({signature})"));
        text += &self.template(depth - 1);
        text += self.pick(&[
            "",
            "<${{ x }}|${{ y }}>",
            "{% if caller %}${{ caller(1) }}{% endif %}",
            "{% if n > 9 %}${{ m(1) }}{% endif %}",
        ]);
        text += &self.tag("endmacro");
        let open = if self.cookiecutter { "{{" } else { "${{" };
        for _ in 0..self.below(3) {
            let arguments = self.pick(&["", "1", "1, 2", "y=4, x='k'", "n, y=arr", "1, 2, 3", "x=5"]);
            text += &format!("{open} m({arguments}) }}}}");
        }
        if self.one_in(3) {
            let header = self.pick(&["call m('c')", "call(z) m(1, y=2)", "call m()"]);
            text += &self.wrapped(header, "endcall", depth);
        }
        text
    }

    fn switch(&mut self, depth: u32) -> String {
        let value = self.expression(1);
        let mut text = format!("{{% switch {value} %}}");
        for _ in 0..self.below(3) {
            let case = self.expression(1);
            text += &self.tag(&format!("case {case}"));
            if !self.one_in(4) {
                text += &self.template(depth - 1);
            }
        }
        if self.one_in(2) {
            text += &format!("{}{}", self.tag("default"), self.template(depth - 1));
        }
        text + &self.tag("endswitch")
    }

    /// An expression of any type; one in eight does not care about types at all.
    fn expression(&mut self, depth: u32) -> String {
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

    fn text(&mut self, depth: u32) -> String {
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

    fn number(&mut self, depth: u32) -> String {
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

    fn list(&mut self, depth: u32) -> String {
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

    fn object(&mut self, depth: u32) -> String {
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

    fn truth(&mut self, depth: u32) -> String {
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
    fn nonsense(&mut self, depth: u32) -> String {
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

    fn composed(&mut self, depth: u32) -> String {
        let (first, second) = (self.expression(depth - 1), self.expression(depth - 1));
        match self.below(3) {
            0 => format!("[{first}, {second}]"),
            1 => format!("{{{}: {first}, '{}': {second} }}", self.pick(&["a", "b", "k"]), self.pick(&KEYS)),
            _ => format!("({first}, {second})"),
        }
    }

    fn subscript(&mut self, depth: u32) -> String {
        let target = self.operand();
        match self.below(4) {
            0 => format!("{target}['{}']", self.pick(&KEYS)),
            1 => format!("{target}[{}]", self.expression(depth - 1)),
            2 => {
                let bound = |generator: &mut Self| generator.pick(&["", "", "1", "-1", "2", "n", "0", "'1'", "10"]);
                format!("{target}[{}:{}]", bound(self), bound(self))
            }
            _ => format!(
                "{target}[{}:{}:{}]",
                self.pick(&["", "1", "-1"]),
                self.pick(&["", "2", "-3"]),
                self.pick(&["", "1", "-1", "2"])
            ),
        }
    }

    fn operand(&mut self) -> String {
        match self.below(12) {
            0..=6 => self.pick(&NAMES).to_owned(),
            7 => self
                .pick(&["deep.x.y", "users[0].n", "values.tags", "obj.b", "deep.x.list[1].k", "values['my-dash']"])
                .to_owned(),
            8 if self.one_in(4) => self.pick(&REGEXES).to_owned(),
            _ => self.pick(&LITERALS).to_owned(),
        }
    }

    fn arguments(&mut self, depth: u32) -> String {
        let count = self.below(4);
        (0..count).map(|_| self.expression(depth)).collect::<Vec<_>>().join(", ")
    }

    fn filter(&mut self, depth: u32) -> String {
        let name = self.pick(&FILTERS);
        self.filter_named(name, depth)
    }

    fn filter_named(&mut self, name: &'static str, depth: u32) -> String {
        let likely: &[&'static str] = match name {
            "join" => &["(',')", "", "('-', 'n')", "(', ', 'age')"],
            "replace" => return self.replacement(name),
            "sort" => &["", "(true)", "(false, true)", "(attribute='age')", "(false, false, 'n')", "(reverse=true)"],
            "dictsort" => &["", "(true)", "(false, 'value')"],
            "groupby" | "selectattr" | "rejectattr" | "sum" => &["('g')", "('age')", "('n')", ""],
            "select" | "reject" => &["", "('odd')", "('string')", "('gt', 1)", "('divisibleby', 2)"],
            "batch" | "slice" => &["(2)", "(2, 'z')", "(3)"],
            "default" | "d" => &["('d')", "('d', true)", "(boolean=true)"],
            "indent" => &["", "(2)", "(2, true)"],
            "truncate" => &["(5)", "(7, true)", "(4, true, '~')", "(10, false, '')"],
            "dump" => &["", "(2)", "('--')"],
            "round" => &["", "(1)", "(0, 'ceil')", "(2, 'floor')", "(-1)"],
            "int" => &["", "(5)", "(0, 16)", "(base=8)", "(default=1)"],
            "center" => &["(7)", "(4)", ""],
            "urlize" => &["", "(5)", "(8, true)"],
            "striptags" => &["", "(true)"],
            _ => &[""],
        };
        if self.one_in(30) {
            format!("{name}({})", self.arguments(depth.min(1)))
        } else {
            format!("{name}{}", self.pick(likely))
        }
    }

    fn replacement(&mut self, name: &str) -> String {
        let search = if self.one_in(2) { self.pick(&REGEXES) } else { self.pick(&LITERALS) };
        let limit = self.pick(&["", "", ", 1", ", 0", ", -1"]);
        format!("{name}({search}, {}{limit})", self.pick(&REPLACEMENTS))
    }

    fn method(&mut self, depth: u32) -> String {
        let name = self.pick(&METHODS);
        match name {
            "replace" => {
                let call = self.replacement(name);
                call.replace(", 1)", ")").replace(", 0)", ")").replace(", -1)", ")")
            }
            "split" if self.one_in(2) => format!("split({})", self.pick(&REGEXES)),
            "length" | "size" => name.to_owned(),
            "toFixed" | "toPrecision" | "toExponential" | "toString" | "charAt" | "at" => {
                format!("{name}({})", self.pick(&["", "0", "1", "2", "8", "16", "20", "-1", "n"]))
            }
            _ => format!("{name}({})", self.arguments(depth.min(1))),
        }
    }
}
