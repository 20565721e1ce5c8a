// SPDX-License-Identifier: GPL-2.0-only

//! Memory of tables.

use crate::cell::Life;
use std::mem::forget;
use vswap_engine::platform::TableMemory;
use vswap_engine::table::Table;

struct Tabled {
    table: Table,
    life: Life,
}

/// A table's memory.
pub struct HostTable(usize);

fn tabled<'a>(address: usize) -> &'a Tabled {
    // SAFETY: the tests check that it is there.
    unsafe { &*std::ptr::with_exposed_provenance(address) }
}

impl TableMemory for HostTable {
    fn new() -> Option<Self> {
        let page = Box::new(Tabled {
            table: Table::default(),
            life: Life::new(),
        });
        Some(Self(Box::into_raw(page).expose_provenance()))
    }

    fn into_address(self) -> usize {
        let address = self.0;
        forget(self);
        address
    }

    fn from_address(address: usize) -> Self {
        Self(address)
    }

    fn with<R>(address: usize, then: impl FnOnce(&Table) -> R) -> R {
        let page = tabled(address);
        page.life.touch();
        let result = then(&page.table);
        page.life.touch();
        result
    }
}

impl Drop for HostTable {
    fn drop(&mut self) {
        tabled(self.0).life.end();
        // In models its memory stays, so that loom can report its users.
        if !cfg!(loom) {
            let page: *mut Tabled = std::ptr::with_exposed_provenance_mut(self.0);
            // SAFETY: it came from a box, and is freed once.
            drop(unsafe { Box::from_raw(page) });
        }
    }
}
