//! The buttons of lists, which work without JavaScript: `_add=ports` appends an item, `_remove=ports.1` takes one out,
//! `_up=ports.1` and `_down=ports.1` move one by a place.

use serde_json::{Map, Value};

/// The names of the buttons.
pub(crate) const BUTTONS: [&str; 4] = ["_add", "_remove", "_up", "_down"];

/// Carries out the list buttons; whether one was pressed.
pub(super) fn press(posted: &[(String, String)], values: &mut Map<String, Value>) -> bool {
    let mut pressed = false;
    for (button, path) in posted.iter().filter(|(name, _)| BUTTONS.contains(&name.as_str())) {
        pressed = true;
        let mut keys: Vec<String> = path.split('.').map(|key| key.replace("%2E", ".").replace("%25", "%")).collect();
        let index = if button == "_add" { None } else { keys.pop().and_then(|index| index.parse::<usize>().ok()) };
        let Some(list) = list_at(values, &keys, button == "_add") else {
            continue;
        };
        match (button.as_str(), index) {
            ("_remove", Some(index)) if index < list.len() => drop(list.remove(index)),
            ("_up", Some(index)) if (1..list.len()).contains(&index) => list.swap(index - 1, index),
            ("_down", Some(index)) if index + 1 < list.len() => list.swap(index, index + 1),
            ("_add", None) => list.push(Value::Null),
            _ => {}
        }
    }
    pressed
}

fn list_at<'a>(values: &'a mut Map<String, Value>, keys: &[String], make: bool) -> Option<&'a mut Vec<Value>> {
    let (first, rest) = keys.split_first()?;
    if rest.is_empty() && make {
        values.entry(first.clone()).or_insert_with(|| Value::Array(Vec::new()));
    }
    let mut at = values.get_mut(first)?;
    for (depth, key) in rest.iter().enumerate() {
        at = match at {
            Value::Array(list) => list.get_mut(key.parse::<usize>().ok()?)?,
            Value::Object(object) => {
                if make && depth + 1 == rest.len() {
                    object.entry(key.clone()).or_insert_with(|| Value::Array(Vec::new()));
                }
                object.get_mut(key)?
            }
            _ => return None,
        };
    }
    at.as_array_mut()
}
