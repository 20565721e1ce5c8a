// SPDX-License-Identifier: GPL-2.0-only

//! A cluster, as `src/glue/cluster.rs` has it.

use std::cell::RefCell;
use vswap_bench_engine::table;
use vswap_engine::entry::Entry;
use vswap_engine::form::{Form, Home};
use vswap_engine::freed::FreedSlots;
use vswap_engine::map::{Bits, SlotMap};
use vswap_engine::number::Carried;
use vswap_engine::slot::{ClusterNumber, Offset};
use vswap_engine::table::{Occupancy, Table};

/// What stands for a table's address: a cluster has one at most.
const ADDRESS: usize = 1 << 12;

pub(super) struct Cluster {
    carried: Carried,
    form: usize,
    table: Option<Box<Table>>,
    occupancy: RefCell<Occupancy>,
    pub(super) freed: FreedSlots,
    map: SlotMap,
}

pub(super) struct Locked<'a>(&'a mut Cluster);

impl Cluster {
    /// A cluster without pages: whole, if there is a home for it.
    pub(super) fn new(number: ClusterNumber, home: Option<Home>) -> Self {
        let form = home.map_or(Form::Table(ADDRESS), Form::Whole);
        let cluster = Self {
            carried: Carried::default(),
            form: form.to_word(),
            table: home.is_none().then(table),
            occupancy: RefCell::default(),
            freed: FreedSlots::default(),
            map: SlotMap::default(),
        };
        cluster.carried.take(number);
        cluster
    }

    pub(super) fn form(&self) -> Form {
        Form::from_word(self.form)
    }

    pub(super) fn load(&self, offset: Offset) -> Entry {
        match (self.form(), &self.table) {
            (Form::Table(ADDRESS), Some(table)) => table.load(offset),
            (Form::Whole(home), _) if self.map.test(offset) => home.entry(offset),
            (Form::Whole(_), _) => Entry::EMPTY,
            (form, _) => panic!("{form:?}"),
        }
    }

    pub(super) fn lock(&mut self, number: ClusterNumber) -> Locked<'_> {
        assert!(self.carried.is(number));
        Locked(self)
    }

    pub(super) fn lock_anyway(&mut self) -> Locked<'_> {
        Locked(self)
    }

    /// Slots in use, and whether any of them is in memory.
    pub(super) fn counts(&self) -> (usize, bool) {
        let occupancy = self.occupancy.borrow();
        (occupancy.used().into(), occupancy.has_ram())
    }
}

impl Locked<'_> {
    pub(super) fn form(&self) -> Form {
        self.0.form()
    }

    pub(super) fn unmark(&self, offset: Offset) {
        self.0.freed.unmark(offset);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.occupancy.borrow().is_empty()
    }

    pub(super) fn put(&mut self, offset: Offset, new: Entry) -> Entry {
        loop {
            let mut occupancy = self.0.occupancy.borrow_mut();
            match (self.0.form(), &self.0.table) {
                (Form::Table(_), Some(table)) => {
                    return table.replace(offset, new, &mut occupancy).0;
                }
                (Form::Whole(home), _) if new.is_empty() || new == home.entry(offset) => {
                    let was = if new.is_empty() {
                        self.0.map.clear(offset)
                    } else {
                        self.0.map.set(offset)
                    };
                    let old = if was {
                        home.entry(offset)
                    } else {
                        Entry::EMPTY
                    };
                    occupancy.change(old, new);
                    return old;
                }
                (Form::Whole(home), _) => {
                    drop(occupancy);
                    self.spread(home);
                }
                (form, _) => panic!("{form:?}"),
            }
        }
    }

    fn spread(&mut self, home: Home) {
        let table = table();
        for offset in Offset::all().filter(|offset| self.0.map.test(*offset)) {
            table.fill(offset, home.entry(offset));
        }
        self.0.table = Some(table);
        self.0.form = Form::Table(ADDRESS).to_word();
    }

    pub(super) fn collapse(&mut self) {
        let Some(home) = self.0.table.as_ref().and_then(|table| table.home()) else {
            return;
        };
        for offset in Offset::all() {
            if self.0.load(offset).is_empty() {
                self.0.map.clear(offset);
            } else {
                self.0.map.set(offset);
            }
        }
        self.0.table = None;
        self.0.form = Form::Whole(home).to_word();
    }

    pub(super) fn rehome(&mut self, from: Home, to: Home) -> bool {
        let is_there = self.form() == Form::Whole(from);
        if is_there {
            self.0.form = Form::Whole(to).to_word();
        }
        is_there
    }

    pub(super) fn empty_whole(&mut self, bits: &Bits) -> Bits {
        let emptied = self.0.map.clear_bits(bits);
        self.0.occupancy.borrow_mut().emptied(emptied.len());
        emptied
    }
}
