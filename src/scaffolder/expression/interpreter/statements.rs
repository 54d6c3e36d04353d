//! Statements: what writes to the output and sets names.

use std::rc::Rc;

use super::super::ast::{Expr, Name, Stmt, StmtKind};
use super::super::limits::{Fault, Result};
use super::super::text::{Buffer, Text};
use super::super::value::{Function, Value};
use super::scope::Frame;
use super::{Definition, Env, Interpreter};

impl<'a> Interpreter<'a> {
    /// Executes the statements of one body.
    pub(super) fn sequence(&mut self, body: &'a [Stmt], env: &Env, output: &mut Buffer, depth: usize) -> Result<()> {
        self.charge(depth)?;
        for statement in body {
            self.charge(depth + 1)?;
            self.statement(statement, env, output, depth + 1).map_err(|fault| fault.or_at(statement.at))?;
        }
        Ok(())
    }

    fn statement(&mut self, statement: &'a Stmt, env: &Env, output: &mut Buffer, depth: usize) -> Result<()> {
        match &statement.kind {
            StmtKind::Text(text) => {
                self.meter.output(text.len())?;
                output.push_str(text);
                Ok(())
            }
            StmtKind::Output(value) => {
                let value = self.expression(value, env, depth + 1)?;
                self.write(&value, output)
            }
            StmtKind::If { branches, otherwise } => {
                self.conditional(branches, otherwise.as_deref(), env, output, depth)
            }
            StmtKind::For(each) => self.each(each, env, output, depth + 1),
            StmtKind::Set { targets, value } => {
                let value = self.expression(value, env, depth + 2)?;
                self.assign(targets, &value, env);
                Ok(())
            }
            StmtKind::SetBlock { targets, body } => {
                let value = Value::Text(self.capture(body, env, depth + 3)?);
                self.assign(targets, &value, env);
                Ok(())
            }
            StmtKind::Macro { name, definition } => {
                self.define_macro(name, definition, env);
                Ok(())
            }
            StmtKind::CallBlock { target, arguments, caller } => {
                let value = self.call_block(target, arguments, caller, env, depth + 1)?;
                self.write(&value, output)
            }
            StmtKind::Block { id, body, .. } => {
                let inner = self.block_env(*id, env);
                self.sequence(body, &inner, output, depth + 2)
            }
            StmtKind::Switch { value, cases, otherwise } => {
                self.switch(value, cases, otherwise.as_deref(), env, output, depth)
            }
        }
    }

    fn write(&mut self, value: &Value, output: &mut Buffer) -> Result<()> {
        let text = value.to_output(&mut self.meter)?;
        self.meter.output(text.len())?;
        output.push(&text);
        Ok(())
    }

    /// The output of a body as text.
    pub(super) fn capture(&mut self, body: &'a [Stmt], env: &Env, depth: usize) -> Result<Text> {
        let mut output = Buffer::default();
        self.sequence(body, env, &mut output, depth)?;
        self.meter.made(output.into_text())
    }

    fn conditional(
        &mut self,
        branches: &'a [(Expr, Vec<Stmt>)],
        otherwise: Option<&'a [Stmt]>,
        env: &Env,
        output: &mut Buffer,
        mut depth: usize,
    ) -> Result<()> {
        for (index, (condition, body)) in branches.iter().enumerate() {
            if index > 0 {
                depth += 1;
                self.charge(depth)?;
            }
            if self.expression(condition, env, depth + 1)?.is_truthy() {
                return self.sequence(body, env, output, depth + 1);
            }
        }
        otherwise.map_or(Ok(()), |body| self.sequence(body, env, output, depth + 1))
    }

    /// An empty case goes on with the body of the next one.
    fn switch(
        &mut self,
        value: &'a Expr,
        cases: &'a [(Expr, Vec<Stmt>)],
        otherwise: Option<&'a [Stmt]>,
        env: &Env,
        output: &mut Buffer,
        depth: usize,
    ) -> Result<()> {
        let value = self.expression(value, env, depth + 1)?;
        let mut matched = false;
        for (condition, body) in cases {
            matched = matched || value.is_same(&self.expression(condition, env, depth + 1)?);
            if matched && !body.is_empty() {
                return self.sequence(body, env, output, depth + 1);
            }
        }
        otherwise.map_or(Ok(()), |body| self.sequence(body, env, output, depth + 1))
    }

    fn assign(&mut self, targets: &'a [Name], value: &Value, env: &Env) {
        for target in targets {
            env.scope.assign(&target.text, value.clone());
            self.set_slot(target, value, env);
            if env.exports_assignments {
                env.exports.set(&target.text, value.clone());
            }
        }
    }

    /// Sets the variable of the compiled function that `name` means here, if there is one.
    pub(super) fn set_slot(&self, name: &Name, value: &Value, env: &Env) {
        if let Some(slot) = self.plan.slot(env.plan, name.id) {
            env.frame.set(slot, value.clone());
        }
    }

    fn define_macro(&mut self, name: &'a Name, definition: &'a Rc<super::Callable>, env: &Env) {
        self.macros.push(Definition {
            callable: definition,
            frame_plan: env.plan,
            scope: env.exports.clone(),
            outer: None,
            exports: env.exports.clone(),
        });
        let function = Value::function(Function::Macro(self.macros.len() - 1));
        self.set_slot(name, &function, env);
        if env.exports_macros {
            env.exports.set(&name.text, function);
        }
    }

    fn block_env(&self, id: super::super::ast::Id, env: &Env) -> Env {
        let plan = self.plan.frame(env.plan, id);
        Env {
            scope: env.scope.child(true),
            frame: Rc::new(Frame::new(&plan.slots, None)),
            plan: plan.scope,
            exports: env.exports.clone(),
            exports_macros: true,
            exports_assignments: false,
        }
    }

    /// Refuses what only a template can define.
    pub(super) fn expect_macro(value: &Value) -> Result<usize> {
        match value {
            Value::Function(function) => match **function {
                Function::Macro(index) => Ok(index),
                _ => Err(Fault::new("a call block can call only macros")),
            },
            _ => Err(Fault::new(format!("a call block calls a macro, and this is {}", value.kind()))),
        }
    }
}
