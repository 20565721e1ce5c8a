// SPDX-License-Identifier: GPL-2.0-only

//! Sizes as users write them: numbers with units, and expressions of the machine's RAM.
//!
//! `sum := product (("+" | "-") product)*`, `product := value (("*" | "/") value)*`,
//! `value := number [unit|%] | "ram" | ("min" | "max") "(" sum ("," sum)+ ")" | "(" sum ")"`. Units
//! are K, M, G and T; KiB is the same as K, and KB is 1000 bytes, as GNU's coreutils have it. Letters may
//! be small or large.

use std::fmt;

/// How deep an expression may nest.
const DEPTH: usize = 32;

/// A size that may depend on the machine's RAM.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: String,
    node: Node,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Bytes(f64),
    /// A number without a unit.
    Bare(f64),
    Ram,
    Percent(f64),
    Two(Operator, Box<Node>, Box<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Min,
    Max,
}

impl Expression {
    /// The value in bytes, rounded down, on a machine with that much RAM. A negative value counts as 0.
    ///
    /// # Errors
    ///
    /// A sentence for the user, when there is no such number, as for a division by zero.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked above"
    )]
    pub fn bytes(&self, ram: u64) -> Result<u64, String> {
        let value = self.node.value(ram as f64);
        if !value.is_finite() || value >= 2f64.powi(63) {
            return Err(format!("'{}' is not a size", self.text));
        }
        Ok(value.max(0.0) as u64)
    }

    /// The same expression with units, where numbers without one are megabytes, as in zram-generator.
    /// `None`: it can't be read that way.
    pub fn in_megabytes(&self) -> Option<String> {
        self.node.sized()
    }

    /// The number that was probably meant to be megabytes, as in other programs: the size is below 1 MiB
    /// and comes from a number without a unit.
    pub fn suspect(&self, bytes: u64) -> Option<f64> {
        self.node.bare().filter(|_| (1..1 << 20).contains(&bytes))
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Node {
    /// The value, if it contains only numbers without a unit.
    fn number(&self) -> Option<f64> {
        match self {
            Self::Bare(number) => Some(*number),
            Self::Two(_, left, right) => {
                left.number()?;
                right.number()?;
                Some(self.value(0.0))
            }
            _ => None,
        }
    }

    /// Written as a size, where a number without a unit means megabytes.
    fn sized(&self) -> Option<String> {
        if let Some(number) = self.number() {
            return Some(format!("{number}M"));
        }
        Some(match self {
            Self::Ram => "ram".to_owned(),
            Self::Percent(percent) => format!("{percent}%"),
            Self::Bytes(_) | Self::Bare(_) => return None,
            Self::Two(operator, left, right) => match operator {
                Operator::Min => format!("min({}, {})", left.sized()?, right.sized()?),
                Operator::Max => format!("max({}, {})", left.sized()?, right.sized()?),
                Operator::Add => format!("{} + {}", left.sized()?, right.sized()?),
                Operator::Subtract => format!("{} - {}", left.sized()?, right.in_brackets()?),
                Operator::Divide => format!("{} / {}", left.in_brackets()?, right.number()?),
                Operator::Multiply => match (left.number(), right.number()) {
                    (Some(factor), _) => format!("{factor} * {}", right.in_brackets()?),
                    (_, Some(factor)) => format!("{} * {factor}", left.in_brackets()?),
                    _ => return None,
                },
            },
        })
    }

    fn in_brackets(&self) -> Option<String> {
        let text = self.sized()?;
        Some(match self {
            Self::Two(Operator::Add | Operator::Subtract, ..) => format!("({text})"),
            _ => text,
        })
    }

    /// The largest number without a unit that is not a factor.
    fn bare(&self) -> Option<f64> {
        match self {
            Self::Bare(number) => Some(*number),
            Self::Two(Operator::Multiply | Operator::Divide, ..) => None,
            Self::Two(_, left, right) => [left.bare(), right.bare()]
                .into_iter()
                .flatten()
                .reduce(f64::max),
            _ => None,
        }
    }

    fn value(&self, ram: f64) -> f64 {
        match self {
            Self::Bytes(number) | Self::Bare(number) => *number,
            Self::Ram => ram,
            Self::Percent(percent) => ram * percent / 100.0,
            Self::Two(operator, left, right) => {
                let (left, right) = (left.value(ram), right.value(ram));
                match operator {
                    Operator::Add => left + right,
                    Operator::Subtract => left - right,
                    Operator::Multiply => left * right,
                    Operator::Divide => left / right,
                    Operator::Min => left.min(right),
                    Operator::Max => left.max(right),
                }
            }
        }
    }
}

/// Reads an expression.
///
/// # Errors
///
/// A sentence for the user that says what is wrong.
pub fn parse(text: &str) -> Result<Expression, String> {
    let mut parser = Parser {
        rest: text.trim(),
        depth: 0,
    };
    let node = parser.sum().filter(|_| parser.rest.is_empty());
    node.map(|node| Expression {
        text: text.trim().to_owned(),
        node,
    })
    .ok_or_else(|| {
        format!("'{text}' is not a size; write for example 512M, 50% (of the RAM), 'ram / 2' or 'min(ram, 4G)'")
    })
}

/// The rest of the text. Each function removes what it has read, and blanks after it.
struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    /// Ignores case.
    fn take_word(&mut self, word: &str) -> bool {
        let found = self.rest.get(..word.len());
        if !found.is_some_and(|found| found.eq_ignore_ascii_case(word)) {
            return false;
        }
        self.rest = self.rest[word.len()..].trim_start();
        true
    }

    fn sum(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        let node = self.chain(
            &[("+", Operator::Add), ("-", Operator::Subtract)],
            Self::product,
        );
        self.depth -= 1;
        node
    }

    fn product(&mut self) -> Option<Node> {
        self.chain(
            &[("*", Operator::Multiply), ("/", Operator::Divide)],
            Self::value,
        )
    }

    fn chain(
        &mut self,
        operators: &[(&str, Operator)],
        part: fn(&mut Self) -> Option<Node>,
    ) -> Option<Node> {
        let mut node = part(self)?;
        while let Some((_, operator)) = operators.iter().find(|(sign, _)| self.take(sign)) {
            node = Node::Two(*operator, Box::new(node), Box::new(part(self)?));
        }
        Some(node)
    }

    fn value(&mut self) -> Option<Node> {
        if self.take("(") {
            let node = self.sum()?;
            return self.take(")").then_some(node);
        }
        for (name, operator) in [("min", Operator::Min), ("max", Operator::Max)] {
            if self.take_word(name) {
                return self.arguments(operator);
            }
        }
        if self.take_word("ram") {
            return Some(Node::Ram);
        }
        self.number()
    }

    fn arguments(&mut self, operator: Operator) -> Option<Node> {
        if !self.take("(") {
            return None;
        }
        let mut node = self.sum()?;
        while self.take(",") {
            node = Node::Two(operator, Box::new(node), Box::new(self.sum()?));
        }
        self.take(")").then_some(node)
    }

    fn number(&mut self) -> Option<Node> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let number = digits.parse::<f64>().ok()?;
        let blank = rest.trim_start();
        if let Some(rest) = blank.strip_prefix('%') {
            self.rest = rest.trim_start();
            return Some(Node::Percent(number));
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        let (unit, rest) = rest.split_at(end.unwrap_or(rest.len()));
        self.rest = rest.trim_start();
        if unit.is_empty() {
            return Some(Node::Bare(number));
        }
        let unit = unit.to_ascii_uppercase();
        let power = ["B", "K", "M", "G", "T"]
            .iter()
            .position(|letter| unit.starts_with(letter))?;
        let base: f64 = match unit.get(1..) {
            Some("") | Some("IB") => 1024.0,
            Some("B") => 1000.0,
            _ => return None,
        };
        Some(Node::Bytes(number * base.powi(i32::try_from(power).ok()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn sizes_as_users_write_them() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("3k", 3072),
            ("1.5G", 3 * GIB / 2),
            ("2t", 2 << 40),
            ("ram", 8 * GIB),
            ("ram / 2", 4 * GIB),
            ("ram*2", 16 * GIB),
            ("50%", 4 * GIB),
            ("12.5%", GIB),
            ("min(ram / 2, 4G)", 4 * GIB),
            ("max(1G, ram/4,512M)", 2 * GIB),
            ("(ram + 2G) / 5", 2 * GIB),
            ("min ( ram , 1G )", GIB),
            ("4GiB", 4 * GIB),
            ("2gib", 2 * GIB),
            ("4GB", 4_000_000_000),
            ("50 %", 4 * GIB),
            ("RAM / 2", 4 * GIB),
            ("Min(RAM, 1G)", GIB),
            ("4096B", 4096),
            ("ram - 16G", 0),
            ("1G + 2 * 1G - 512M", 5 * GIB / 2),
        ] {
            let value = parse(text).and_then(|expression| expression.bytes(8 * GIB));
            assert_eq!(value, Ok(bytes), "{text:?}");
        }
    }

    #[test]
    fn invalid_sizes_are_refused() {
        for text in [
            "", " ", "G", "-1", "1GBB", "1iB", "1 G", "1..2", "0x10", "ram ram", "min(1", "min()",
            "min", "2 +", "(1", "1)", "12 % %", "swap / 2", "1e3", "ram2",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        for text in ["1 / 0", "99999999T", "0 / 0"] {
            let value = parse(text).and_then(|expression| expression.bytes(GIB));
            assert!(value.is_err(), "{text:?}");
        }
        assert!(parse(&"(".repeat(100_000)).is_err());
    }

    #[test]
    fn numbers_that_were_meant_to_have_a_unit() {
        for (text, number) in [
            ("4096", Some(4096.0)),
            ("min(ram / 2, 4096)", Some(4096.0)),
            ("4096B", None),
            ("0", None),
            ("ram / 20000", None),
            ("2097152", None),
        ] {
            let expression = parse(text).expect("an expression");
            let bytes = expression.bytes(GIB).expect("a size");
            assert_eq!(expression.suspect(bytes), number, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9.KMGT%ram()in,x+*/ -]{0,40}|.*") {
            let _ = parse(&text).and_then(|expression| expression.bytes(GIB));
        }

        #[test]
        fn shown_values_read_back_the_same(a in 0u64..1 << 40, b in 1u64..1000) {
            let expression = parse(&format!("({a} + ram) / {b}")).expect("an expression");
            prop_assert_eq!(expression.bytes(GIB), Ok((a + GIB) / b));
        }
    }
}
