// SPDX-License-Identifier: GPL-2.0-only

//! Protection of the pages on a disk from those who can read or change it.

/// A disk's protection; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    /// They are encrypted with a key that nobody else has.
    pub encrypt: bool,
    /// They are compared with a tag when they are read.
    pub integrity: bool,
}

impl Protection {
    /// Adds the protection of a word. Says whether there is such a word, and it is the first time.
    #[must_use]
    pub fn add(&mut self, word: &[u8]) -> bool {
        let option = match word {
            b"encrypt" => &mut self.encrypt,
            b"integrity" => &mut self.integrity,
            _ => return false,
        };
        !core::mem::replace(option, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_once() {
        let mut protection = Protection::default();
        assert!(protection.add(b"integrity"));
        assert!(!protection.encrypt && protection.integrity);
        assert!(!protection.add(b"integrity"));
        assert!(protection.add(b"encrypt"));
        assert!(!protection.add(b"encryption"));
        assert!(protection.encrypt && protection.integrity);
    }
}
