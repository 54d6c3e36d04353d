//! Gives names their slots, as the Nunjucks compiler gives them JavaScript variables.
//!
//! Loop targets, macros and macro parameters live in variables of the compiled function; other names are looked up at
//! run time. Which is which depends on the order of the source, not on what is executed: a macro defined in a branch
//! that is not taken still hides a value of that name. A body of a loop with several targets is compiled twice, once
//! for lists and once for objects, with variables of its own each time.

use std::collections::HashMap;
use std::rc::Rc;

use super::ast::{Arguments, Callable, Expr, ExprKind, For, Id, Name, Stmt, StmtKind};
use super::limits::{Meter, Result};

pub(super) type Slot = usize;

/// The slots of one template.
#[derive(Debug, Default)]
pub(super) struct Plan {
    scopes: Vec<ScopePlan>,
    frames: Vec<FramePlan>,
}

/// What is visible in one region of the source.
#[derive(Debug, Default)]
struct ScopePlan {
    slots: HashMap<Id, Slot>,
    frames: HashMap<Id, usize>,
    loops: HashMap<Id, LoopPlan>,
}

/// The slots of one macro, call block or block, and the scope its body starts with.
#[derive(Debug)]
pub(super) struct FramePlan {
    pub(super) slots: Vec<Slot>,
    pub(super) scope: usize,
}

/// A loop: where its length is kept, and the scopes of its bodies.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoopPlan {
    pub(super) length: Slot,
    pub(super) list: usize,
    pub(super) object: usize,
}

impl Plan {
    pub(super) fn new(body: &[Stmt]) -> Result<Plan> {
        let mut planner = Planner { plan: Plan::default(), next: 0, repeats: 0, meter: Meter::default() };
        let mut state = planner.frame(HashMap::new());
        planner.body(body, &mut state)?;
        Ok(planner.plan)
    }

    pub(super) fn root(&self) -> &FramePlan {
        &self.frames[0]
    }

    /// The slot of a name, when it has one in `scope`.
    pub(super) fn slot(&self, scope: usize, name: Id) -> Option<Slot> {
        self.scopes[scope].slots.get(&name).copied()
    }

    /// The frame of a macro, call block or block met in `scope`.
    pub(super) fn frame(&self, scope: usize, id: Id) -> &FramePlan {
        &self.frames[self.scopes[scope].frames.get(&id).copied().unwrap_or(0)]
    }

    pub(super) fn each(&self, scope: usize, id: Id) -> LoopPlan {
        self.scopes[scope].loops.get(&id).copied().unwrap_or(LoopPlan { length: 0, list: scope, object: scope })
    }
}

/// Where the planner stands: the frame that gets new slots, the scope it fills and the names visible now.
struct State {
    frame: usize,
    scope: usize,
    bindings: HashMap<Rc<str>, Slot>,
}

struct Planner {
    plan: Plan,
    next: Slot,
    /// How many bodies around the present place are being planned again.
    repeats: usize,
    /// Bodies planned twice inside each other double the work: this bounds it.
    meter: Meter,
}

impl Planner {
    fn frame(&mut self, bindings: HashMap<Rc<str>, Slot>) -> State {
        let scope = self.scope();
        self.plan.frames.push(FramePlan { slots: Vec::new(), scope });
        State { frame: self.plan.frames.len() - 1, scope, bindings }
    }

    fn scope(&mut self) -> usize {
        self.plan.scopes.push(ScopePlan::default());
        self.plan.scopes.len() - 1
    }

    fn region(&mut self, state: &State) -> State {
        State { frame: state.frame, scope: self.scope(), bindings: state.bindings.clone() }
    }

    fn slot(&mut self, state: &State) -> Slot {
        let slot = self.next;
        self.next += 1;
        self.plan.frames[state.frame].slots.push(slot);
        slot
    }

    fn bind(&mut self, name: &Name, state: &mut State) {
        let slot = self.slot(state);
        state.bindings.insert(name.text.clone(), slot);
        self.plan.scopes[state.scope].slots.insert(name.id, slot);
    }

    fn read(&mut self, name: &Name, state: &State) {
        if let Some(slot) = state.bindings.get(&name.text) {
            self.plan.scopes[state.scope].slots.insert(name.id, *slot);
        }
    }

    fn read_all(&mut self, names: &[Name], state: &State) {
        for name in names {
            self.read(name, state);
        }
    }

    fn charge(&mut self) -> Result<()> {
        self.meter.work(usize::from(self.repeats > 0))
    }

    fn body(&mut self, body: &[Stmt], state: &mut State) -> Result<()> {
        body.iter().try_for_each(|statement| self.statement(statement, state))
    }

    fn statement(&mut self, statement: &Stmt, state: &mut State) -> Result<()> {
        self.charge()?;
        match &statement.kind {
            StmtKind::Text(_) => {}
            StmtKind::Output(value) => self.expression(value, state)?,
            StmtKind::If { branches: cases, otherwise } => self.cases(cases, otherwise.as_deref(), state)?,
            StmtKind::Switch { value, cases, otherwise } => {
                self.expression(value, state)?;
                self.cases(cases, otherwise.as_deref(), state)?;
            }
            StmtKind::For(each) => self.each(each, state)?,
            StmtKind::Set { targets, value } => {
                self.expression(value, state)?;
                self.read_all(targets, state);
            }
            StmtKind::SetBlock { targets, body } => {
                self.body(body, state)?;
                self.read_all(targets, state);
            }
            StmtKind::Macro { name, definition } => {
                self.bind(name, state);
                self.callable(definition, HashMap::new(), state.scope)?;
            }
            StmtKind::CallBlock { target, arguments, caller } => {
                self.expression(target, state)?;
                self.arguments(arguments, state)?;
                self.callable(caller, state.bindings.clone(), state.scope)?;
            }
            StmtKind::Block { id, body, .. } => {
                let mut inner = self.frame(HashMap::new());
                self.plan.scopes[state.scope].frames.insert(*id, inner.frame);
                self.body(body, &mut inner)?;
            }
        }
        Ok(())
    }

    fn cases(&mut self, cases: &[(Expr, Vec<Stmt>)], otherwise: Option<&[Stmt]>, state: &mut State) -> Result<()> {
        for (condition, body) in cases {
            self.expression(condition, state)?;
            self.body(body, state)?;
        }
        self.body(otherwise.unwrap_or_default(), state)
    }

    fn each(&mut self, each: &For, state: &mut State) -> Result<()> {
        self.expression(&each.sequence, state)?;
        let length = self.slot(state);
        let otherwise = each.otherwise.as_deref().unwrap_or_default();
        let mut list = self.region(state);
        each.targets.iter().for_each(|target| self.bind(target, &mut list));
        self.body(&each.body, &mut list)?;
        let object = if each.targets.len() == 1 {
            self.body(otherwise, &mut list)?;
            list.scope
        } else {
            let mut object = self.region(&list);
            each.targets.iter().take(2).for_each(|target| self.bind(target, &mut object));
            self.repeats += 1;
            self.body(&each.body, &mut object)?;
            self.repeats -= 1;
            self.body(otherwise, &mut object)?;
            object.scope
        };
        self.plan.scopes[state.scope].loops.insert(each.id, LoopPlan { length, list: list.scope, object });
        Ok(())
    }

    fn callable(&mut self, callable: &Callable, inherited: HashMap<Rc<str>, Slot>, scope: usize) -> Result<()> {
        let mut state = self.frame(inherited);
        self.plan.scopes[scope].frames.insert(callable.id, state.frame);
        let mut own: HashMap<Rc<str>, Slot> = HashMap::new();
        for parameter in &callable.parameters {
            if let Some(slot) = own.get(&parameter.text) {
                self.plan.scopes[state.scope].slots.insert(parameter.id, *slot);
            } else {
                self.bind(parameter, &mut state);
                own.insert(parameter.text.clone(), self.next - 1);
            }
        }
        for (_, default) in &callable.defaults {
            self.expression(default, &mut state)?;
        }
        self.body(&callable.body, &mut state)
    }

    fn arguments(&mut self, arguments: &Arguments, state: &mut State) -> Result<()> {
        arguments.values().try_for_each(|value| self.expression(value, state))
    }

    fn expression(&mut self, expression: &Expr, state: &mut State) -> Result<()> {
        self.charge()?;
        match &expression.kind {
            ExprKind::Name(name) => self.read(name, state),
            ExprKind::Capture(body) => self.body(body, state)?,
            _ => {
                for child in expression.children() {
                    self.expression(child, state)?;
                }
            }
        }
        Ok(())
    }
}
