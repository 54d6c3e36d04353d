//! The statements with a body or a header of their own.

use std::rc::Rc;

use super::super::ast::{Callable, Expr, ExprKind, For, Stmt, StmtKind};
use super::super::lexer::code;
use super::super::limits::{Fault, Result};
use super::expressions::Code;
use super::{Header, Parser, Stop};

impl Parser<'_> {
    /// The body up to one of `stops`, which has to come.
    fn closed_body(&mut self, stops: &[&str], header: Header) -> Result<(Vec<Stmt>, Stop)> {
        let (body, stop) = self.body(stops)?;
        let last = stops.last().copied().unwrap_or_default();
        stop.map(|stop| (body, stop)).ok_or_else(|| Fault::at(format!("'{{% {last} %}}' is missing"), header.at))
    }

    pub(super) fn conditional(&mut self, header: Header) -> Result<StmtKind> {
        let mut branches = Vec::new();
        let mut condition = self.expression(header.start, header.end)?;
        loop {
            let (body, stop) = self.closed_body(&["elif", "elseif", "else", "endif"], header)?;
            branches.push((condition, body));
            let otherwise = match stop.name.as_str() {
                "elif" | "elseif" => {
                    self.counter.node(stop.tag.at)?;
                    condition = self.expression(stop.tag.start + stop.name.len(), stop.tag.end)?;
                    continue;
                }
                "else" => Some(self.closed_body(&["endif"], header)?.0),
                _ => None,
            };
            return Ok(StmtKind::If { branches, otherwise });
        }
    }

    pub(super) fn loop_over(&mut self, header: Header, end: &'static str) -> Result<StmtKind> {
        let split = code::find_in(&self.source[header.start..header.end]).map_err(|fault| shift(fault, header))?;
        let Some((keyword, after)) = split else {
            return Err(Fault::at("a loop is written {% for name in list %}", header.at));
        };
        let targets = self.targets(header.start, header.start + keyword)?;
        if targets.len() == 1 && &*targets[0].text == "loop" {
            return Err(Fault::at("a loop variable cannot be named 'loop'", header.at));
        }
        let sequence = self.expression(header.start + after, header.end)?;
        let (body, stop) = self.closed_body(&["else", end], header)?;
        let otherwise = if stop.name == "else" { Some(self.closed_body(&[end], header)?.0) } else { None };
        Ok(StmtKind::For(Box::new(For { id: self.counter.id(), targets, sequence, body, otherwise })))
    }

    pub(super) fn set(&mut self, header: Header) -> Result<StmtKind> {
        let assignment =
            code::find_assignment(&self.source[header.start..header.end]).map_err(|fault| shift(fault, header))?;
        if let Some(offset) = assignment {
            let targets = self.targets(header.start, header.start + offset)?;
            let value = self.expression(header.start + offset + 1, header.end)?;
            return Ok(StmtKind::Set { targets, value });
        }
        let targets = self.targets(header.start, header.end)?;
        let (body, _) = self.closed_body(&["endset"], header)?;
        refuse_macros(&body, "set")?;
        Ok(StmtKind::SetBlock { targets, body })
    }

    pub(super) fn macro_definition(&mut self, header: Header) -> Result<StmtKind> {
        let content = &self.source[header.start..header.end];
        let name = code::tag_name(content);
        let rest = content[name.len()..].trim_start_matches(code::is_code_space);
        if name.is_empty() || !rest.starts_with('(') || !rest.ends_with(')') || rest.len() < 2 {
            return Err(Fault::at("a macro is written {% macro name(first, second='default') %}", header.at));
        }
        if matches!(name, "true" | "false" | "null" | "none") {
            return Err(Fault::at(format!("a macro cannot be named '{name}'"), header.at));
        }
        let name = self.counter.name(name, header.start)?;
        let parameters = (header.end - rest.len() + 1, header.end - 1);
        let definition = self.callable(parameters, "endmacro", header)?;
        Ok(StmtKind::Macro { name, definition })
    }

    /// Parameters and body of a macro or call block.
    fn callable(&mut self, parameters: (usize, usize), end: &str, header: Header) -> Result<Rc<Callable>> {
        let (parameters, defaults) =
            Code::new(self.source, parameters.0, parameters.1, &mut self.counter)?.signature()?;
        let (body, _) = self.closed_body(&[end], header)?;
        Ok(Rc::new(Callable { id: self.counter.id(), parameters, defaults, body }))
    }

    pub(super) fn call_block(&mut self, header: Header) -> Result<StmtKind> {
        let mut parameters = (header.start, header.start);
        let mut start = header.start;
        let content = &self.source[header.start..header.end];
        if content.starts_with('(') {
            let Some(close) = code::matching_bracket(content, 0).map_err(|fault| shift(fault, header))? else {
                return Err(Fault::at("the parameters of the call block are not closed: ')' is missing", header.at));
            };
            parameters = (header.start + 1, header.start + close);
            start = header.start + close + 1;
        }
        let call = self.expression(start, header.end)?;
        let ExprKind::Call { target, arguments } = call.kind else {
            return Err(Fault::at("a call block is written {% call macro(…) %}", header.at));
        };
        if !is_static(&target) {
            return Err(Fault::at("a call block needs the name of a macro", header.at));
        }
        let caller = self.callable(parameters, "endcall", header)?;
        Ok(StmtKind::CallBlock { target: *target, arguments, caller })
    }

    pub(super) fn filter_block(&mut self, header: Header) -> Result<StmtKind> {
        let (body, _) = self.closed_body(&["endfilter"], header)?;
        refuse_macros(&body, "filter")?;
        let capture = Expr { at: header.at, height: 1, kind: ExprKind::Capture(body) };
        let filter = Code::new(self.source, header.start, header.end, &mut self.counter)?.whole_filter(capture)?;
        Ok(StmtKind::Output(filter))
    }

    pub(super) fn block(&mut self, header: Header) -> Result<StmtKind> {
        let ExprKind::Name(name) = self.expression(header.start, header.end)?.kind else {
            return Err(Fault::at("a block is written {% block name %}", header.at));
        };
        // Declared before its content, as the first declaration is the outer one.
        if self.blocks.contains(&name.text) {
            return Err(Fault::at(format!("the block '{}' is declared twice", name.text), header.at));
        }
        self.blocks.push(name.text.clone());
        let (body, stop) = self.closed_body(&["endblock"], header)?;
        let (start, end) = code::trim(self.source, stop.tag.start + stop.name.len(), stop.tag.end);
        let closing = &self.source[start..end];
        if !closing.is_empty() && closing != &*name.text {
            return Err(Fault::at(format!("'endblock {closing}' closes the block '{}'", name.text), stop.tag.at));
        }
        Ok(StmtKind::Block { id: name.id, body })
    }

    pub(super) fn switch(&mut self, header: Header) -> Result<StmtKind> {
        const STOPS: [&str; 3] = ["case", "default", "endswitch"];
        let value = self.expression(header.start, header.end)?;
        let (before, mut stop) = self.closed_body(&STOPS, header)?;
        if !before.is_empty() {
            return Err(Fault::at(
                "between 'switch' and the first 'case' nothing may stand, not even space",
                header.at,
            ));
        }
        let mut cases = Vec::new();
        while stop.name == "case" {
            let condition = self.expression(stop.tag.start + stop.name.len(), stop.tag.end)?;
            let (body, next) = self.closed_body(&STOPS, header)?;
            cases.push((condition, body));
            stop = next;
        }
        let otherwise = if stop.name == "default" { Some(self.closed_body(&["endswitch"], header)?.0) } else { None };
        if cases.is_empty() && otherwise.is_none() {
            return Err(Fault::at("a switch needs a 'case' or a 'default'", header.at));
        }
        Ok(StmtKind::Switch { value, cases, otherwise })
    }
}

fn shift(mut fault: Fault, header: Header) -> Fault {
    fault.at = fault.at.map(|at| at + header.start);
    fault
}

/// A macro inside captured output would be lost; Backstage's engine refuses it too.
fn refuse_macros(body: &[Stmt], tag: &str) -> Result<()> {
    match body.iter().find_map(find_macro) {
        Some(at) => Err(Fault::at(format!("a macro cannot be defined inside '{tag}'"), at)),
        None => Ok(()),
    }
}

fn find_macro(statement: &Stmt) -> Option<usize> {
    let in_bodies = |bodies: &[&[Stmt]]| bodies.iter().find_map(|body| body.iter().find_map(find_macro));
    match &statement.kind {
        StmtKind::Macro { .. } => Some(statement.at),
        StmtKind::If { branches: cases, otherwise } | StmtKind::Switch { cases, otherwise, .. } => cases
            .iter()
            .find_map(|(_, body)| in_bodies(&[body]))
            .or_else(|| otherwise.as_ref().and_then(|body| in_bodies(&[body]))),
        StmtKind::For(each) => in_bodies(&[&each.body, each.otherwise.as_deref().unwrap_or_default()]),
        StmtKind::SetBlock { body, .. } | StmtKind::Block { body, .. } => in_bodies(&[body]),
        StmtKind::CallBlock { caller, .. } => in_bodies(&[&caller.body]),
        StmtKind::Output(Expr { kind: ExprKind::Filter(filter), .. }) => {
            let input = filter.arguments.positional.first()?;
            if let ExprKind::Capture(body) = &input.kind { in_bodies(&[body]) } else { None }
        }
        _ => None,
    }
}

/// A name, or members of one with fixed keys.
fn is_static(target: &Expr) -> bool {
    match &target.kind {
        ExprKind::Name(_) => true,
        ExprKind::Member { target, key } => {
            let fixed =
                matches!(key.kind, ExprKind::Null | ExprKind::Bool(_) | ExprKind::Number(_) | ExprKind::Text(_));
            fixed && is_static(target)
        }
        _ => false,
    }
}
