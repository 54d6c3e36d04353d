//! Composed syntax: subscripts, operands, filters, methods and their arguments.

use super::Generator;
use super::words::{FILTERS, KEYS, LITERALS, METHODS, NAMES, REGEXES, REPLACEMENTS};

impl Generator {
    pub(super) fn composed(&mut self, depth: u32) -> String {
        let (first, second) = (self.expression(depth - 1), self.expression(depth - 1));
        match self.below(3) {
            0 => format!("[{first}, {second}]"),
            1 => format!("{{{}: {first}, '{}': {second} }}", self.pick(&["a", "b", "k"]), self.pick(&KEYS)),
            _ => format!("({first}, {second})"),
        }
    }

    pub(super) fn subscript(&mut self, depth: u32) -> String {
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

    pub(super) fn operand(&mut self) -> String {
        match self.below(12) {
            0..=6 => self.pick(&NAMES).to_owned(),
            7 => self
                .pick(&["deep.x.y", "users[0].n", "values.tags", "obj.b", "deep.x.list[1].k", "values['my-dash']"])
                .to_owned(),
            8 if self.one_in(4) => self.pick(&REGEXES).to_owned(),
            _ => self.pick(&LITERALS).to_owned(),
        }
    }

    pub(super) fn arguments(&mut self, depth: u32) -> String {
        let count = self.below(4);
        (0..count).map(|_| self.expression(depth)).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn filter(&mut self, depth: u32) -> String {
        let name = self.pick(&FILTERS);
        self.filter_named(name, depth)
    }

    pub(super) fn filter_named(&mut self, name: &'static str, depth: u32) -> String {
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

    pub(super) fn replacement(&mut self, name: &str) -> String {
        let search = if self.one_in(2) { self.pick(&REGEXES) } else { self.pick(&LITERALS) };
        let limit = self.pick(&["", "", ", 1", ", 0", ", -1"]);
        format!("{name}({search}, {}{limit})", self.pick(&REPLACEMENTS))
    }

    pub(super) fn method(&mut self, depth: u32) -> String {
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
