//! The values templates compute with: JavaScript's, without anything that could reach outside.
//!
//! Arrays can change (`push`), objects cannot. Containers and functions have an identity, which `===` compares.
//! A container knows how deep it may lie (`level`), so that nesting stays bounded, and never contains itself.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::limits::{Fault, MAX_ENTRIES, MAX_VALUE_DEPTH, Meter, Result};
use super::regex::Regex;
use super::text::Text;

/// A JavaScript value. Cheap to clone; clones share arrays.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    Text(Text),
    /// A string object, made by `safe`, `escape` and macros: it has an identity and is never falsy.
    Safe(Rc<Text>),
    Array(Rc<Array>),
    Record(Rc<Record>),
    Regex(Rc<Regex>),
    Function(Rc<Function>),
}

/// A list.
#[derive(Debug)]
pub(super) struct Array {
    items: RefCell<Vec<Value>>,
    level: Cell<usize>,
    /// Whether a function was ever put into it, directly or below.
    holds_functions: Cell<bool>,
}

/// An object: entries in JavaScript's order (array indexes by number, then the others as they were added).
#[derive(Debug)]
pub(super) struct Record {
    entries: Vec<(Text, Value)>,
    /// Built for large objects only.
    index: Option<HashMap<Text, usize>>,
    level: Cell<usize>,
    holds_functions: bool,
}

/// Something callable. Reading a function as a member gives a new identity, as binding does in Nunjucks.
#[derive(Clone, Debug)]
pub(super) enum Function {
    Macro(usize),
    Caller(usize),
    Range,
    NewCycler,
    NewJoiner,
    Cycler(Rc<Cycler>),
    CyclerNext(Rc<Cycler>),
    CyclerReset(Rc<Cycler>),
    Joiner {
        separator: Value,
        used: Rc<Cell<bool>>,
    },
    Method {
        receiver: Value,
        name: &'static str,
    },
    /// A global function of the embedding program.
    Global(&'static str),
}

/// The state of `cycler(…)`: the values and which one is current.
#[derive(Debug)]
pub(super) struct Cycler {
    pub(super) values: Vec<Value>,
    pub(super) current: Cell<Option<usize>>,
}

/// Objects up to this many entries are searched from the start.
const SMALL: usize = 8;

/// Names that lead to prototypes in JavaScript. Nothing has them here.
pub(super) fn is_reserved(name: &str) -> bool {
    matches!(name, "constructor" | "prototype" | "__proto__")
}

fn is_reserved_text(name: &Text) -> bool {
    matches!(name, Text::Ascii(name) if is_reserved(name))
}

impl Value {
    pub(super) fn text(text: &str) -> Value {
        Value::Text(Text::from(text))
    }

    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
    pub(super) fn count(count: usize) -> Value {
        Value::Number(count as f64)
    }

    pub(super) fn safe(text: Text) -> Value {
        Value::Safe(Rc::new(text))
    }

    pub(super) fn function(function: Function) -> Value {
        Value::Function(Rc::new(function))
    }

    pub(super) fn array(items: Vec<Value>) -> Result<Value> {
        for item in &items {
            item.sink_below(0)?;
        }
        Value::array_at(items, 0)
    }

    pub(super) fn record(entries: Vec<(Text, Value)>) -> Result<Value> {
        for (_, value) in &entries {
            value.sink_below(0)?;
        }
        Value::record_at(entries, 0)
    }

    /// A list at a known level, whose items already know theirs.
    pub(super) fn array_at(items: Vec<Value>, level: usize) -> Result<Value> {
        check_size(items.len())?;
        let holds_functions = Cell::new(items.iter().any(Value::holds_functions));
        Ok(Value::Array(Rc::new(Array { items: RefCell::new(items), level: Cell::new(level), holds_functions })))
    }

    /// An object at a known level, whose values already know theirs.
    pub(super) fn record_at(entries: Vec<(Text, Value)>, level: usize) -> Result<Value> {
        check_size(entries.len())?;
        Ok(Value::Record(Rc::new(Record::new(entries, level))))
    }

    /// Truthiness in templates: empty lists and objects are true.
    pub(super) fn is_truthy(&self) -> bool {
        match self {
            Value::Undefined | Value::Null => false,
            Value::Bool(value) => *value,
            Value::Number(number) => *number != 0.0 && !number.is_nan(),
            Value::Text(text) => !text.is_empty(),
            _ => true,
        }
    }

    pub(super) fn is_nullish(&self) -> bool {
        matches!(self, Value::Undefined | Value::Null)
    }

    pub(super) fn is_undefined(&self) -> bool {
        matches!(self, Value::Undefined)
    }

    /// The text of a string or string object.
    pub(super) fn as_text(&self) -> Option<&Text> {
        match self {
            Value::Text(text) => Some(text),
            Value::Safe(text) => Some(text),
            _ => None,
        }
    }

    /// `===`.
    pub(super) fn is_same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Undefined, Value::Undefined) | (Value::Null, Value::Null) => true,
            (Value::Bool(left), Value::Bool(right)) => left == right,
            #[expect(clippy::float_cmp, reason = "this is JavaScript's comparison")]
            (Value::Number(left), Value::Number(right)) => left == right,
            (Value::Text(left), Value::Text(right)) => left == right,
            (Value::Safe(left), Value::Safe(right)) => Rc::ptr_eq(left, right),
            (Value::Array(left), Value::Array(right)) => Rc::ptr_eq(left, right),
            (Value::Record(left), Value::Record(right)) => Rc::ptr_eq(left, right),
            (Value::Regex(left), Value::Regex(right)) => Rc::ptr_eq(left, right),
            (Value::Function(left), Value::Function(right)) => Rc::ptr_eq(left, right),
            _ => false,
        }
    }

    /// What the value is called in messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Undefined => "undefined",
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) | Value::Safe(_) => "text",
            Value::Array(_) => "a list",
            Value::Record(_) => "an object",
            Value::Regex(_) => "a regular expression",
            Value::Function(_) => "a function",
        }
    }

    fn holds_functions(&self) -> bool {
        match self {
            Value::Function(_) => true,
            Value::Array(array) => array.holds_functions.get(),
            Value::Record(record) => record.holds_functions,
            _ => false,
        }
    }

    /// Refuses functions, alone or inside containers: they have no text and leave the interpreter nowhere.
    pub(super) fn refuse_functions(&self) -> Result<()> {
        if self.holds_functions() { Err(function_as_value()) } else { Ok(()) }
    }

    /// Notes that the value lies inside a container at `level`, and refuses nesting without end.
    pub(super) fn sink_below(&self, level: usize) -> Result<()> {
        let (own, level) = match self {
            Value::Array(array) => (&array.level, level + 1),
            Value::Record(record) => (&record.level, level + 1),
            _ => return Ok(()),
        };
        if level >= MAX_VALUE_DEPTH {
            return Err(Fault::limit(format!("values are nested deeper than {MAX_VALUE_DEPTH} levels")));
        }
        if own.get() >= level {
            return Ok(());
        }
        own.set(level);
        match self {
            Value::Array(array) => array.items().iter().try_for_each(|item| item.sink_below(level)),
            Value::Record(record) => record.entries.iter().try_for_each(|(_, item)| item.sink_below(level)),
            _ => Ok(()),
        }
    }
}

/// Whether `array` is `value` or lies inside it.
fn reaches(value: &Value, array: &Rc<Array>, meter: &mut Meter) -> Result<bool> {
    let mut pending = vec![value.clone()];
    let mut seen = HashSet::new();
    while let Some(value) = pending.pop() {
        meter.work(1)?;
        match value {
            Value::Array(own) if Rc::ptr_eq(&own, array) => return Ok(true),
            Value::Array(own) if seen.insert(Rc::as_ptr(&own).addr()) => pending.extend(own.items()),
            Value::Record(record) if seen.insert(Rc::as_ptr(&record).addr()) => {
                pending.extend(record.entries.iter().map(|(_, value)| value.clone()));
            }
            _ => {}
        }
    }
    Ok(false)
}

/// Functions have no text and cannot be passed on.
pub(super) fn function_as_value() -> Fault {
    Fault::new("a function is used as a value: call it with (…)")
}

fn check_size(entries: usize) -> Result<()> {
    if entries > MAX_ENTRIES {
        return Err(Fault::limit(format!("a list or object has more than {MAX_ENTRIES} entries")));
    }
    Ok(())
}

impl Array {
    /// A copy of the items; no borrow stays behind.
    pub(super) fn items(&self) -> Vec<Value> {
        self.items.borrow().clone()
    }

    pub(super) fn len(&self) -> usize {
        self.items.borrow().len()
    }

    pub(super) fn get(&self, index: usize) -> Value {
        self.items.borrow().get(index).cloned().unwrap_or(Value::Undefined)
    }

    /// Puts `items` in place of the present ones; `added` are those that were not there before.
    pub(super) fn replace(self: &Rc<Self>, items: Vec<Value>, added: &[Value], meter: &mut Meter) -> Result<()> {
        check_size(items.len())?;
        meter.work(items.len() / 64)?;
        for value in added {
            if reaches(value, self, meter)? {
                return Err(Fault::new("a list cannot contain itself"));
            }
            value.sink_below(self.level.get())?;
        }
        self.holds_functions.set(self.holds_functions.get() || added.iter().any(Value::holds_functions));
        self.items.replace(items);
        Ok(())
    }
}

impl Record {
    fn new(entries: Vec<(Text, Value)>, level: usize) -> Record {
        let mut ordered: Vec<(Text, Value)> = Vec::with_capacity(entries.len());
        let mut seen: HashMap<Text, usize> = HashMap::new();
        let is_small = entries.len() <= SMALL;
        for (key, value) in entries {
            let known =
                if is_small { ordered.iter().position(|(own, _)| *own == key) } else { seen.get(&key).copied() };
            if let Some(at) = known {
                ordered[at].1 = value;
                continue;
            }
            if !is_small {
                seen.insert(key.clone(), ordered.len());
            }
            ordered.push((key, value));
        }
        if ordered.iter().any(|(key, _)| array_index(key).is_some()) {
            // Stable: keys that are no indexes stay in their order, after the indexes.
            ordered.sort_by_key(|(key, _)| array_index(key).unwrap_or(u32::MAX));
            seen = ordered.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect();
        }
        let index = (!is_small).then_some(seen);
        let holds_functions = ordered.iter().any(|(_, value)| value.holds_functions());
        Record { entries: ordered, index, level: Cell::new(level), holds_functions }
    }

    pub(super) fn entries(&self) -> &[(Text, Value)] {
        &self.entries
    }

    pub(super) fn find(&self, key: &Text) -> Option<&Value> {
        if is_reserved_text(key) {
            return None;
        }
        match &self.index {
            Some(index) => index.get(key).map(|at| &self.entries[*at].1),
            None => self.entries.iter().find(|(own, _)| own == key).map(|(_, value)| value),
        }
    }

    pub(super) fn get(&self, key: &str) -> Value {
        self.find(&Text::from(key)).cloned().unwrap_or(Value::Undefined)
    }

    pub(super) fn has(&self, key: &Text) -> bool {
        self.find(key).is_some()
    }
}

/// The number of a key that JavaScript orders as an array index ("0", "17", not "01").
pub(super) fn array_index(key: &Text) -> Option<u32> {
    let Text::Ascii(text) = key else { return None };
    let index: u32 = text.parse().ok()?;
    (index < u32::MAX && (text.len() == 1 || !text.starts_with('0')) && !text.starts_with('+')).then_some(index)
}
