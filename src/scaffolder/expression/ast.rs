//! The syntax tree of a template.
//!
//! Every node knows the byte offset it starts at. Names that may be bound (loop targets, macros, parameters) and the
//! names that read them carry a number, by which `plan` gives them slots.

use std::rc::Rc;

use super::regex::Regex;
use super::text::Text;

/// Identifies a name, loop, macro or block within one template.
pub(super) type Id = u32;

#[derive(Debug)]
pub(super) struct Expr {
    pub(super) at: usize,
    /// Levels of expressions below and including this one.
    pub(super) height: usize,
    pub(super) kind: ExprKind,
}

#[derive(Debug)]
pub(super) enum ExprKind {
    Null,
    Bool(bool),
    Number(f64),
    Text(Text),
    Regex(Rc<Regex>),
    Name(Name),
    /// `(a, b)`: all are evaluated, the last is the value.
    Group(Vec<Expr>),
    List(Vec<Expr>),
    Object(Vec<(Text, Expr)>),
    Member {
        target: Box<Expr>,
        key: Box<Expr>,
    },
    Slice {
        target: Box<Expr>,
        slice: Box<Slice>,
    },
    /// `body if condition else otherwise`.
    Inline(Box<Inline>),
    Or(Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Minus(Box<Expr>),
    Plus(Box<Expr>),
    Floor(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Vec<(Comparison, Expr)>),
    In(Box<Expr>, Box<Expr>),
    Is(Box<Expr>, Box<Test>),
    Filter(Box<Filter>),
    Call {
        target: Box<Expr>,
        arguments: Arguments,
    },
    /// The output of a `{% filter %}` body.
    Capture(Vec<Stmt>),
}

/// A name where it is read or bound.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) id: Id,
    pub(super) text: Rc<str>,
}

/// `[start:stop:step]`.
#[derive(Debug)]
pub(super) struct Slice {
    pub(super) start: Option<Expr>,
    pub(super) stop: Option<Expr>,
    pub(super) step: Option<Expr>,
}

#[derive(Debug)]
pub(super) struct Inline {
    pub(super) body: Expr,
    pub(super) condition: Expr,
    pub(super) otherwise: Option<Expr>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Operator {
    Add,
    Concat,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Comparison {
    Equal,
    Identical,
    Unequal,
    Different,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What follows `is`.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) arguments: Option<Arguments>,
}

/// `input | name(…)`; the input is the first positional argument.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) at: usize,
    pub(super) name: Rc<str>,
    pub(super) arguments: Arguments,
}

#[derive(Debug, Default)]
pub(super) struct Arguments {
    pub(super) positional: Vec<Expr>,
    pub(super) keyword: Vec<(Rc<str>, Expr)>,
}

#[derive(Debug)]
pub(super) struct Stmt {
    pub(super) at: usize,
    pub(super) kind: StmtKind,
}

#[derive(Debug)]
pub(super) enum StmtKind {
    Text(String),
    Output(Expr),
    If {
        branches: Vec<(Expr, Vec<Stmt>)>,
        otherwise: Option<Vec<Stmt>>,
    },
    For(Box<For>),
    Set {
        targets: Vec<Name>,
        value: Expr,
    },
    /// `{% set name %}…{% endset %}`.
    SetBlock {
        targets: Vec<Name>,
        body: Vec<Stmt>,
    },
    Macro {
        name: Name,
        definition: Rc<Callable>,
    },
    CallBlock {
        target: Expr,
        arguments: Arguments,
        caller: Rc<Callable>,
    },
    Block {
        id: Id,
        body: Vec<Stmt>,
    },
    Switch {
        value: Expr,
        cases: Vec<(Expr, Vec<Stmt>)>,
        otherwise: Option<Vec<Stmt>>,
    },
}

#[derive(Debug)]
pub(super) struct For {
    pub(super) id: Id,
    pub(super) targets: Vec<Name>,
    pub(super) sequence: Expr,
    pub(super) body: Vec<Stmt>,
    pub(super) otherwise: Option<Vec<Stmt>>,
}

/// A macro, or the body of a call block (its `caller()`).
#[derive(Debug)]
pub(super) struct Callable {
    pub(super) id: Id,
    pub(super) parameters: Vec<Name>,
    pub(super) defaults: Vec<(Name, Expr)>,
    pub(super) body: Vec<Stmt>,
}

impl Expr {
    pub(super) fn new(at: usize, kind: ExprKind) -> Expr {
        let mut expression = Expr { at, height: 1, kind };
        expression.height += expression.children().iter().map(|child| child.height).max().unwrap_or(0);
        expression
    }

    /// The expressions directly below, in the order of the source; the body of a capture is not among them.
    pub(super) fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Number(_)
            | ExprKind::Text(_)
            | ExprKind::Regex(_)
            | ExprKind::Name(_)
            | ExprKind::Capture(_) => Vec::new(),
            ExprKind::Group(items) | ExprKind::List(items) => items.iter().collect(),
            ExprKind::Object(entries) => entries.iter().map(|(_, value)| value).collect(),
            ExprKind::Member { target, key } => vec![target, key],
            ExprKind::Slice { target, slice } => {
                let bounds = [&slice.start, &slice.stop, &slice.step].into_iter().flatten();
                std::iter::once(&**target).chain(bounds).collect()
            }
            ExprKind::Inline(inline) => {
                [&inline.condition, &inline.body].into_iter().chain(inline.otherwise.as_ref()).collect()
            }
            ExprKind::Or(left, right)
            | ExprKind::And(left, right)
            | ExprKind::In(left, right)
            | ExprKind::Binary(_, left, right) => vec![left, right],
            ExprKind::Not(target) | ExprKind::Minus(target) | ExprKind::Plus(target) | ExprKind::Floor(target) => {
                vec![target]
            }
            ExprKind::Compare(first, rest) => {
                std::iter::once(&**first).chain(rest.iter().map(|(_, right)| right)).collect()
            }
            ExprKind::Is(left, test) => {
                std::iter::once(&**left).chain(test.arguments.iter().flat_map(Arguments::values)).collect()
            }
            ExprKind::Filter(filter) => filter.arguments.values().collect(),
            ExprKind::Call { target, arguments } => std::iter::once(&**target).chain(arguments.values()).collect(),
        }
    }
}

impl Arguments {
    pub(super) fn values(&self) -> impl Iterator<Item = &Expr> {
        self.positional.iter().chain(self.keyword.iter().map(|(_, value)| value))
    }
}
