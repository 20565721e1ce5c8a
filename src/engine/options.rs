// SPDX-License-Identifier: GPL-2.0-only

//! A disk's options, as the user gives them.

/// A disk's options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What protects its pages.
    pub protection: Protection,
    /// Whether pages stay compressed on it; by default, unless it is memory.
    pub compress: Option<bool>,
    /// Whether the disk is told which clusters hold nothing.
    pub discard: bool,
}

impl Options {
    /// Adds the option of a word. Says whether there is such a word, and it is the first time.
    #[must_use]
    pub fn add(&mut self, word: &[u8]) -> bool {
        let compress = match word {
            b"compress=on" => true,
            b"compress=off" => false,
            b"discard" => return !core::mem::replace(&mut self.discard, true),
            _ => return self.protection.add(word),
        };
        self.compress.replace(compress).is_none()
    }
}

/// Protection of the pages on a disk from those who can read or change it; none by default.
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
    fn each_option_once() {
        let mut options = Options::default();
        assert!(options.add(b"compress=off"));
        assert_eq!(options.compress, Some(false));
        assert!(!options.add(b"compress=on"));
        assert!(!options.add(b"compress"));
        assert!(options.add(b"discard"));
        assert!(options.discard);
        assert!(!options.add(b"discard"));
        assert!(options.add(b"encrypt"));
        assert!(options.protection.encrypt);
    }

    #[test]
    fn each_protection_once() {
        let mut protection = Protection::default();
        assert!(protection.add(b"integrity"));
        assert!(!protection.encrypt && protection.integrity);
        assert!(!protection.add(b"integrity"));
        assert!(protection.add(b"encrypt"));
        assert!(!protection.add(b"encryption"));
        assert!(protection.encrypt && protection.integrity);
    }
}
