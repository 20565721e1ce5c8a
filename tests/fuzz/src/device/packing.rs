// SPDX-License-Identifier: GPL-2.0-only

//! Who packs, and who cleans.

use super::{At, Device};
use vswap_platform::world::chunk::Chunk;
use vswap_platform::world::To as Where;

#[derive(Default)]
pub(super) struct Packing<'a> {
    /// What is to be packed.
    chunk: Option<Chunk<'a>>,
    /// The same of who cleans.
    cleaning: Option<Chunk<'a>>,
}

impl Device<'_> {
    pub(super) fn pack(&mut self, at: At, count: u8, disk: usize) {
        let chunk = self.packing.chunk.as_ref();
        if chunk.is_some_and(|chunk| chunk.disk() != disk) {
            self.write();
        }
        for slot in at.run(count % 32) {
            self.store(slot, Where::Ram);
            let chunk = &mut self.packing.chunk;
            chunk
                .get_or_insert_with(|| Chunk::new(self.world, disk))
                .add(slot);
        }
    }

    pub(super) fn write(&mut self) {
        if let Some(chunk) = self.packing.chunk.take() {
            chunk.finish(&mut self.mover);
        }
    }

    pub(super) fn clean(&mut self, disk: usize, which: u8) {
        self.end_clean();
        let mut segments = self.world.segments(disk);
        // What is being written is nobody's to clean.
        let written = self.packing.chunk.as_ref().and_then(Chunk::segment);
        segments.retain(|segment| written != Some((disk, *segment)));
        if let Some(which) = usize::from(which).checked_rem(segments.len()) {
            let mut chunk = Chunk::new(self.world, disk);
            chunk.clean(segments[which]);
            self.packing.cleaning = Some(chunk);
        }
    }

    pub(super) fn end_clean(&mut self) {
        if let Some(chunk) = self.packing.cleaning.take() {
            chunk.finish(&mut self.mover);
        }
    }
}
