// SPDX-License-Identifier: GPL-2.0-only

//! Pages in the order of their last use.

const NONE: u32 = u32::MAX;

pub struct Lru {
    next: Vec<u32>,
    previous: Vec<u32>,
    is_in: Vec<bool>,
    oldest: u32,
    newest: u32,
    pub len: usize,
}

impl Lru {
    pub fn new(pages: usize) -> Self {
        Self {
            next: vec![NONE; pages],
            previous: vec![NONE; pages],
            is_in: vec![false; pages],
            oldest: NONE,
            newest: NONE,
            len: 0,
        }
    }

    pub fn has(&self, page: u32) -> bool {
        self.is_in[page as usize]
    }

    pub fn push(&mut self, page: u32) {
        let i = page as usize;
        self.is_in[i] = true;
        (self.previous[i], self.next[i]) = (self.newest, NONE);
        match self.newest {
            NONE => self.oldest = page,
            newest => self.next[newest as usize] = page,
        }
        self.newest = page;
        self.len += 1;
    }

    pub fn remove(&mut self, page: u32) {
        let i = page as usize;
        let (previous, next) = (self.previous[i], self.next[i]);
        match previous {
            NONE => self.oldest = next,
            previous => self.next[previous as usize] = next,
        }
        match next {
            NONE => self.newest = previous,
            next => self.previous[next as usize] = previous,
        }
        self.is_in[i] = false;
        self.len -= 1;
    }

    pub fn oldest(&self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }
}
