// SPDX-License-Identifier: GPL-2.0-only
//! Which function an address is in.

use std::collections::BTreeMap;

/// A function of the kernel or of one of its modules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Function {
    pub name: String,
    /// Without brackets; none for the kernel itself.
    pub module: Option<String>,
}

impl std::fmt::Display for Function {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        match &self.module {
            None => write!(formatter, "{}", self.name),
            Some(module) => write!(formatter, "{} [{module}]", self.name),
        }
    }
}

/// Functions by their first address; each ends where the next one begins.
#[derive(Clone, Default)]
pub struct Symbols(BTreeMap<u64, Function>);

impl Symbols {
    /// Adds a function as /proc/kallsyms has it: an address, a name, and perhaps a module in
    /// brackets. False if that isn't what the words are.
    pub fn add<'a>(&mut self, mut words: impl Iterator<Item = &'a str>) -> bool {
        let address = words
            .next()
            .and_then(|word| u64::from_str_radix(word, 16).ok());
        let (Some(address), Some(name)) = (address, words.next()) else {
            return false;
        };
        let module = words
            .next()
            .map(|word| word.trim_matches(['[', ']']).to_owned());
        self.0.insert(
            address,
            Function {
                name: format!("{:#}", rustc_demangle::demangle(name)),
                module,
            },
        );
        true
    }

    pub fn function(&self, address: u64) -> Option<&Function> {
        self.0.range(..=address).next_back().map(|(_, found)| found)
    }

    pub fn extend(&mut self, others: &Symbols) {
        self.0.extend(others.0.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_belongs_to_the_function_that_begins_before_it() {
        let mut symbols = Symbols::default();
        assert!(symbols.add("ffff10 first".split(' ')));
        assert!(symbols.add("ffff20 _RNvCs1234_5vswap5store [vswap]".split(' ')));
        assert!(!symbols.add("what".split(' ')));
        let name = |address| symbols.function(address).map(ToString::to_string);
        assert_eq!(name(0xffff0f), None);
        assert_eq!(name(0xffff10).as_deref(), Some("first"));
        assert_eq!(name(0xffff1f).as_deref(), Some("first"));
        assert_eq!(name(0xffff20).as_deref(), Some("vswap::store [vswap]"));
    }
}
