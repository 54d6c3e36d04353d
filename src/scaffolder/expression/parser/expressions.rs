//! The expression grammar, lowest precedence first: inline if, or, and, not, in, is, equality, order, sums, products,
//! power, filters, signs, members and calls.

use super::super::ast::{Arguments, Comparison, Expr, ExprKind, Filter, Inline, Name, Operator, Test};
use super::super::lexer::code::{self, Token, TokenKind};
use super::super::limits::{Fault, MAX_DEPTH, Result};
use super::{Counter, allow_name};

/// Parameters without and with a default.
type Signature = (Vec<Name>, Vec<(Name, Expr)>);

/// Operations of one precedence still to be applied to what stands before them.
type Pending = Vec<(Operator, Expr)>;

/// The tokens of one tag and how far they are read.
pub(super) struct Code<'c> {
    pub(super) tokens: Vec<Token>,
    pub(super) index: usize,
    depth: usize,
    pub(super) counter: &'c mut Counter,
}

impl<'c> Code<'c> {
    pub(super) fn new(source: &str, start: usize, end: usize, counter: &'c mut Counter) -> Result<Code<'c>> {
        Ok(Code { tokens: code::tokens(source, start, end)?, index: 0, depth: 0, counter })
    }

    /// All tokens as one expression.
    pub(super) fn whole(mut self) -> Result<Expr> {
        let expression = self.inline_if()?;
        self.expect_end()?;
        Ok(expression)
    }

    /// All tokens as `name(…)`, a filter applied to `input`.
    pub(super) fn whole_filter(mut self, input: Expr) -> Result<Expr> {
        let filter = self.filter(input)?;
        self.expect_end()?;
        Ok(filter)
    }

    /// `a, b`: the names a `for` or `set` binds.
    pub(super) fn targets(mut self) -> Result<Vec<Name>> {
        let mut targets = Vec::new();
        loop {
            let (name, at) = self.expect_name()?;
            if is_literal(&name) {
                return Err(Fault::at(format!("'{name}' is a value and cannot be set"), at));
            }
            targets.push(self.counter.name(&name, at)?);
            if !self.take(",") {
                break;
            }
        }
        self.expect_end()?;
        Ok(targets)
    }

    /// `a, b='x'`: the parameters of a macro.
    pub(super) fn signature(mut self) -> Result<Signature> {
        let (mut parameters, mut defaults) = (Vec::new(), Vec::new());
        if matches!(self.peek().kind, TokenKind::End) {
            return Ok((parameters, defaults));
        }
        loop {
            let (name, at) = self.expect_name()?;
            if is_literal(&name) {
                return Err(Fault::at(format!("'{name}' cannot be a parameter"), at));
            }
            let name = self.counter.name(&name, at)?;
            if self.take("=") {
                defaults.push((name, self.inline_if()?));
            } else {
                parameters.push(name);
            }
            if !self.take(",") {
                break;
            }
        }
        self.expect_end()?;
        Ok((parameters, defaults))
    }

    pub(super) fn make(&mut self, at: usize, kind: ExprKind) -> Result<Expr> {
        self.counter.node(at)?;
        let expression = Expr::new(at, kind);
        if expression.height > MAX_DEPTH {
            return Err(Fault::limit(format!("the expression is nested deeper than {MAX_DEPTH} levels")).or_at(at));
        }
        Ok(expression)
    }

    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let at = self.peek().at;
            return Err(Fault::limit(format!("the expression is nested deeper than {MAX_DEPTH} levels")).or_at(at));
        }
        let result = parse(self)?;
        self.depth -= 1;
        Ok(result)
    }

    pub(super) fn inline_if(&mut self) -> Result<Expr> {
        let body = self.or()?;
        if !self.take_word("if") {
            return Ok(body);
        }
        let condition = self.or()?;
        let otherwise = if self.take_word("else") { Some(self.nested(Self::or)?) } else { None };
        self.make(body.at, ExprKind::Inline(Box::new(Inline { body, condition, otherwise })))
    }

    fn or(&mut self) -> Result<Expr> {
        let mut left = self.and()?;
        while self.take_word("or") {
            let right = self.and()?;
            left = self.make(left.at, ExprKind::Or(Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr> {
        let mut left = self.not()?;
        while self.take_word("and") {
            let right = self.not()?;
            left = self.make(left.at, ExprKind::And(Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr> {
        let at = self.peek().at;
        if !self.take_word("not") {
            return self.membership();
        }
        let target = self.nested(Self::not)?;
        self.negate_first(target, at)
    }

    /// `not a == b` means `(not a) == b` in Nunjucks: the negation goes to the leftmost operand.
    fn negate_first(&mut self, target: Expr, at: usize) -> Result<Expr> {
        match target.kind {
            ExprKind::Binary(operator, left, right) if !matches!(operator, Operator::Power) => {
                let left = self.nested(|code| code.negate_first(*left, at))?;
                self.make(at, ExprKind::Binary(operator, Box::new(left), right))
            }
            ExprKind::Compare(first, rest) => {
                let first = self.nested(|code| code.negate_first(*first, at))?;
                self.make(at, ExprKind::Compare(Box::new(first), rest))
            }
            _ => self.make(at, ExprKind::Not(Box::new(target))),
        }
    }

    fn membership(&mut self) -> Result<Expr> {
        let mut left = self.test()?;
        loop {
            let negated = self.is_word("not") && matches!(&self.after().kind, TokenKind::Name(name) if &**name == "in");
            if negated {
                self.index += 2;
            } else if !self.take_word("in") {
                return Ok(left);
            }
            let right = self.test()?;
            let at = left.at;
            left = self.make(at, ExprKind::In(Box::new(left), Box::new(right)))?;
            if negated {
                left = self.make(at, ExprKind::Not(Box::new(left)))?;
            }
        }
    }

    fn test(&mut self) -> Result<Expr> {
        let left = self.equality()?;
        if !self.take_word("is") {
            return Ok(left);
        }
        let negated = self.take_word("not");
        let test = test_of(self.equality()?);
        let at = test.at;
        let test = self.make(at, ExprKind::Is(Box::new(left), Box::new(test)))?;
        if negated { self.make(at, ExprKind::Not(Box::new(test))) } else { Ok(test) }
    }

    fn equality(&mut self) -> Result<Expr> {
        const OPERATORS: [(&str, Comparison); 4] = [
            ("==", Comparison::Equal),
            ("===", Comparison::Identical),
            ("!=", Comparison::Unequal),
            ("!==", Comparison::Different),
        ];
        self.comparison(&OPERATORS, Self::relation)
    }

    fn relation(&mut self) -> Result<Expr> {
        const OPERATORS: [(&str, Comparison); 4] = [
            ("<", Comparison::Less),
            ("<=", Comparison::LessOrEqual),
            (">", Comparison::Greater),
            (">=", Comparison::GreaterOrEqual),
        ];
        self.comparison(&OPERATORS, Self::sum)
    }

    fn comparison(&mut self, operators: &[(&str, Comparison)], operand: fn(&mut Self) -> Result<Expr>) -> Result<Expr> {
        let first = operand(self)?;
        let mut rest = Vec::new();
        while let Some((_, comparison)) = operators.iter().find(|(operator, _)| self.take(operator)) {
            let right = operand(self)?;
            self.counter.node(right.at)?;
            rest.push((*comparison, right));
        }
        if rest.is_empty() { Ok(first) } else { self.make(first.at, ExprKind::Compare(Box::new(first), rest)) }
    }

    fn sum(&mut self) -> Result<Expr> {
        const OPERATORS: [(&str, Operator); 3] =
            [("+", Operator::Add), ("-", Operator::Subtract), ("~", Operator::Concat)];
        let mut left = self.product()?;
        while let Some((_, operator)) = OPERATORS.iter().find(|(text, _)| self.take(text)) {
            let right = self.product()?;
            left = self.binary(left, *operator, right)?;
        }
        Ok(left)
    }

    fn binary(&mut self, left: Expr, operator: Operator, right: Expr) -> Result<Expr> {
        self.make(left.at, ExprKind::Binary(operator, Box::new(left), Box::new(right)))
    }

    fn apply(&mut self, mut left: Expr, pending: Pending) -> Result<Expr> {
        for (operator, right) in pending {
            left = self.binary(left, operator, right)?;
        }
        Ok(left)
    }

    /// `*` and `/`. Nunjucks writes its operators into JavaScript without brackets, so what follows one of them is
    /// applied from the left, whatever precedence its grammar gave it.
    fn product(&mut self) -> Result<Expr> {
        let (first, pending) = self.floor_division()?;
        let mut left = self.apply(first, pending)?;
        loop {
            let operator = if self.take("*") {
                Operator::Multiply
            } else if self.take("/") {
                Operator::Divide
            } else {
                return Ok(left);
            };
            let (right, pending) = self.floor_division()?;
            left = self.binary(left, operator, right)?;
            left = self.apply(left, pending)?;
        }
    }

    /// `//`: rounds down everything it has on both sides.
    fn floor_division(&mut self) -> Result<(Expr, Pending)> {
        let (mut first, mut pending) = self.remainder()?;
        while self.take("//") {
            let (right, after) = self.remainder()?;
            pending.push((Operator::Divide, right));
            pending.extend(after);
            let quotient = self.apply(first, std::mem::take(&mut pending))?;
            first = self.make(quotient.at, ExprKind::Floor(Box::new(quotient)))?;
        }
        Ok((first, pending))
    }

    fn remainder(&mut self) -> Result<(Expr, Pending)> {
        let first = self.power()?;
        let mut pending = Vec::new();
        while self.take("%") {
            pending.push((Operator::Remainder, self.power()?));
        }
        Ok((first, pending))
    }

    fn power(&mut self) -> Result<Expr> {
        let mut left = self.filtered()?;
        while self.take("**") {
            let right = self.filtered()?;
            left = self.binary(left, Operator::Power, right)?;
        }
        Ok(left)
    }

    fn filtered(&mut self) -> Result<Expr> {
        let mut expression = self.signed()?;
        while self.take("|") {
            expression = self.filter(expression)?;
        }
        Ok(expression)
    }

    fn filter(&mut self, input: Expr) -> Result<Expr> {
        let (first, at) = self.expect_name()?;
        allow_name(&first, at)?;
        let mut name = first.to_string();
        while self.take(".") {
            let (part, at) = self.expect_name()?;
            allow_name(&part, at)?;
            name = format!("{name}.{part}");
        }
        let mut arguments = if self.take("(") { self.nested(Self::arguments)? } else { Arguments::default() };
        arguments.positional.insert(0, input);
        self.make(at, ExprKind::Filter(Box::new(Filter { at, name: name.into(), arguments })))
    }

    fn signed(&mut self) -> Result<Expr> {
        let at = self.peek().at;
        let is_minus = self.take("-");
        if !is_minus && !self.take("+") {
            return self.postfix();
        }
        let target = self.nested(Self::signed)?;
        match (&target.kind, is_minus) {
            (ExprKind::Minus(_), true) | (ExprKind::Plus(_), false) => {
                Err(Fault::at("the same sign stands twice: put brackets around the second", target.at))
            }
            (_, true) => self.make(at, ExprKind::Minus(Box::new(target))),
            (_, false) => self.make(at, ExprKind::Plus(Box::new(target))),
        }
    }
}

/// Words that are values and no names.
pub(super) fn is_literal(name: &str) -> bool {
    matches!(name, "true" | "false" | "null" | "none")
}

/// Reads what follows `is` as the name of a test. What is no name or value is the test `undefined`, as in Nunjucks.
fn test_of(right: Expr) -> Test {
    let at = right.at;
    let (name, arguments) = match right.kind {
        ExprKind::Call { target, arguments } => (test_name(&target), Some(arguments)),
        ExprKind::Filter(filter) => (filter.name.to_string(), Some(filter.arguments)),
        _ => (test_name(&right), None),
    };
    Test { at, name, arguments }
}

fn test_name(expression: &Expr) -> String {
    match &expression.kind {
        ExprKind::Null => "null".to_owned(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Number(number) => super::super::number::print(*number),
        ExprKind::Text(text) => text.to_utf8(),
        ExprKind::Regex(regex) => regex.print().to_utf8(),
        ExprKind::Name(name) => name.text.to_string(),
        _ => "undefined".to_owned(),
    }
}
