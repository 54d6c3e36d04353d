//! What a template reads and calls, without running it: for checks of the steps that a template refers to.

use std::collections::HashSet;
use std::rc::Rc;

use super::ast::{Arguments, Callable, Expr, ExprKind, Name, Stmt, StmtKind};

/// A path into the context, such as `steps.publish.output.remoteUrl`, and where it is read.
pub(super) struct Path {
    pub(super) steps: Vec<String>,
    pub(super) at: usize,
}

/// What was found.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) paths: Vec<Path>,
    pub(super) calls: Vec<String>,
}

/// Collects the context paths and the names of the functions called in `body`.
pub(super) fn inspect(body: &[Stmt]) -> Findings {
    let mut inspector = Inspector { found: Findings::default(), bound: HashSet::new() };
    inspector.body(body);
    inspector.found
}

struct Inspector {
    found: Findings,
    /// Names the template itself gave a value: they are no part of the context.
    bound: HashSet<Rc<str>>,
}

impl Inspector {
    fn body(&mut self, body: &[Stmt]) {
        for statement in body {
            self.statement(statement);
        }
    }

    /// Inspects a body in which `names` are bound, and forgets them afterwards.
    fn inside<'n>(&mut self, names: impl Iterator<Item = &'n Name>, body: impl FnOnce(&mut Self)) {
        let outer = self.bound.clone();
        self.bound.extend(names.map(|name| name.text.clone()));
        body(self);
        self.bound = outer;
    }

    fn statement(&mut self, statement: &Stmt) {
        match &statement.kind {
            StmtKind::Text(_) => {}
            StmtKind::Output(value) => self.expression(value),
            StmtKind::If { branches: cases, otherwise } => self.cases(cases, otherwise.as_deref()),
            StmtKind::Switch { value, cases, otherwise } => {
                self.expression(value);
                self.cases(cases, otherwise.as_deref());
            }
            StmtKind::For(each) => {
                self.expression(&each.sequence);
                self.inside(each.targets.iter(), |inspector| {
                    inspector.bound.insert("loop".into());
                    inspector.body(&each.body);
                    inspector.body(each.otherwise.as_deref().unwrap_or_default());
                });
            }
            StmtKind::Set { targets, value } => {
                self.expression(value);
                self.bind(targets);
            }
            StmtKind::SetBlock { targets, body } => {
                self.body(body);
                self.bind(targets);
            }
            StmtKind::Macro { name, definition } => {
                self.bind(std::slice::from_ref(name));
                self.callable(definition);
            }
            StmtKind::CallBlock { target, arguments, caller } => {
                self.call(target);
                self.arguments(arguments);
                self.callable(caller);
            }
            StmtKind::Block { body, .. } => self.body(body),
        }
    }

    fn bind(&mut self, targets: &[Name]) {
        self.bound.extend(targets.iter().map(|target| target.text.clone()));
    }

    fn cases(&mut self, cases: &[(Expr, Vec<Stmt>)], otherwise: Option<&[Stmt]>) {
        for (condition, body) in cases {
            self.expression(condition);
            self.body(body);
        }
        self.body(otherwise.unwrap_or_default());
    }

    fn callable(&mut self, callable: &Callable) {
        callable.defaults.iter().for_each(|(_, value)| self.expression(value));
        let names = callable.parameters.iter().chain(callable.defaults.iter().map(|(name, _)| name));
        self.inside(names, |inspector| {
            inspector.bound.insert("caller".into());
            inspector.body(&callable.body);
        });
    }

    fn arguments(&mut self, arguments: &Arguments) {
        arguments.values().for_each(|value| self.expression(value));
    }

    fn expression(&mut self, expression: &Expr) {
        match &expression.kind {
            ExprKind::Name(_) | ExprKind::Member { .. } => self.read(expression),
            ExprKind::Capture(body) => self.body(body),
            ExprKind::Call { target, arguments } => {
                self.call(target);
                self.arguments(arguments);
            }
            _ => expression.children().into_iter().for_each(|child| self.expression(child)),
        }
    }

    /// The last step of what is called is a method or function, not data.
    fn call(&mut self, target: &Expr) {
        match &target.kind {
            ExprKind::Name(name) if !self.bound.contains(&name.text) => self.found.calls.push(name.text.to_string()),
            ExprKind::Name(_) => {}
            ExprKind::Member { target: receiver, key } => {
                self.expression(receiver);
                self.expression(key);
            }
            _ => self.expression(target),
        }
    }

    /// Notes the path as far as its steps are fixed; computed steps are inspected themselves.
    fn read(&mut self, expression: &Expr) {
        let mut steps = Vec::new();
        let mut current = expression;
        while let ExprKind::Member { target, key } = &current.kind {
            match &key.kind {
                ExprKind::Text(key) => steps.push(key.to_utf8()),
                ExprKind::Number(number) => steps.push(super::number::print(*number)),
                _ => {
                    self.expression(key);
                    steps.clear();
                }
            }
            current = target;
        }
        let ExprKind::Name(name) = &current.kind else {
            return self.expression(current);
        };
        if !self.bound.contains(&name.text) {
            steps.push(name.text.to_string());
            steps.reverse();
            self.found.paths.push(Path { steps, at: current.at });
        }
    }
}
