//! Builds the tree of a template: the statements here, the expressions in [`expressions`] and [`operands`].

mod blocks;
mod expressions;
mod operands;
mod tokens;

use std::rc::Rc;

use super::ast::{Expr, Id, Name, Stmt, StmtKind};
use super::lexer::{Piece, Tag, code};
use super::limits::{Fault, MAX_DEPTH, MAX_NODES, Result};
use super::value::is_reserved;
use expressions::Code;

/// Longest tag, most brackets and deepest nesting of blocks that surely fit an ordinary stack.
const SHALLOW_TAG: usize = 400;
const SHALLOW_NESTING: usize = 32;

/// Whether reading or evaluating these pieces may need more stack than a thread usually has: deep nesting, macros that
/// may call themselves, regular expressions. Quick and on the safe side.
pub(super) fn is_deep(source: &str, pieces: &[Piece]) -> bool {
    let mut nesting = 0_usize;
    pieces.iter().filter_map(|piece| if let Piece::Tag(tag) = piece { Some(tag) } else { None }).any(|tag| {
        let content = &source[tag.start..tag.end];
        if !tag.is_output {
            let name = code::tag_name(content);
            if matches!(name, "macro" | "call") {
                return true;
            }
            nesting =
                if name.starts_with("end") { nesting.saturating_sub(1) } else { nesting + usize::from(opens(name)) };
        }
        let prefixes = content.bytes().filter(|byte| matches!(byte, b'(' | b'[' | b'{' | b'-' | b'+')).count();
        let has_regex = content.contains("r/");
        has_regex
            || content.len() > SHALLOW_TAG
            || prefixes + content.matches("not").count() > SHALLOW_NESTING
            || nesting > SHALLOW_NESTING
    })
}

fn opens(name: &str) -> bool {
    matches!(name, "if" | "for" | "set" | "filter" | "block" | "switch" | "ifAsync" | "asyncEach" | "asyncAll")
}

/// Parses the pieces of one template.
pub(super) fn parse(source: &str, pieces: Vec<Piece>) -> Result<Vec<Stmt>> {
    let mut parser =
        Parser { source, pieces: pieces.into_iter(), counter: Counter::default(), depth: 0, blocks: Vec::new() };
    let (body, stop) = parser.body(&[])?;
    match stop {
        None => Ok(body),
        Some(stop) => Err(Fault::at("this tag closes nothing", stop.tag.at)),
    }
}

/// Numbers names and counts nodes.
#[derive(Default)]
struct Counter {
    ids: Id,
    nodes: usize,
}

impl Counter {
    fn node(&mut self, at: usize) -> Result<()> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Fault::limit(format!("the template has more than {MAX_NODES} parts")).or_at(at));
        }
        Ok(())
    }

    fn id(&mut self) -> Id {
        self.ids += 1;
        self.ids
    }

    fn name(&mut self, text: &str, at: usize) -> Result<Name> {
        self.node(at)?;
        allow_name(text, at)?;
        Ok(Name { id: self.id(), text: text.into() })
    }
}

/// Refuses the names that lead to prototypes in JavaScript.
fn allow_name(name: &str, at: usize) -> Result<()> {
    if is_reserved(name) {
        return Err(Fault::at(format!("the name '{name}' is reserved"), at));
    }
    Ok(())
}

/// The tag that ended a body.
struct Stop {
    tag: Tag,
    name: String,
}

struct Parser<'s> {
    source: &'s str,
    pieces: std::vec::IntoIter<Piece>,
    counter: Counter,
    depth: usize,
    /// Names of the blocks so far: each may be declared once.
    blocks: Vec<Rc<str>>,
}

/// Tags that begin a statement, for the message about an unknown one.
const STATEMENTS: [&str; 11] =
    ["if", "for", "set", "macro", "call", "filter", "block", "switch", "raw", "verbatim", "asyncEach"];
/// Tags that only continue or end one.
const STOPS: [&str; 17] = [
    "else",
    "endif",
    "endfor",
    "endmacro",
    "endcall",
    "endfilter",
    "endset",
    "default",
    "endswitch",
    "elif",
    "elseif",
    "case",
    "endeach",
    "endall",
    "endblock",
    "endraw",
    "endverbatim",
];

impl Parser<'_> {
    /// Statements up to one of the tags in `stops`, or to the end of the template.
    fn body(&mut self, stops: &[&str]) -> Result<(Vec<Stmt>, Option<Stop>)> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::limit(format!("blocks are nested deeper than {MAX_DEPTH} levels")));
        }
        let mut statements = Vec::new();
        let mut stop = None;
        while let Some(piece) = self.pieces.next() {
            let tag = match piece {
                Piece::Text { text, at } => {
                    self.counter.node(at)?;
                    statements.push(Stmt { at, kind: StmtKind::Text(text) });
                    continue;
                }
                Piece::Tag(tag) => tag,
            };
            if tag.is_output {
                let value = self.expression(tag.start, tag.end)?;
                statements.push(Stmt { at: tag.at, kind: StmtKind::Output(value) });
                continue;
            }
            let name = code::tag_name(&self.source[tag.start..tag.end]);
            if stops.contains(&name) {
                stop = Some(Self::stop(tag, name)?);
                break;
            }
            statements.push(self.statement(tag, name, stops)?);
        }
        self.depth -= 1;
        Ok((statements, stop))
    }

    fn stop(tag: Tag, name: &str) -> Result<Stop> {
        let takes_more = matches!(name, "elif" | "elseif" | "case" | "endblock");
        if !takes_more && tag.start + name.len() < tag.end {
            return Err(Fault::at(format!("'{name}' takes nothing after its name"), tag.at));
        }
        Ok(Stop { tag, name: name.to_owned() })
    }

    fn statement(&mut self, tag: Tag, name: &str, stops: &[&str]) -> Result<Stmt> {
        self.counter.node(tag.at)?;
        let (start, end) = code::trim(self.source, tag.start + name.len(), tag.end);
        let header = Header { at: tag.at, start, end };
        let kind = match name {
            "if" | "ifAsync" => self.conditional(header)?,
            "for" => self.loop_over(header, "endfor")?,
            "asyncEach" => self.loop_over(header, "endeach")?,
            "asyncAll" => self.loop_over(header, "endall")?,
            "set" => self.set(header)?,
            "macro" => self.macro_definition(header)?,
            "call" => self.call_block(header)?,
            "filter" => self.filter_block(header)?,
            "block" => self.block(header)?,
            "switch" => self.switch(header)?,
            "include" | "import" | "from" | "extends" => {
                let message = format!("'{name}' is not available: a template cannot load other templates");
                return Err(Fault::at(message, tag.at));
            }
            _ => return Err(Fault::at(unexpected(name, stops), tag.at)),
        };
        Ok(Stmt { at: tag.at, kind })
    }

    /// Parses `source[start..end]` as one expression.
    fn expression(&mut self, start: usize, end: usize) -> Result<Expr> {
        Code::new(self.source, start, end, &mut self.counter)?.whole()
    }

    fn targets(&mut self, start: usize, end: usize) -> Result<Vec<Name>> {
        Code::new(self.source, start, end, &mut self.counter)?.targets()
    }
}

/// What follows the name of a tag.
#[derive(Clone, Copy)]
struct Header {
    at: usize,
    start: usize,
    end: usize,
}

fn unexpected(name: &str, stops: &[&str]) -> String {
    if name.is_empty() {
        return "a block starts with a name: {% if … %}".to_owned();
    }
    if !STOPS.contains(&name) {
        return format!("unknown tag '{name}': known are {}", STATEMENTS.join(", "));
    }
    if stops.is_empty() {
        format!("'{name}' stands alone: the tag it belongs to is missing")
    } else {
        format!("'{name}' does not belong here: expected {}", stops.join(", "))
    }
}
