//! `for`: what can be looped over, and how its targets are bound.

use std::rc::Rc;

use super::super::ast::{For, Name};
use super::super::coercion;
use super::super::limits::{Fault, Result};
use super::super::text::{Buffer, Text};
use super::super::value::{Array, Record, Value};
use super::{Env, Interpreter};

/// What a loop goes over.
enum Items {
    List(Rc<Array>),
    /// The entries of an object as `[key, value]`.
    Entries(Rc<Record>),
    /// The values at `0`, `1`, … of an object, up to its `length`.
    Indexed(Rc<Record>, f64),
    Units(Text),
    /// The units of a string as `[index, unit]`.
    NumberedUnits(Text),
    Nothing,
}

impl Items {
    /// The items and the length the loop shows; a single target sees an object as a list.
    fn of(interpreter: &mut Interpreter, value: &Value, targets: usize) -> Result<(Items, Value)> {
        Ok(match value {
            Value::Array(array) => (Items::List(array.clone()), Value::count(array.len())),
            Value::Record(record) if targets == 1 => {
                let length = record.get("length");
                let count = length.to_number(&mut interpreter.meter)?;
                (Items::Indexed(record.clone(), count), length)
            }
            Value::Record(record) => (Items::Entries(record.clone()), Value::count(record.entries().len())),
            Value::Text(text) if targets > 1 => (Items::NumberedUnits(text.clone()), Value::count(text.len())),
            Value::Text(text) => (Items::Units(text.clone()), Value::count(text.len())),
            Value::Safe(text) => (Items::Units((**text).clone()), Value::count(text.len())),
            _ if targets == 1 => (Items::Nothing, Value::Undefined),
            _ => (Items::Nothing, Value::Number(0.0)),
        })
    }

    /// The item at `index`, read when the loop gets there: the body may change the list.
    fn get(&self, index: usize) -> Result<Option<Value>> {
        Ok(match self {
            Items::List(array) => (index < array.len()).then(|| array.get(index)),
            Items::Entries(record) => match record.entries().get(index) {
                Some((key, value)) => Some(Value::array(vec![Value::Text(key.clone()), value.clone()])?),
                None => None,
            },
            #[expect(clippy::cast_precision_loss, reason = "the work limit ends the loop long before")]
            Items::Indexed(record, count) => ((index as f64) < *count).then(|| record.get(&index.to_string())),
            Items::Units(text) => text.at(index).map(Value::Text),
            Items::NumberedUnits(text) => match text.at(index) {
                Some(unit) => Some(Value::array(vec![Value::text(&index.to_string()), Value::Text(unit)])?),
                None => None,
            },
            Items::Nothing => None,
        })
    }
}

impl<'a> Interpreter<'a> {
    pub(super) fn each(&mut self, each: &'a For, env: &Env, output: &mut Buffer, depth: usize) -> Result<()> {
        let value = self.expression(&each.sequence, env, depth + 1)?;
        let (items, count) = Items::of(self, &value, each.targets.len())?;
        let is_list = matches!(value, Value::Array(_) | Value::Safe(_));
        let plan = self.plan.each(env.plan, each.id);
        let scope = env.scope.child(false);
        let inner = env.inside(scope.clone(), if is_list { plan.list } else { plan.object });
        // A falsy sequence leaves the length of an earlier run of the same loop in place, as in Nunjucks.
        let mut length = env.frame.get(plan.length);
        if value.is_truthy() {
            length = count;
            env.frame.set(plan.length, length.clone());
        }
        let mut index = 0;
        while let Some(item) = items.get(index)? {
            self.bind_targets(&each.targets, &item, is_list, &inner)?;
            scope.set(&"loop".into(), self.loop_object(index, &length)?);
            self.sequence(&each.body, &inner, output, depth + 1)?;
            index += 1;
        }
        match &each.otherwise {
            Some(body) if !length.is_truthy() => {
                let inner = env.inside(scope, plan.object);
                self.sequence(body, &inner, output, depth + 1)
            }
            _ => Ok(()),
        }
    }

    fn loop_object(&mut self, index: usize, length: &Value) -> Result<Value> {
        let total = length.to_number(&mut self.meter)?;
        #[expect(clippy::cast_precision_loss, reason = "the work limit ends the loop long before")]
        let position = index as f64;
        #[expect(clippy::float_cmp, reason = "both are whole numbers, or the length is none")]
        let is_last = position == total - 1.0;
        let entries = [
            ("index", Value::Number(position + 1.0)),
            ("index0", Value::Number(position)),
            ("revindex", Value::Number(total - position)),
            ("revindex0", Value::Number(total - position - 1.0)),
            ("first", Value::Bool(index == 0)),
            ("last", Value::Bool(is_last)),
            ("length", length.clone()),
        ];
        Value::record(entries.into_iter().map(|(key, value)| (Text::from(key), value)).collect())
    }

    /// Binds the targets to an item. Several targets take a list apart into variables only; from an object the first
    /// two get key and value.
    fn bind_targets(&mut self, targets: &'a [Name], item: &Value, is_list: bool, env: &Env) -> Result<()> {
        if let [target] = targets {
            self.bind(target, item, env);
            return Ok(());
        }
        for (index, target) in targets.iter().enumerate().take(if is_list { usize::MAX } else { 2 }) {
            let part = part_of(item, index)?;
            if is_list {
                self.set_slot(target, &part, env);
            } else {
                self.bind(target, &part, env);
            }
        }
        Ok(())
    }

    /// Sets a name and its variable.
    pub(super) fn bind(&mut self, name: &Name, value: &Value, env: &Env) {
        env.scope.set(&name.text, value.clone());
        self.set_slot(name, value, env);
    }

    /// Whether `container` has `needle`.
    pub(super) fn contains(&mut self, container: &Value, needle: &Value) -> Result<bool> {
        match container {
            Value::Text(text) => {
                let needle = needle.to_text(&mut self.meter)?;
                self.meter.text(text.len())?;
                Ok(text.find(&needle, 0).is_some())
            }
            Value::Safe(_) => {
                let key = needle.to_text(&mut self.meter)?;
                Ok(key.is("length") || key.is("val"))
            }
            Value::Array(array) => {
                self.meter.work(array.len() / 64)?;
                Ok(array.items().iter().any(|item| item.is_same(needle)))
            }
            Value::Record(record) => Ok(record.has(&needle.to_text(&mut self.meter)?)),
            _ => Err(Fault::new(format!("'in' looks into a list, object or text, and this is {}", container.kind()))),
        }
    }

    /// The list `range(…)` gives.
    pub(super) fn range(&mut self, arguments: &[Value]) -> Result<Value> {
        let argument = |index: usize| arguments.get(index).cloned().unwrap_or(Value::Undefined);
        let (mut start, mut stop, mut step) = (argument(0), argument(1), argument(2));
        if stop.is_undefined() {
            (start, stop, step) = (Value::Number(0.0), start, Value::Number(1.0));
        } else if !step.is_truthy() {
            step = Value::Number(1.0);
        }
        let rising =
            coercion::order(&step, &Value::Number(0.0), &mut self.meter)?.is_some_and(std::cmp::Ordering::is_gt);
        let mut items = Vec::new();
        let mut value = start;
        loop {
            let order = coercion::order(&value, &stop, &mut self.meter)?;
            let goes_on = order.is_some_and(|order| if rising { order.is_lt() } else { order.is_gt() });
            if !goes_on {
                return Value::array(items);
            }
            items.push(value.clone());
            self.meter.work(1)?;
            value = coercion::add(&value, &step, &mut self.meter)?;
        }
    }
}

fn part_of(item: &Value, index: usize) -> Result<Value> {
    Ok(match item {
        Value::Undefined | Value::Null => {
            return Err(Fault::new(format!("the loop has several variables, but an item is {}", item.kind())));
        }
        Value::Array(array) => array.get(index),
        Value::Record(record) => record.get(&index.to_string()),
        Value::Text(text) => text.at(index).map_or(Value::Undefined, Value::Text),
        _ => Value::Undefined,
    })
}
