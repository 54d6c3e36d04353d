//! Executes the tree of a template.
//!
//! Names are looked up in three places, as in Nunjucks: a variable of the compiled function ([`super::plan`]), the
//! frames of the template ([`scope`]), and the context. The context stays JSON until a value is used; what is converted
//! is kept, so a list changed by the template stays changed for the rest of the render.
//!
//! Invariant: every statement and expression is charged to the [`Meter`] before it runs.

mod calls;
mod expressions;
mod loops;
mod scope;
mod statements;

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::{Map, Value as Json};

use super::Engine;
use super::ast::{Callable, Stmt, StmtKind};
use super::json;
use super::limits::{Meter, Result};
use super::plan::Plan;
use super::text::Buffer;
use super::value::Value;
use scope::{Frame, Scope};

#[cfg(test)]
pub(super) use calls::BUILT_IN;
pub(super) use calls::Values;
pub(super) use expressions::own_member;

/// One render of one template.
pub(super) struct Interpreter<'a> {
    engine: &'a Engine,
    plan: &'a Plan,
    context: &'a Map<String, Json>,
    meter: Meter,
    /// Containers of the context that were converted, by their address.
    imported: json::Imported,
    /// Macros and call blocks met so far; functions refer to them by index.
    macros: Vec<Definition<'a>>,
    /// Global functions that were read: each is one function however often it is named.
    globals: HashMap<String, Value>,
}

/// A macro or call block together with where it was defined.
struct Definition<'a> {
    callable: &'a Callable,
    frame_plan: usize,
    scope: Rc<Scope>,
    /// The frame around a call block, whose names its body sees.
    outer: Option<Rc<Frame>>,
    exports: Rc<Scope>,
}

/// Where a statement or expression stands.
struct Env {
    scope: Rc<Scope>,
    frame: Rc<Frame>,
    /// Index of the scope plan in force.
    plan: usize,
    /// Where macros look names up, and where they and assignments are published.
    exports: Rc<Scope>,
    exports_macros: bool,
    exports_assignments: bool,
}

impl Env {
    /// The same place with other names visible.
    fn inside(&self, scope: Rc<Scope>, plan: usize) -> Env {
        Env {
            scope,
            frame: self.frame.clone(),
            plan,
            exports: self.exports.clone(),
            exports_macros: false,
            exports_assignments: false,
        }
    }
}

impl<'a> Interpreter<'a> {
    pub(super) fn new(engine: &'a Engine, plan: &'a Plan, context: &'a Map<String, Json>) -> Interpreter<'a> {
        Interpreter {
            engine,
            plan,
            context,
            meter: Meter::default(),
            imported: HashMap::new(),
            macros: Vec::new(),
            globals: HashMap::new(),
        }
    }

    /// The output of the template as text.
    pub(super) fn render(&mut self, body: &'a [Stmt]) -> Result<String> {
        let mut output = Buffer::default();
        let env = self.root();
        self.sequence(body, &env, &mut output, 1)?;
        Ok(output.into_utf8())
    }

    /// The value of a template that is one output and nothing else, or its text.
    pub(super) fn evaluate(&mut self, body: &'a [Stmt]) -> Result<Option<Json>> {
        let [Stmt { kind: StmtKind::Output(expression), .. }] = body else {
            return self.render(body).map(|text| Some(Json::String(text)));
        };
        let env = self.root();
        let value = self.expression(expression, &env, 3)?;
        json::export(&value, &mut self.meter).map_err(|fault| fault.or_at(expression.at))
    }

    fn root(&self) -> Env {
        let exports = Rc::new(Scope::new(None, true));
        let root = self.plan.root();
        Env {
            scope: Rc::new(Scope::new(Some(exports.clone()), true)),
            frame: Rc::new(Frame::new(&root.slots, None)),
            plan: root.scope,
            exports,
            exports_macros: true,
            exports_assignments: true,
        }
    }

    /// Converts a value of the context, once.
    fn import(&mut self, json: &Json) -> Result<Value> {
        json::import(json, 0, &mut self.imported)
    }

    fn charge(&mut self, depth: usize) -> Result<()> {
        Meter::depth(depth)?;
        self.meter.work(1)
    }
}
