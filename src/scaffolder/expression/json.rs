//! Between JSON and the values of templates, and `JSON.stringify`.

use std::collections::HashMap;

use serde_json::{Map, Number, Value as Json};

use super::limits::{Fault, MAX_VALUE_DEPTH, Meter, Result};
use super::number;
use super::text::Text;
use super::value::{Value, function_as_value, is_reserved};

/// Largest integer that JSON numbers made here are written as integers for.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

/// Values made from JSON that must stay the same value, by the address of the JSON.
pub(super) type Imported = HashMap<usize, Value>;

/// Converts JSON; a list or object converted before is the same one again.
pub(super) fn import(json: &Json, level: usize, imported: &mut Imported) -> Result<Value> {
    if level >= MAX_VALUE_DEPTH {
        return Err(Fault::limit(format!("values are nested deeper than {MAX_VALUE_DEPTH} levels")));
    }
    let address = std::ptr::from_ref(json).addr();
    let value = match json {
        Json::Null => return Ok(Value::Null),
        Json::Bool(value) => return Ok(Value::Bool(*value)),
        Json::Number(number) => return Ok(Value::Number(number.as_f64().unwrap_or(f64::NAN))),
        Json::String(text) => return Ok(Value::text(text)),
        _ if imported.contains_key(&address) => {
            let value = imported[&address].clone();
            if let Some(outside) = level.checked_sub(1) {
                value.sink_below(outside)?;
            }
            return Ok(value);
        }
        Json::Array(items) => {
            let items: Result<Vec<Value>> = items.iter().map(|item| import(item, level + 1, imported)).collect();
            Value::array_at(items?, level)?
        }
        Json::Object(map) => {
            let mut entries = Vec::with_capacity(map.len());
            for (key, value) in map.iter().filter(|(key, _)| !is_reserved(key)) {
                entries.push((Text::from(key.as_str()), import(value, level + 1, imported)?));
            }
            Value::record_at(entries, level)?
        }
    };
    imported.insert(address, value.clone());
    Ok(value)
}

/// Converts JSON that nothing else refers to.
pub(super) fn import_owned(json: &Json) -> Result<Value> {
    import(json, 0, &mut Imported::new())
}

/// Converts a value to JSON. Undefined is no value, alone and in objects; in lists it is null.
pub(super) fn export(value: &Value, meter: &mut Meter) -> Result<Option<Json>> {
    meter.work(1)?;
    Ok(Some(match value {
        Value::Undefined => return Ok(None),
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(number) => export_number(*number),
        Value::Text(_) | Value::Safe(_) | Value::Regex(_) => {
            let text = value.to_text(meter)?;
            meter.output(text.len())?;
            Json::String(text.to_utf8())
        }
        Value::Array(array) => {
            let mut items = Vec::with_capacity(array.len());
            for item in array.items() {
                items.push(export(&item, meter)?.unwrap_or_default());
            }
            Json::Array(items)
        }
        Value::Record(record) => {
            let mut map = Map::with_capacity(record.entries().len());
            for (key, value) in record.entries() {
                if let Some(json) = export(value, meter)? {
                    map.insert(key.to_utf8(), json);
                }
            }
            Json::Object(map)
        }
        Value::Function(_) => return Err(function_as_value()),
    }))
}

/// Whole numbers become JSON integers as far as a double holds them exactly; what is no number becomes null.
#[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
fn export_number(number: f64) -> Json {
    if number.fract() == 0.0 && number.abs() <= MAX_SAFE {
        return Json::Number(Number::from(number as i64));
    }
    Number::from_f64(number).map_or(Json::Null, Json::Number)
}

/// `JSON.stringify(value, null, indent)`; `None` for undefined.
pub(super) fn stringify(value: &Value, indent: &Text, meter: &mut Meter) -> Result<Option<Text>> {
    let mut writer = Writer { units: Vec::new(), indent: indent.units(), depth: 0, meter };
    let written = writer.value(value)?;
    if !written {
        return Ok(None);
    }
    let text = Text::from_units(&writer.units);
    meter.made(text).map(Some)
}

struct Writer<'m> {
    units: Vec<u16>,
    indent: Vec<u16>,
    depth: usize,
    meter: &'m mut Meter,
}

impl Writer<'_> {
    /// Writes a value; false when it is undefined and nothing was written.
    fn value(&mut self, value: &Value) -> Result<bool> {
        self.meter.work(1)?;
        self.meter.text(self.units.len().min(1))?;
        match value {
            Value::Undefined => return Ok(false),
            Value::Null => self.push("null"),
            Value::Bool(value) => self.push(if *value { "true" } else { "false" }),
            Value::Number(number) if !number.is_finite() => self.push("null"),
            Value::Number(number) => self.push(&number::print(*number)),
            Value::Text(text) => self.string(text),
            Value::Safe(text) => self.string(text),
            Value::Regex(_) => self.push("{}"),
            Value::Array(array) => {
                let items = array.items();
                self.container('[', ']', items.len(), |writer, index| {
                    if !writer.value(&items[index])? {
                        writer.push("null");
                    }
                    Ok(())
                })?;
            }
            Value::Record(record) => {
                let present: Vec<_> = record.entries().iter().filter(|(_, value)| !value.is_undefined()).collect();
                self.container('{', '}', present.len(), |writer, index| {
                    let (key, value) = present[index];
                    writer.string(key);
                    writer.push(if writer.indent.is_empty() { ":" } else { ": " });
                    writer.value(value).map(|_| ())
                })?;
            }
            Value::Function(_) => return Err(function_as_value()),
        }
        Ok(true)
    }

    fn container(
        &mut self,
        open: char,
        close: char,
        count: usize,
        mut item: impl FnMut(&mut Self, usize) -> Result<()>,
    ) -> Result<()> {
        self.push(open.encode_utf8(&mut [0; 4]));
        self.depth += 1;
        for index in 0..count {
            if index > 0 {
                self.push(",");
            }
            self.new_line();
            item(self, index)?;
        }
        self.depth -= 1;
        if count > 0 {
            self.new_line();
        }
        self.push(close.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn new_line(&mut self) {
        if !self.indent.is_empty() {
            self.push("\n");
            for _ in 0..self.depth {
                self.units.extend_from_slice(&self.indent);
            }
        }
    }

    fn push(&mut self, text: &str) {
        self.units.extend(text.bytes().map(u16::from));
    }

    fn string(&mut self, text: &Text) {
        self.push("\"");
        let units = text.units();
        for (index, unit) in units.iter().enumerate() {
            let escape = match unit {
                0x22 => "\\\"",
                0x5C => "\\\\",
                0x08 => "\\b",
                0x0C => "\\f",
                0x0A => "\\n",
                0x0D => "\\r",
                0x09 => "\\t",
                _ if *unit < 0x20 || is_lone(&units, index) => {
                    self.push(&format!("\\u{unit:04x}"));
                    continue;
                }
                _ => {
                    self.units.push(*unit);
                    continue;
                }
            };
            self.push(escape);
        }
        self.push("\"");
    }
}

/// Whether the unit at `index` is half of a surrogate pair without its other half.
fn is_lone(units: &[u16], index: usize) -> bool {
    let is_high = |unit: Option<&u16>| unit.is_some_and(|unit| (0xD800..0xDC00).contains(unit));
    let is_low = |unit: Option<&u16>| unit.is_some_and(|unit| (0xDC00..0xE000).contains(unit));
    let own = units.get(index);
    let before = index.checked_sub(1).and_then(|index| units.get(index));
    (is_high(own) && !is_low(units.get(index + 1))) || (is_low(own) && !is_high(before))
}
