//! Keys of a keyboard: `++ctrl+alt+del++`.

use super::attributes::escape_into;

/// Names and what stands on the key. What is not here is a letter or a digit.
const NAMES: [(&str, &str, &str); 53] = [
    ("alt", "alt", "Alt"),
    ("arrow-down", "arrow-down", "Down"),
    ("arrow-left", "arrow-left", "Left"),
    ("arrow-right", "arrow-right", "Right"),
    ("arrow-up", "arrow-up", "Up"),
    ("backspace", "backspace", "Backspace"),
    ("bksp", "backspace", "Backspace"),
    ("caps-lock", "caps-lock", "Caps Lock"),
    ("cmd", "command", "Cmd"),
    ("comma", "comma", ","),
    ("command", "command", "Cmd"),
    ("control", "control", "Ctrl"),
    ("ctrl", "control", "Ctrl"),
    ("del", "delete", "Del"),
    ("delete", "delete", "Del"),
    ("down", "arrow-down", "Down"),
    ("end", "end", "End"),
    ("enter", "enter", "Enter"),
    ("esc", "escape", "Esc"),
    ("escape", "escape", "Esc"),
    ("fn", "fn", "Fn"),
    ("home", "home", "Home"),
    ("ins", "insert", "Ins"),
    ("insert", "insert", "Ins"),
    ("left", "arrow-left", "Left"),
    ("meta", "meta", "Meta"),
    ("option", "option", "Option"),
    ("page-down", "page-down", "Page Down"),
    ("page-up", "page-up", "Page Up"),
    ("pause", "pause", "Pause"),
    ("period", "period", "."),
    ("pgdn", "page-down", "Page Down"),
    ("pgup", "page-up", "Page Up"),
    ("plus", "plus", "+"),
    ("minus", "minus", "-"),
    ("print-screen", "print-screen", "Print Screen"),
    ("quote", "quote", "'"),
    ("return", "enter", "Return"),
    ("right", "arrow-right", "Right"),
    ("scroll-lock", "scroll-lock", "Scroll Lock"),
    ("shift", "shift", "Shift"),
    ("semicolon", "semicolon", ";"),
    ("slash", "slash", "/"),
    ("space", "space", "Space"),
    ("super", "super", "Super"),
    ("tab", "tab", "Tab"),
    ("up", "arrow-up", "Up"),
    ("win", "windows", "Win"),
    ("windows", "windows", "Win"),
    ("backslash", "backslash", "\\"),
    ("bracket-left", "bracket-left", "["),
    ("bracket-right", "bracket-right", "]"),
    ("question-mark", "question-mark", "?"),
];

/// The keys a text begins with, as HTML, and the text after them.
pub(super) fn parse(text: &str) -> Option<(String, &str)> {
    let rest = text.strip_prefix("++")?;
    let end = rest.find("++").filter(|end| (1..=80).contains(end))?;
    let mut html = String::from("<span class=\"keys\">");
    for (number, key) in rest[..end].split('+').enumerate() {
        if number > 0 {
            html.push_str("<span>+</span>");
        }
        let quoted = key.strip_prefix('"').and_then(|key| key.strip_suffix('"'));
        let name = key.to_ascii_lowercase();
        let known = NAMES.iter().find(|(own, ..)| *own == name);
        let (class, label) = match (quoted, known) {
            (Some(label), _) => (None, label.to_owned()),
            (None, Some((_, class, label))) => (Some((*class).to_owned()), (*label).to_owned()),
            (None, None) if is_plain(&name) => (Some(name.clone()), key.to_uppercase()),
            (None, None) => return None,
        };
        match class {
            Some(class) => html.extend(["<kbd class=\"key-", &class, "\">"]),
            None => html.push_str("<kbd>"),
        }
        escape_into(&mut html, &label);
        html.push_str("</kbd>");
    }
    html.push_str("</span>");
    Some((html, &rest[end + 2..]))
}

/// One letter, one digit, or `f1`.
fn is_plain(name: &str) -> bool {
    let mut letters = name.chars();
    match (letters.next(), letters.as_str()) {
        (Some('f'), number) if !number.is_empty() => {
            number.parse::<u8>().is_ok_and(|number| (1..=24).contains(&number))
        }
        (Some(letter), "") => letter.is_ascii_alphanumeric(),
        _ => false,
    }
}
