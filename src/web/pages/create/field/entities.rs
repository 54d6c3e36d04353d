//! The field for entities of the catalog: a list to choose from, and where others are taken a way to write one.

use serde_json::Value;

use super::{Control, Offered, Offers, OptionView, SEARCHED_FROM};
use crate::scaffolder::form::{EntityChoice, Field, Own};
use crate::web::url as link;

/// The control of an entity picker.
pub(super) fn control(field: &Field, choice: &EntityChoice, offers: &dyn Offers) -> Control {
    let chosen: Vec<&str> = match &field.value {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let Offered { mut options, is_whole } = offers.entities(choice);
    let is_open = choice.allow_arbitrary && choice.own != Own::Groups;
    let free = is_open || !is_whole;
    if free {
        let is_listed = |text: &&&str| !text.is_empty() && options.iter().all(|option| option.value != **text);
        let written: Vec<OptionView> = chosen.iter().filter(is_listed).map(|text| OptionView::plain(*text)).collect();
        options.extend(written);
    }
    for option in &mut options {
        option.selected = chosen.contains(&option.value.as_str());
    }
    // Where there is nothing to choose between, it is chosen.
    if let ([only], true) = (options.as_mut_slice(), field.required && !free && chosen.is_empty()) {
        only.selected = true;
    }
    let several = choice.multiple;
    Control::Select {
        search: !several && (free || options.len() > SEARCHED_FROM),
        empty: !several && !options.iter().any(|option| option.value.is_empty()),
        several,
        free,
        source: (!is_whole).then(|| source(choice)),
        options,
    }
}

/// Where the rest of the entities is searched for.
fn source(choice: &EntityChoice) -> String {
    let own = match choice.own {
        Own::Anyone => "",
        Own::Owned => "owned",
        Own::Groups => "groups",
    };
    link::picked_entities(&serde_json::json!(choice.filter).to_string(), own)
}
