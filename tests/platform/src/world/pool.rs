// SPDX-License-Identifier: GPL-2.0-only

//! The ram tier. What is free is handed out again at once.

use crate::cell::Cell;
use crate::sync::Mutex;
use vswap_engine::codec::Codec;
use vswap_engine::entry::{Handle, Length, Object, HANDLE_BITS};
use vswap_engine::held::Owned;

pub(super) struct Pool {
    objects: Vec<Cell<Option<u64>>>,
    free: Mutex<Vec<usize>>,
}

/// An object's number is in the upper bits of its handle.
const SHIFT: u32 = u64::BITS - HANDLE_BITS;

fn object(number: usize, page: u64) -> Object {
    let length = usize::try_from(page % 4096).expect("a small number") + 1;
    Object {
        handle: Handle::new((number as u64).reverse_bits() >> SHIFT).expect("as many bits"),
        length: Length::new(length).expect("up to a page"),
        codec: Codec::from_bits((page >> 12) & 3).expect("two bits"),
    }
}

fn number(object: Object) -> usize {
    let number = (object.handle.number() << SHIFT).reverse_bits();
    usize::try_from(number).expect("a low number")
}

impl Pool {
    pub(super) fn new(objects: usize) -> Self {
        Self {
            objects: (0..objects).map(|_| Cell::new(None)).collect(),
            free: Mutex::new((0..objects).collect()),
        }
    }

    pub(super) fn store(&self, page: u64) -> Owned {
        let number = self.free.lock().unwrap().pop().expect("enough objects");
        assert_eq!(self.objects[number].replace(Some(page)), None);
        Owned::ram(object(number, page))
    }

    pub(super) fn read(&self, held: Object) -> u64 {
        let number = number(held);
        let page = self.objects[number].get();
        let page = page.expect("a freed object is read");
        assert_eq!(held, object(number, page));
        page
    }

    pub(super) fn free(&self, entry: Owned) {
        if let Some(object) = entry.into_object() {
            let number = number(object);
            let old = self.objects[number].replace(None);
            assert!(old.is_some(), "an object is freed twice");
            self.free.lock().unwrap().push(number);
        }
    }

    pub(super) fn assert_empty(&self) {
        let free = self.free.lock().unwrap().len();
        assert_eq!(free, self.objects.len(), "an object is lost");
    }
}
