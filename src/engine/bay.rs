// SPDX-License-Identifier: GPL-2.0-only

//! The place of a disk: where it is found, and who waits for whom when it is removed.
//!
//! A write enters the bay before it claims slots of the disk and leaves it when the slots hold
//! their pages; a read enters before it looks up where its page lies and leaves when it is
//! done. So whoever has closed the disk for claims and then [waits](Bay::wait) knows that no write
//! is under way; and whoever has moved pages away and then waits knows that no read is. On a disk
//! that is memory, an RCU reader copies pages directly, and is waited for as well.

use super::entry::{DiskNumber, Place};
use super::platform::{Platform, Published, Sections};

/// How deep sections nest that begin inside others and outlive them: a bio's inside that of a run,
/// and that inside the one of a new home.
///
/// A wait covers the sections that had begun before it, but not one that begins
/// inside them later: each wait gets one level deeper.
const DEPTH: usize = 3;

/// A section of a bay.
pub type Section<P> = <<P as Platform>::Sections as Sections>::Section;

/// A disk, as its owner has it.
pub type Owner<P, D> = <<P as Platform>::Published<D> as Published<D>>::Owner;

/// A disk that was seen in its bay.
type Seen<'a, P, D> = <<P as Platform>::Published<D> as Published<D>>::Seen<'a>;

/// A bay.
///
/// # Invariants
///
/// A disk that was in it stays for all who entered before it was taken out, and for readers.
pub struct Bay<P: Platform, D: Send + Sync + 'static> {
    number: DiskNumber,
    sections: P::Sections,
    disk: P::Published<D>,
}

/// The progress of a wait for all who are in a bay.
#[derive(Debug)]
pub struct Grace {
    left: usize,
    cookie: Option<usize>,
}

impl Default for Grace {
    /// For those who are in a bay now.
    fn default() -> Self {
        Self {
            left: DEPTH,
            cookie: None,
        }
    }
}

/// A disk that was taken out of its bay, and that others may have seen. If this is dropped, the disk
/// is leaked.
pub struct Leaving<P: Platform, D: Send + Sync + 'static> {
    number: DiskNumber,
    disk: <P::Published<D> as Published<D>>::Taken,
    grace: Grace,
}

/// A disk, while its bay is entered.
pub struct Entered<'a, P: Platform, D: Send + Sync + 'static> {
    bay: &'a Bay<P, D>,
    disk: Seen<'a, P, D>,
    // After the disk, which it keeps.
    _section: Section<P>,
}

impl<P: Platform, D: Send + Sync + 'static> Entered<'_, P, D> {
    /// The disk.
    #[inline]
    pub fn disk(&self) -> &D {
        &self.disk
    }

    /// Which disk.
    #[inline]
    pub fn number(&self) -> DiskNumber {
        self.bay.number
    }

    /// Enters again.
    pub fn again(&self) -> Self {
        Self {
            _section: self.section(),
            bay: self.bay,
            disk: self.disk.clone(),
        }
    }

    /// The section that keeps the bay entered, without the disk.
    #[inline]
    pub fn section(&self) -> Section<P> {
        self.bay.sections.enter()
    }
}

impl<P: Platform, D: Send + Sync + 'static> Bay<P, D> {
    /// An empty bay. `None`: no memory. May sleep.
    pub fn new(number: DiskNumber) -> Option<Self> {
        Some(Self {
            number,
            sections: Sections::new()?,
            disk: Published::empty(),
        })
    }

    /// The number of the bay's disk.
    pub fn number(&self) -> DiskNumber {
        self.number
    }

    /// Enters, if there is a disk. Does not sleep.
    #[inline]
    pub fn enter(&self) -> Option<Entered<'_, P, D>> {
        if self.disk.is_empty() {
            return None;
        }
        let section = self.sections.enter();
        Some(Entered {
            bay: self,
            // What is seen inside stays.
            disk: self.disk.see()?,
            _section: section,
        })
    }

    /// Enters to read a page that `look` finds, if it lies on this bay's disk. What `look` found before
    /// may have been moved away, and the disk may be gone; once the bay is entered the page
    /// stays. `None`: it is elsewhere.
    #[inline]
    pub fn enter_for(
        &self,
        look: impl FnOnce() -> Option<Place>,
    ) -> Option<(Entered<'_, P, D>, Place)> {
        let entered = self.enter()?;
        let place = look().filter(|place| place.disk == self.number)?;
        Some((entered, place))
    }

    /// The disk, on this CPU.
    #[inline]
    pub fn peek<'a>(&'a self, _cpu: &'a P::Cpu) -> Option<Seen<'a, P, D>> {
        // What a reader sees stays.
        self.disk.see()
    }

    /// The disk, for a reader.
    #[inline]
    pub fn peek_as<'a>(&'a self, _reader: &'a P::Reader) -> Option<Seen<'a, P, D>> {
        // As above.
        self.disk.see()
    }

    /// Whether there is no disk, at the moment.
    pub fn is_empty(&self) -> bool {
        self.disk.is_empty()
    }

    /// Takes the disk out, once no entry refers to it. The caller must
    /// [wait](Self::has_left) for it. One caller at a time.
    pub fn take(&self) -> Option<Leaving<P, D>> {
        Some(Leaving {
            number: self.number,
            disk: self.disk.swap(None)?,
            grace: Grace::default(),
        })
    }

    /// The disk that was taken out of this bay, if all who have seen it have left. May sleep, but
    /// does not wait for them.
    pub fn has_left(&self, mut leaving: Leaving<P, D>) -> Result<Owner<P, D>, Leaving<P, D>> {
        if leaving.number != self.number || !self.have_left(&mut leaving.grace) {
            return Err(leaving);
        }
        // Everybody who had seen it has been waited for.
        Ok(P::Published::reclaim(leaving.disk))
    }

    /// Whether all have left who were in the bay when `grace` was made, and those whose sections began
    /// inside theirs. May sleep, but does not wait for them.
    pub fn have_left(&self, grace: &mut Grace) -> bool {
        while grace.left != 0 {
            let cookie = *grace.cookie.get_or_insert_with(|| self.sections.start());
            if !self.sections.is_over(cookie) {
                return false;
            }
            grace.cookie = None;
            grace.left = grace.left.saturating_sub(1);
            if grace.left == 0 {
                P::synchronize();
            }
        }
        true
    }

    /// As [`wait`](Self::wait), as long as `go_on`, which is called in between, is true; it may sleep.
    /// Says whether they have left.
    pub fn wait_while(&self, grace: &mut Grace, mut go_on: impl FnMut() -> bool) -> bool {
        while !self.have_left(grace) {
            if !go_on() {
                return false;
            }
        }
        true
    }

    /// Puts a disk into the empty bay. One caller at a time.
    pub fn fill(&self, disk: Owner<P, D>) {
        let old = self.disk.swap(Some(disk));
        drop(self.reclaim(old));
    }

    /// Takes the disk out, once no entry refers to it, and waits for all who have seen
    /// it. One caller at a time. May sleep.
    pub fn clear(&self) -> Option<Owner<P, D>> {
        self.reclaim(self.disk.swap(None))
    }

    fn reclaim(
        &self,
        old: Option<<P::Published<D> as Published<D>>::Taken>,
    ) -> Option<Owner<P, D>> {
        let old = old?;
        self.wait();
        // Everybody who had seen it has been waited for.
        Some(P::Published::reclaim(old))
    }

    /// Waits for all who are in the bay now, and for those whose sections begin inside theirs.
    /// May sleep.
    pub fn wait(&self) {
        for _ in 0..DEPTH {
            self.sections.wait();
        }
        P::synchronize();
    }
}

impl<P: Platform, D: Send + Sync + 'static> Drop for Bay<P, D> {
    fn drop(&mut self) {
        drop(self.clear());
    }
}
