//! Expressions: operators, members and slices.

use std::cmp::Ordering;

use serde_json::Value as Json;

use super::super::ast::{Comparison, Expr, ExprKind, Inline, Name, Operator, Slice};
use super::super::coercion;
use super::super::limits::{Fault, Result};
use super::super::methods;
use super::super::number;
use super::super::text::Text;
use super::super::value::{Function, Value, array_index, is_reserved};
use super::{Env, Interpreter};

/// A value, or a place in the context that was not converted yet.
enum Place<'a> {
    Context(&'a Json),
    Value(Value),
}

impl<'a> Interpreter<'a> {
    /// Evaluates an expression. `depth` counts as Backstage's engine counts, so the same nesting is refused.
    pub(super) fn expression(&mut self, expression: &'a Expr, env: &Env, depth: usize) -> Result<Value> {
        self.charge(depth).map_err(|fault| fault.or_at(expression.at))?;
        self.value(expression, env, depth).map_err(|fault| fault.or_at(expression.at))
    }

    fn value(&mut self, expression: &'a Expr, env: &Env, depth: usize) -> Result<Value> {
        Ok(match &expression.kind {
            ExprKind::Null => Value::Null,
            ExprKind::Bool(value) => Value::Bool(*value),
            ExprKind::Number(number) => Value::Number(*number),
            ExprKind::Text(text) => Value::Text(text.clone()),
            ExprKind::Regex(regex) => Value::Regex(std::rc::Rc::new(regex.fresh())),
            ExprKind::Name(_) | ExprKind::Member { .. } => match self.place(expression, env, depth)? {
                Place::Context(json) => self.import(json)?,
                Place::Value(value) => value,
            },
            ExprKind::Slice { target, slice } => return self.slice_of(target, slice, env, depth),
            ExprKind::Inline(inline) => return self.inline(inline, env, depth),
            ExprKind::Or(left, right) => {
                let left = self.expression(left, env, depth + 1)?;
                if left.is_truthy() { left } else { self.expression(right, env, depth + 1)? }
            }
            ExprKind::And(left, right) => {
                let left = self.expression(left, env, depth + 1)?;
                if left.is_truthy() { self.expression(right, env, depth + 1)? } else { left }
            }
            ExprKind::Not(target) => Value::Bool(!self.expression(target, env, depth + 1)?.is_truthy()),
            ExprKind::Minus(target) => Value::Number(-self.number(target, env, depth + 1)?),
            ExprKind::Plus(target) => Value::Number(self.number(target, env, depth + 1)?),
            ExprKind::Floor(target) => Value::Number(self.number(target, env, depth + 1)?.floor()),
            ExprKind::Binary(operator, left, right) => return self.binary(*operator, left, right, env, depth + 1),
            ExprKind::Compare(first, rest) => return self.compare(first, rest, env, depth + 1),
            ExprKind::In(left, right) => {
                let needle = self.expression(left, env, depth + 1)?;
                let container = self.expression(right, env, depth + 1)?;
                Value::Bool(self.contains(&container, &needle)?)
            }
            ExprKind::Is(left, test) => return self.test(left, test, env, depth + 1),
            ExprKind::Filter(filter) => return self.filter(filter, env, depth + 1),
            ExprKind::Call { target, arguments } => return self.call(target, arguments, env, depth + 1),
            ExprKind::Group(_) | ExprKind::List(_) | ExprKind::Object(_) | ExprKind::Capture(_) => {
                return self.composed(expression, env, depth);
            }
        })
    }

    fn composed(&mut self, expression: &'a Expr, env: &Env, depth: usize) -> Result<Value> {
        match &expression.kind {
            ExprKind::Group(items) => {
                let mut last = Value::Undefined;
                for (index, item) in items.iter().enumerate() {
                    last = self.expression(item, env, depth + 1)?;
                    if index + 1 < items.len() {
                        last.refuse_functions()?;
                    }
                }
                Ok(last)
            }
            ExprKind::List(items) => {
                let items: Result<Vec<Value>> =
                    items.iter().map(|item| self.expression(item, env, depth + 1)).collect();
                Value::array(items?)
            }
            ExprKind::Object(entries) => {
                let mut values = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    values.push((key.clone(), self.expression(value, env, depth + 1)?));
                }
                Value::record(values)
            }
            ExprKind::Capture(body) => {
                let inner = Env {
                    exports_macros: env.exports_macros,
                    exports_assignments: env.exports_assignments,
                    ..env.inside(env.scope.child(false), env.plan)
                };
                self.capture(body, &inner, depth + 2).map(Value::Text)
            }
            _ => Ok(Value::Undefined),
        }
    }

    fn number(&mut self, target: &'a Expr, env: &Env, depth: usize) -> Result<f64> {
        self.expression(target, env, depth)?.to_number(&mut self.meter)
    }

    fn inline(&mut self, inline: &'a Inline, env: &Env, depth: usize) -> Result<Value> {
        if self.expression(&inline.condition, env, depth + 1)?.is_truthy() {
            return self.expression(&inline.body, env, depth + 1);
        }
        match &inline.otherwise {
            Some(otherwise) => self.expression(otherwise, env, depth + 1),
            None => Ok(Value::text("")),
        }
    }

    fn binary(
        &mut self,
        operator: Operator,
        left: &'a Expr,
        right: &'a Expr,
        env: &Env,
        depth: usize,
    ) -> Result<Value> {
        let left = self.expression(left, env, depth + 1)?;
        let right = self.expression(right, env, depth + 1)?;
        let meter = &mut self.meter;
        match operator {
            Operator::Add => return coercion::add(&left, &right, meter),
            Operator::Concat => return coercion::concat(&left, &right, meter),
            _ => {}
        }
        let (left, right) = (left.to_number(meter)?, right.to_number(meter)?);
        Ok(Value::Number(match operator {
            Operator::Subtract => left - right,
            Operator::Multiply => left * right,
            Operator::Divide => left / right,
            Operator::Remainder => left % right,
            _ => number::power(left, right),
        }))
    }

    /// A chain compares the result so far with the next operand, as JavaScript does.
    fn compare(&mut self, first: &'a Expr, rest: &'a [(Comparison, Expr)], env: &Env, depth: usize) -> Result<Value> {
        let mut left = self.expression(first, env, depth + 1)?;
        for (comparison, right) in rest {
            let right = self.expression(right, env, depth + 1)?;
            left = Value::Bool(self.holds(*comparison, &left, &right)?);
        }
        Ok(left)
    }

    fn holds(&mut self, comparison: Comparison, left: &Value, right: &Value) -> Result<bool> {
        let meter = &mut self.meter;
        let order = match comparison {
            Comparison::Equal => return coercion::loosely_equal(left, right, meter),
            Comparison::Unequal => return coercion::loosely_equal(left, right, meter).map(|equal| !equal),
            Comparison::Identical => return Ok(left.is_same(right)),
            Comparison::Different => return Ok(!left.is_same(right)),
            _ => coercion::order(left, right, meter)?,
        };
        Ok(order.is_some_and(|order| match comparison {
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            _ => order.is_ge(),
        }))
    }

    /// Follows names and members; inside the context without converting what lies around.
    fn place(&mut self, expression: &'a Expr, env: &Env, depth: usize) -> Result<Place<'a>> {
        match &expression.kind {
            ExprKind::Name(name) => Ok(self.name(name, env)),
            ExprKind::Member { target, key } => {
                self.charge(depth + 1)?;
                let target = self.place(target, env, depth + 1).map_err(|fault| fault.or_at(target.at))?;
                let key = self.expression(key, env, depth + 1)?;
                self.member(target, &key)
            }
            _ => self.value(expression, env, depth).map(Place::Value),
        }
    }

    fn name(&mut self, name: &'a Name, env: &Env) -> Place<'a> {
        if let Some(slot) = self.plan.slot(env.plan, name.id) {
            return Place::Value(env.frame.get(slot));
        }
        if let Some(value) = env.scope.get(&name.text) {
            return Place::Value(value);
        }
        if let Some(json) = self.context.get(&*name.text) {
            return Place::Context(json);
        }
        Place::Value(match &*name.text {
            "True" if self.engine.is_cookiecutter() => Value::Bool(true),
            "False" if self.engine.is_cookiecutter() => Value::Bool(false),
            "None" if self.engine.is_cookiecutter() => Value::Null,
            name => self.global(name),
        })
    }

    fn member(&mut self, target: Place<'a>, key: &Value) -> Result<Place<'a>> {
        let target = match target {
            Place::Context(json) => match json {
                Json::Object(map) => {
                    let key = key.to_text(&mut self.meter)?.to_utf8();
                    match map.get(&key).filter(|_| !is_reserved(&key)) {
                        Some(json) => return Ok(Place::Context(json)),
                        // Only cookiecutter mode knows methods of objects.
                        None if !self.engine.is_cookiecutter() => return Ok(Place::Value(Value::Undefined)),
                        None => self.import(json)?,
                    }
                }
                _ => self.import(json)?,
            },
            Place::Value(value) => value,
        };
        if let (Value::Array(array), Value::Number(number)) = (&target, key)
            && let Some(index) = index_of(*number)
        {
            return Ok(Place::Value(fresh(array.get(index))));
        }
        let key = key.to_text(&mut self.meter)?;
        Ok(Place::Value(self.member_of(&target, &key)))
    }

    fn member_of(&self, target: &Value, key: &Text) -> Value {
        if let Value::Function(function) = target {
            return function.member(key);
        }
        if let Some(value) = own_member(target, key) {
            return fresh(value);
        }
        let Text::Ascii(name) = key else {
            return Value::Undefined;
        };
        match methods::find(target, name, self.engine.is_cookiecutter()) {
            Some(name) => Value::function(Function::Method { receiver: target.clone(), name }),
            None => Value::Undefined,
        }
    }

    fn slice_of(&mut self, target: &'a Expr, slice: &'a Slice, env: &Env, depth: usize) -> Result<Value> {
        let target = self.expression(target, env, depth + 1)?;
        if matches!(target, Value::Function(_)) {
            return target.refuse_functions().map(|()| Value::Undefined);
        }
        let target = if target.is_truthy() { target } else { Value::array(Vec::new())? };
        let length = own_member(&target, &Text::from("length")).unwrap_or(Value::Undefined);
        let mut bound = |bound: &'a Option<Expr>| -> Result<Option<Value>> {
            let Some(bound) = bound else { return Ok(None) };
            Ok(Some(self.expression(bound, env, depth + 2)?).filter(|value| !matches!(value, Value::Null)))
        };
        let (start, stop) = (bound(&slice.start)?, bound(&slice.stop)?);
        let step = match &slice.step {
            Some(step) => self.expression(step, env, depth + 2)?,
            None => Value::Number(1.0),
        };
        self.slice(&target, &length, start, stop, &step)
    }

    /// The bounds keep JavaScript's operators (a bound may be text), so the arithmetic goes through them.
    fn slice(
        &mut self,
        target: &Value,
        length: &Value,
        start: Option<Value>,
        stop: Option<Value>,
        step: &Value,
    ) -> Result<Value> {
        let zero = Value::Number(0.0);
        let meter = &mut self.meter;
        let number = step.to_number(meter)?;
        if !number.is_finite() || number == 0.0 {
            return Err(Fault::new("the step of a slice is a number other than 0"));
        }
        let falling = number < 0.0;
        let start = match start {
            Some(start) => start,
            None if falling => Value::Number(length.to_number(meter)? - 1.0),
            None => zero.clone(),
        };
        let stop = match stop {
            Some(stop) => from_end(stop, length, meter)?,
            None if falling => Value::Number(-1.0),
            None => length.clone(),
        };
        let mut index = from_end(start, length, meter)?;
        let mut items = Vec::new();
        loop {
            let from_start = coercion::order(&index, &zero, meter)?;
            let to_length = coercion::order(&index, length, meter)?;
            let to_stop = coercion::order(&index, &stop, meter)?;
            if to_length.is_none() && to_stop.is_none() && (from_start.is_none() || !falling) {
                return Err(Fault::new(format!("{} has no length and cannot be sliced without an end", target.kind())));
            }
            let has_left = from_start.is_some_and(Ordering::is_lt) || to_length.is_some_and(Ordering::is_gt);
            if has_left || to_stop.is_some_and(if falling { Ordering::is_le } else { Ordering::is_ge }) {
                return Value::array(items);
            }
            meter.work(1)?;
            let key = index.to_text(meter)?;
            let item = own_member(target, &key).unwrap_or(Value::Undefined);
            item.refuse_functions()?;
            items.push(item);
            index = coercion::add(&index, step, meter)?;
        }
    }
}

/// A bound below zero counts from the end.
fn from_end(bound: Value, length: &Value, meter: &mut super::super::limits::Meter) -> Result<Value> {
    let is_negative = coercion::order(&bound, &Value::Number(0.0), meter)?.is_some_and(Ordering::is_lt);
    if is_negative { coercion::add(&bound, length, meter) } else { Ok(bound) }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a small whole number")]
fn index_of(number: f64) -> Option<usize> {
    (number >= 0.0 && number < f64::from(u32::MAX) && number.fract() == 0.0).then_some(number as usize)
}

/// A function read as a member is a new function.
fn fresh(value: Value) -> Value {
    match value {
        Value::Function(function) => Value::function((*function).clone()),
        value => value,
    }
}

/// What a value itself has under `key`: entries, items, units and lengths, no methods.
pub(in super::super) fn own_member(target: &Value, key: &Text) -> Option<Value> {
    let index = || array_index(key).and_then(|index| usize::try_from(index).ok());
    match target {
        Value::Record(record) => record.find(key).cloned(),
        Value::Array(array) if key.is("length") => Some(Value::count(array.len())),
        Value::Array(array) => index().filter(|index| *index < array.len()).map(|index| array.get(index)),
        Value::Text(text) if key.is("length") => Some(Value::count(text.len())),
        Value::Text(text) => index().and_then(|index| text.at(index)).map(Value::Text),
        Value::Safe(text) if key.is("length") => Some(Value::count(text.len())),
        Value::Safe(text) if key.is("val") => Some(Value::Text((**text).clone())),
        Value::Safe(text) => index().and_then(|index| text.at(index)).map(Value::Text),
        _ => None,
    }
}
