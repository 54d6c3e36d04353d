//! Calls: macros, functions, methods, filters and tests.

use std::cell::Cell;
use std::rc::Rc;

use super::super::ast::{Arguments, Callable, Expr, ExprKind, Filter, Name, Test};
use super::super::filters;
use super::super::json;
use super::super::limits::{Fault, Result};
use super::super::methods;
use super::super::predicates as tests;
use super::super::text::Text;
use super::super::value::{Cycler, Function, Value};
use super::scope::Frame;
use super::{Definition, Env, Interpreter};

/// The name of a function, and what makes it.
type BuiltIn = (&'static str, fn() -> Function);

/// The functions that every engine has.
pub(in super::super) const BUILT_IN: [BuiltIn; 3] =
    [("range", || Function::Range), ("cycler", || Function::NewCycler), ("joiner", || Function::NewJoiner)];

/// Evaluated arguments.
pub(in super::super) struct Values {
    pub(in super::super) positional: Vec<Value>,
    pub(in super::super) keyword: Vec<(Rc<str>, Value)>,
}

impl Values {
    fn refuse_functions(&self) -> Result<()> {
        self.positional.iter().try_for_each(Value::refuse_functions)?;
        self.keyword.iter().try_for_each(|(_, value)| value.refuse_functions())
    }

    fn take_keyword(&mut self, name: &str) -> Option<Value> {
        let at = self.keyword.iter().position(|(own, _)| &**own == name)?;
        Some(self.keyword.remove(at).1)
    }

    fn set_keyword(&mut self, name: &Rc<str>, value: Value) {
        self.take_keyword(name);
        self.keyword.push((name.clone(), value));
    }

    /// Fits the arguments to a macro: surplus positional ones fill the defaults, missing ones are taken by name.
    pub(in super::super) fn fit(&mut self, parameters: &[&str], defaults: &[Rc<str>]) {
        if self.positional.len() > parameters.len() {
            let surplus = self.positional.split_off(parameters.len());
            for (name, value) in defaults.iter().zip(surplus) {
                self.set_keyword(name, value);
            }
        }
        for name in &parameters[self.positional.len()..] {
            let value = self.take_keyword(name).unwrap_or(Value::Undefined);
            self.positional.push(value);
        }
    }
}

impl<'a> Interpreter<'a> {
    pub(super) fn arguments(&mut self, arguments: &'a Arguments, env: &Env, depth: usize) -> Result<Values> {
        let mut values = Values { positional: Vec::with_capacity(arguments.positional.len()), keyword: Vec::new() };
        for argument in &arguments.positional {
            values.positional.push(self.expression(argument, env, depth + 1)?);
        }
        for (name, argument) in &arguments.keyword {
            let value = self.expression(argument, env, depth + 1)?;
            values.set_keyword(name, value);
        }
        Ok(values)
    }

    /// A function every template knows.
    pub(super) fn global(&mut self, name: &str) -> Value {
        if let Some(function) = self.globals.get(name) {
            return function.clone();
        }
        let built_in = || BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, function)| function());
        let function = self.engine.global_name(name).map(Function::Global).or_else(built_in);
        let Some(function) = function else {
            return Value::Undefined;
        };
        let function = Value::function(function);
        self.globals.insert(name.to_owned(), function.clone());
        function
    }

    pub(super) fn call(
        &mut self,
        target: &'a Expr,
        arguments: &'a Arguments,
        env: &Env,
        depth: usize,
    ) -> Result<Value> {
        let value = self.expression(target, env, depth + 1)?;
        let Value::Function(function) = &value else {
            let message = match path_of(target) {
                Some(path) => format!("'{path}' is {} and cannot be called", value.kind()),
                None => format!("this is {} and cannot be called", value.kind()),
            };
            return Err(Fault::new(message));
        };
        if let Function::Macro(index) | Function::Caller(index) = **function {
            let values = self.arguments(arguments, env, depth + 1)?;
            return self.call_macro(index, values, depth + 1);
        }
        check_arguments(function, arguments, self.engine.is_cookiecutter())?;
        let values = self.arguments(arguments, env, depth + 1)?;
        values.refuse_functions()?;
        self.call_function(function, values.positional)
    }

    fn call_function(&mut self, function: &Function, arguments: Vec<Value>) -> Result<Value> {
        match function {
            Function::Range => self.range(&arguments),
            Function::NewCycler => {
                let cycler = Cycler { values: arguments, current: Cell::new(None) };
                Ok(Value::function(Function::Cycler(Rc::new(cycler))))
            }
            Function::NewJoiner => {
                let separator = arguments.into_iter().next().filter(Value::is_truthy);
                let separator = separator.unwrap_or_else(|| Value::text(","));
                Ok(Value::function(Function::Joiner { separator, used: Rc::new(Cell::new(false)) }))
            }
            Function::Joiner { separator, used } => {
                Ok(if used.replace(true) { separator.clone() } else { Value::text("") })
            }
            Function::CyclerNext(cycler) => Ok(cycler.next()),
            Function::CyclerReset(cycler) => {
                cycler.current.set(None);
                Ok(Value::Undefined)
            }
            Function::Method { receiver, name } => {
                receiver.refuse_functions()?;
                self.measure(receiver)?;
                for argument in &arguments {
                    self.measure(argument)?;
                }
                let result = methods::call(receiver, name, &arguments, self.engine.is_cookiecutter(), &mut self.meter)?;
                if let Value::Array(array) = &result {
                    self.meter.work(array.len())?;
                }
                Ok(result)
            }
            Function::Global(name) => self.call_global(name, &arguments),
            Function::Macro(_) | Function::Caller(_) | Function::Cycler(_) => {
                Err(Fault::new("this is no function: use its members"))
            }
        }
    }

    fn call_global(&mut self, name: &'static str, arguments: &[Value]) -> Result<Value> {
        self.meter.call()?;
        let arguments = self.export_all(arguments)?;
        let result = self.engine.call_global(name, &arguments);
        let result = result.map_err(|message| Fault::new(format!("function '{name}': {message}")))?;
        result.map_or(Ok(Value::Undefined), |json| json::import_owned(&json))
    }

    fn export_all(&mut self, values: &[Value]) -> Result<Vec<serde_json::Value>> {
        values.iter().map(|value| Ok(json::export(value, &mut self.meter)?.unwrap_or_default())).collect()
    }

    /// Charges for looking at every item of a value.
    fn measure(&mut self, value: &Value) -> Result<()> {
        match value {
            Value::Array(array) => {
                self.meter.work(array.len())?;
                array.items().iter().try_for_each(|item| self.measure(item))
            }
            Value::Record(record) => {
                self.meter.work(record.entries().len())?;
                record.entries().iter().try_for_each(|(_, item)| self.measure(item))
            }
            Value::Text(text) => self.meter.text(text.len()),
            _ => Ok(()),
        }
    }

    pub(super) fn filter(&mut self, filter: &'a Filter, env: &Env, depth: usize) -> Result<Value> {
        let name = &*filter.name;
        if self.engine.has_filter(name) {
            return self.custom_filter(filter, env, depth);
        }
        let builtin = if name == "jsonify" && self.engine.is_cookiecutter() { "dump" } else { name };
        if !filters::exists(builtin) {
            return Err(Fault::at(format!("unknown filter '{name}'"), filter.at));
        }
        let mut values = self.arguments(&filter.arguments, env, depth + 1)?;
        values.refuse_functions()?;
        let input = if values.positional.is_empty() { Value::Undefined } else { values.positional.remove(0) };
        self.measure(&input)?;
        for value in &values.positional {
            self.measure(value)?;
        }
        let arguments = filters::lower(builtin, values)?;
        filters::apply(builtin, &input, &arguments, &mut self.meter).map_err(|mut fault| {
            fault.message = format!("filter '{name}': {}", fault.message);
            fault.or_at(filter.at)
        })
    }

    fn custom_filter(&mut self, filter: &'a Filter, env: &Env, depth: usize) -> Result<Value> {
        let name = &filter.name;
        if !filter.arguments.keyword.is_empty() {
            return Err(Fault::at(format!("filter '{name}' takes no arguments by name"), filter.at));
        }
        let values = self.arguments(&filter.arguments, env, depth + 1)?;
        values.refuse_functions()?;
        self.meter.call()?;
        let arguments = self.export_all(&values.positional)?;
        let result = self.engine.call_filter(name, &arguments);
        let result = result.map_err(|message| Fault::at(format!("filter '{name}': {message}"), filter.at))?;
        result.map_or(Ok(Value::Undefined), |json| json::import_owned(&json))
    }

    pub(super) fn test(&mut self, left: &'a Expr, test: &'a Test, env: &Env, depth: usize) -> Result<Value> {
        let name = &*test.name;
        let Some(expected) = tests::arity(name) else {
            return Err(Fault::at(format!("unknown test '{name}'"), test.at));
        };
        let given = test.arguments.as_ref().map_or(0, |arguments| arguments.positional.len());
        let keywords = test.arguments.as_ref().is_some_and(|arguments| !arguments.keyword.is_empty());
        if given != expected || keywords {
            return Err(Fault::at(format!("test '{name}' takes {expected} arguments"), test.at));
        }
        let input = self.expression(left, env, depth + 1)?;
        let values = match &test.arguments {
            Some(arguments) => self.arguments(arguments, env, depth + 1)?.positional,
            None => Vec::new(),
        };
        self.measure(&input)?;
        tests::holds(name, &input, &values, &mut self.meter).map(Value::Bool).map_err(|mut fault| {
            fault.message = format!("test '{name}': {}", fault.message);
            fault.or_at(test.at)
        })
    }

    pub(super) fn call_block(
        &mut self,
        target: &'a Expr,
        arguments: &'a Arguments,
        caller: &'a Rc<Callable>,
        env: &Env,
        depth: usize,
    ) -> Result<Value> {
        let target = self.expression(target, env, depth + 1)?;
        let index = Self::expect_macro(&target)?;
        let mut values = self.arguments(arguments, env, depth + 1)?;
        self.macros.push(Definition {
            callable: caller,
            frame_plan: env.plan,
            scope: env.scope.clone(),
            outer: Some(env.frame.clone()),
            exports: env.exports.clone(),
        });
        let caller = Value::function(Function::Caller(self.macros.len() - 1));
        values.set_keyword(&"caller".into(), caller);
        self.call_macro(index, values, depth + 1)
    }

    fn call_macro(&mut self, index: usize, mut values: Values, depth: usize) -> Result<Value> {
        self.charge(depth)?;
        let definition = &self.macros[index];
        let callable = definition.callable;
        let plan = self.plan.frame(definition.frame_plan, callable.id);
        let env = Env {
            scope: definition.scope.child(true),
            frame: Rc::new(Frame::new(&plan.slots, definition.outer.clone())),
            plan: plan.scope,
            exports: definition.exports.clone(),
            exports_macros: definition.outer.is_none(),
            exports_assignments: false,
        };
        self.bind_parameters(callable, &mut values, &env, depth)?;
        self.capture(&callable.body, &env, depth + 2).map(Value::safe)
    }

    fn bind_parameters(&mut self, callable: &'a Callable, values: &mut Values, env: &Env, depth: usize) -> Result<()> {
        let names: Vec<&str> = callable.parameters.iter().map(|name| &*name.text).collect();
        let defaults: Vec<Rc<str>> = callable.defaults.iter().map(|(name, _)| name.text.clone()).collect();
        values.fit(&names, &defaults);
        for (name, value) in callable.parameters.iter().zip(&values.positional) {
            self.bind(name, value, env);
        }
        for (name, default) in &callable.defaults {
            let value = match values.keyword.iter().find(|(own, _)| *own == name.text) {
                Some((_, value)) => value.clone(),
                None => self.expression(default, env, depth + 1)?,
            };
            self.bind(name, &value, env);
        }
        let declares = |name: &Name| &*name.text == "caller";
        let declared =
            callable.parameters.iter().any(declares) || callable.defaults.iter().any(|(name, _)| declares(name));
        if !declared && let Some(caller) = values.take_keyword("caller") {
            env.scope.set(&"caller".into(), caller);
        }
        Ok(())
    }
}

impl Function {
    /// What a function has under `key`: only cyclers have something.
    pub(super) fn member(&self, key: &Text) -> Value {
        let Function::Cycler(cycler) = self else {
            return Value::Undefined;
        };
        if key.is("current") {
            return cycler.current.get().map_or(Value::Null, |at| cycler.at(at));
        }
        if key.is("next") {
            return Value::function(Function::CyclerNext(cycler.clone()));
        }
        if key.is("reset") {
            return Value::function(Function::CyclerReset(cycler.clone()));
        }
        Value::Undefined
    }
}

impl Cycler {
    fn at(&self, index: usize) -> Value {
        self.values.get(index).cloned().unwrap_or(Value::Undefined)
    }

    fn next(&self) -> Value {
        let next = self.current.get().map_or(0, |at| at + 1);
        let next = if next < self.values.len() { next } else { 0 };
        self.current.set(Some(next));
        self.at(next)
    }
}

/// Checks the number of arguments before any of them is evaluated.
fn check_arguments(function: &Function, arguments: &Arguments, is_cookiecutter: bool) -> Result<()> {
    let (name, least, most) = match function {
        Function::Range => ("range", 0, 3),
        Function::NewCycler => ("cycler", 0, usize::MAX),
        Function::NewJoiner => ("joiner", 0, 1),
        Function::Joiner { .. } => ("a joiner", 0, 0),
        Function::CyclerNext(_) => ("next", 0, 0),
        Function::CyclerReset(_) => ("reset", 0, 0),
        Function::Method { receiver, name } => {
            let (least, most) = methods::arity(receiver, name, is_cookiecutter);
            (*name, least, most)
        }
        Function::Global(name) => (*name, 0, usize::MAX),
        Function::Cycler(_) => return Err(Fault::new("a cycler is not called itself: use its 'next()'")),
        Function::Macro(_) | Function::Caller(_) => return Ok(()),
    };
    if !arguments.keyword.is_empty() {
        return Err(Fault::new(format!("{name} takes no arguments by name")));
    }
    let given = arguments.positional.len();
    if given < least || given > most {
        return Err(Fault::new(format!("{name} takes {} arguments, not {given}", describe(least, most))));
    }
    Ok(())
}

fn describe(least: usize, most: usize) -> String {
    if least == most {
        least.to_string()
    } else if most == usize::MAX {
        format!("at least {least}")
    } else {
        format!("{least} to {most}")
    }
}

/// The name in the message about something that cannot be called.
fn path_of(target: &Expr) -> Option<String> {
    match &target.kind {
        ExprKind::Name(name) => Some(name.text.to_string()),
        ExprKind::Member { target, key } => match &key.kind {
            ExprKind::Text(key) => Some(format!("{}.{}", path_of(target)?, key.to_utf8())),
            _ => None,
        },
        _ => None,
    }
}
