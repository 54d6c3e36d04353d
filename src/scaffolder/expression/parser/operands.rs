//! Operands of expressions: values, names, members, calls, lists and objects.

use super::super::ast::{Arguments, Expr, ExprKind, Slice};
use super::super::lexer::code::{Token, TokenKind};
use super::super::limits::{Fault, Result};
use super::super::text::Text;
use super::allow_name;
use super::expressions::{Code, is_literal};

impl Code<'_> {
    pub(super) fn postfix(&mut self) -> Result<Expr> {
        let mut expression = self.primary()?;
        loop {
            let at = self.after().at;
            let kind = if self.take(".") {
                let (name, at) = self.expect_name()?;
                allow_name(&name, at)?;
                let key = self.make(at, ExprKind::Text(Text::from(&*name)))?;
                expression = self.make(at, ExprKind::Member { target: Box::new(expression), key: Box::new(key) })?;
                continue;
            } else if self.take("[") {
                let kind = self.nested(|code| code.subscript(expression))?;
                self.expect("]")?;
                kind
            } else if self.take("(") {
                let arguments = self.nested(Self::arguments)?;
                let at = expression.at;
                expression = self.make(at, ExprKind::Call { target: Box::new(expression), arguments })?;
                continue;
            } else {
                return Ok(expression);
            };
            expression = self.make(at, kind)?;
        }
    }

    pub(super) fn subscript(&mut self, target: Expr) -> Result<ExprKind> {
        let target = Box::new(target);
        let start = self.bound()?;
        if !self.take(":") {
            let Some(key) = start else {
                return Err(Fault::at("'[' needs a name or number", self.peek().at));
            };
            if let ExprKind::Text(Text::Ascii(name)) = &key.kind {
                allow_name(name, key.at)?;
            }
            return Ok(ExprKind::Member { target, key: Box::new(key) });
        }
        let stop = self.bound()?;
        let step = if self.take(":") { self.bound()? } else { None };
        Ok(ExprKind::Slice { target, slice: Box::new(Slice { start, stop, step }) })
    }

    pub(super) fn bound(&mut self) -> Result<Option<Expr>> {
        if self.is_operator(":") || self.is_operator("]") { Ok(None) } else { self.inline_if().map(Some) }
    }

    pub(super) fn primary(&mut self) -> Result<Expr> {
        let Token { at, kind } = self.peek().clone();
        let kind = match kind {
            TokenKind::Number(number) => ExprKind::Number(number),
            TokenKind::Text(text) => ExprKind::Text(Text::from(text)),
            TokenKind::Regex(regex) => ExprKind::Regex(regex),
            TokenKind::Name(name) => match &*name {
                "true" => ExprKind::Bool(true),
                "false" => ExprKind::Bool(false),
                "none" | "null" => ExprKind::Null,
                name => ExprKind::Name(self.counter.name(name, at)?),
            },
            TokenKind::Operator("(") => return self.group(at),
            TokenKind::Operator("[") => {
                self.index += 1;
                let items = self.nested(|code| code.list("]"))?;
                return self.make(at, ExprKind::List(items));
            }
            TokenKind::Operator("{") => {
                self.index += 1;
                let entries = self.nested(Self::object)?;
                return self.make(at, ExprKind::Object(entries));
            }
            TokenKind::Operator(operator) => {
                return Err(Fault::at(format!("a value is expected before '{operator}'"), at));
            }
            TokenKind::End => return Err(Fault::at("the expression ends where a value is expected", at)),
        };
        self.index += 1;
        self.make(at, kind)
    }

    pub(super) fn group(&mut self, at: usize) -> Result<Expr> {
        self.index += 1;
        let items = self.nested(|code| code.list(")"))?;
        if items.is_empty() {
            return Err(Fault::at("'()' has no value", at));
        }
        self.make(at, ExprKind::Group(items))
    }

    /// Expressions up to `close`.
    pub(super) fn list(&mut self, close: &'static str) -> Result<Vec<Expr>> {
        let mut items = Vec::new();
        if self.take(close) {
            return Ok(items);
        }
        loop {
            items.push(self.inline_if()?);
            if !self.take(",") {
                self.expect(close)?;
                return Ok(items);
            }
        }
    }

    pub(super) fn object(&mut self) -> Result<Vec<(Text, Expr)>> {
        let mut entries = Vec::new();
        if self.take("}") {
            return Ok(entries);
        }
        loop {
            let Token { at, kind } = self.next();
            let key = match kind {
                TokenKind::Name(name) if !is_literal(&name) => name.to_string(),
                TokenKind::Text(text) => text,
                _ => return Err(Fault::at("the keys of an object are names or texts", at)),
            };
            allow_name(&key, at)?;
            self.expect(":")?;
            entries.push((Text::from(key), self.inline_if()?));
            self.counter.node(at)?;
            if !self.take(",") {
                self.expect("}")?;
                return Ok(entries);
            }
        }
    }

    pub(super) fn arguments(&mut self) -> Result<Arguments> {
        let mut arguments = Arguments::default();
        if self.take(")") {
            return Ok(arguments);
        }
        loop {
            let is_keyword =
                matches!(self.peek().kind, TokenKind::Name(_)) && matches!(self.after().kind, TokenKind::Operator("="));
            if is_keyword {
                let (name, at) = self.expect_name()?;
                allow_name(&name, at)?;
                self.expect("=")?;
                arguments.keyword.push((name, self.inline_if()?));
            } else {
                arguments.positional.push(self.inline_if()?);
            }
            if !self.take(",") {
                self.expect(")")?;
                return Ok(arguments);
            }
        }
    }
}
