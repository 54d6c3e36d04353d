//! Finds the line and column of a problem in the descriptor that the template was read from.

use super::TemplateProblem;
use crate::yaml::{Position, Positions};

/// Where the template's nodes were written, with the descriptor's text if it is at hand.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    lines: Option<Vec<String>>,
    positions: Positions,
}

impl Source {
    /// The positions of a document, and the text they count in.
    pub(crate) fn new(positions: Positions, text: Option<&str>) -> Self {
        Self { lines: text.map(|text| text.lines().map(str::to_owned).collect()), positions }
    }

    /// The line on which a node's value begins.
    pub(crate) fn line_of(&self, pointer: &str) -> Option<&str> {
        let line = usize::try_from(self.positions.value(pointer)?.line).ok()?;
        self.lines.as_ref()?.get(line.checked_sub(1)?).map(String::as_str)
    }

    /// Whether a node's value is written with this beginning.
    pub(crate) fn starts_with(&self, pointer: &str, beginning: &str) -> bool {
        let column = self.positions.value(pointer).and_then(|position| usize::try_from(position.column).ok());
        let rest = self.line_of(pointer).zip(column).and_then(|(line, column)| {
            let (start, _) = line.char_indices().nth(column.checked_sub(1)?)?;
            Some(&line[start..])
        });
        rest.is_some_and(|rest| rest.starts_with(beginning))
    }

    /// Sets line and column.
    pub(super) fn place(&self, problem: &mut TemplateProblem) {
        let exact = problem.within.and_then(|within| self.within(self.positions.value(&problem.pointer)?, within));
        let position = exact.unwrap_or_else(|| self.positions.nearest(&problem.pointer));
        problem.line = Some(position.line);
        problem.column = Some(position.column);
        problem.exact = self.lines.is_some() || problem.within.is_none();
    }

    /// A place inside a text. Exact for plain and quoted texts of one line and for literal blocks; folded texts give
    /// the line where they begin.
    fn within(&self, start: Position, (line, column): (u32, u32)) -> Option<Position> {
        let Some(lines) = &self.lines else {
            let column = if line == 1 { start.column + column - 1 } else { column };
            return Some(Position { line: start.line + line - 1, column });
        };
        let text = |line: u32| lines.get(usize::try_from(line.checked_sub(1)?).ok()?);
        // A block begins on the line after its indicator: `key: |`.
        let header = text(start.line.checked_sub(1)?).and_then(|line| line.split_whitespace().next_back());
        match header.and_then(|word| word.chars().next()) {
            Some('|') => {
                return Some(Position { line: start.line + line - 1, column: start.column + column - 1 });
            }
            Some('>') => return Some(start),
            _ => {}
        }
        let opening = text(start.line)?.chars().nth(usize::try_from(start.column.checked_sub(1)?).ok()?)?;
        match opening {
            '"' | '\'' if line == 1 => Some(Position { line: start.line, column: start.column + column }),
            _ if line == 1 => Some(Position { line: start.line, column: start.column + column - 1 }),
            _ => None,
        }
    }
}
