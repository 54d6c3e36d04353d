//! Random templates from a seed: mostly sensible ones, some nonsense.

#![expect(clippy::format_push_string, clippy::too_many_lines, reason = "tables of choices, read from top to bottom")]

mod calls;
mod expressions;
mod words;

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use self::words::TEXTS;

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

/// A generator of templates; the same seed gives the same templates.
pub(super) struct Generator {
    random: fastrand::Rng,
    cookiecutter: bool,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Generator {
        Generator { random: fastrand::Rng::with_seed(seed), cookiecutter: false }
    }

    pub(super) fn request(&mut self) -> Request {
        self.cookiecutter = self.one_in(8);
        let is_value = self.one_in(2);
        let source = if is_value && !self.one_in(4) { self.output(4) } else { self.template(3) };
        let (trim, lstrip) = (self.one_in(4), self.one_in(4));
        Request { source, is_value, cookiecutter: self.cookiecutter, trim, lstrip }
    }

    fn below(&mut self, count: u64) -> u64 {
        self.random.u64(..count)
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn pick(&mut self, choices: &[&'static str]) -> &'static str {
        self.random.choice(choices).expect("there are choices")
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
}
