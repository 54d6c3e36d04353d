//! Reading tokens one by one, with messages about what is missing.

use std::rc::Rc;

use super::super::lexer::code::{Token, TokenKind};
use super::super::limits::{Fault, Result};
use super::expressions::Code;

impl Code<'_> {
    pub(super) fn peek(&self) -> &Token {
        &self.tokens[self.index.min(self.tokens.len() - 1)]
    }

    /// The token after the next.
    pub(super) fn after(&self) -> &Token {
        &self.tokens[(self.index + 1).min(self.tokens.len() - 1)]
    }

    pub(super) fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.index += 1;
        token
    }

    pub(super) fn is_operator(&self, operator: &str) -> bool {
        matches!(self.peek().kind, TokenKind::Operator(own) if own == operator)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(&self.peek().kind, TokenKind::Name(name) if &**name == word)
    }

    pub(super) fn take(&mut self, operator: &str) -> bool {
        let found = self.is_operator(operator);
        self.index += usize::from(found);
        found
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.index += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, operator: &str) -> Result<()> {
        if self.take(operator) {
            return Ok(());
        }
        let token = self.peek();
        Err(Fault::at(format!("'{operator}' is expected, not {}", describe(token)), token.at))
    }

    pub(super) fn expect_name(&mut self) -> Result<(Rc<str>, usize)> {
        let token = self.next();
        match token.kind {
            TokenKind::Name(name) => Ok((name, token.at)),
            _ => Err(Fault::at(format!("a name is expected, not {}", describe(&token)), token.at)),
        }
    }

    pub(super) fn expect_end(&mut self) -> Result<()> {
        let token = self.peek();
        match token.kind {
            TokenKind::End => Ok(()),
            _ => Err(Fault::at(format!("the expression should end before {}", describe(token)), token.at)),
        }
    }
}

fn describe(token: &Token) -> String {
    match &token.kind {
        TokenKind::End => "the end".to_owned(),
        TokenKind::Name(name) => format!("'{name}'"),
        TokenKind::Number(number) => format!("the number {number}"),
        TokenKind::Text(text) => format!("the text '{}'", text.chars().take(40).collect::<String>()),
        TokenKind::Regex(_) => "a regular expression".to_owned(),
        TokenKind::Operator(operator) => format!("'{operator}'"),
    }
}
