// SPDX-License-Identifier: GPL-2.0-only

//! The swap header that page 0 of the device shows, so that no `mkswap` is needed.
//!
//! The layout is that of `union swap_header` in `include/linux/swap.h`: the signature in the
//! last ten bytes of the page, and from byte 1024 on version, last page and number of bad pages
//! (32 bits each, in the CPU's order), a UUID and a label of 16 bytes each.

use super::config::Refusal;
use super::page::PAGE_SIZE;
use super::sync::{AtomicU64, Ordering};

const SIGNATURE: &[u8; 10] = b"SWAPSPACE2";
const VERSION_AT: usize = 1024;
const LAST_PAGE_AT: usize = 1028;
const UUID_AT: usize = 1036;
const LABEL_AT: usize = 1052;
const SIGNATURE_AT: usize = PAGE_SIZE - SIGNATURE.len();

/// The UUID of the device, with its number, which is 0, in the last byte. It is the same on every
/// machine and after every boot, so that a configuration can name it: it names
/// the device, as no data survives a reboot.
const UUID: [u8; 16] = [
    0x76, 0x73, 0x77, 0x61, 0x70, 0x30, 0x4d, 0x1e, 0x9a, 0x57, 0x1f, 0xc3, 0x60, 0x2b, 0xe8, 0x00,
];

/// A UUID that can be changed: that of disks that are added from now on. It identifies the owner of
/// a disk that several machines can reach.
#[derive(Debug, Default)]
pub struct Uuid([AtomicU64; 2]);

impl Uuid {
    /// The UUID as a number, the first byte being the highest.
    pub fn get(&self) -> u128 {
        let [high, low] = &self.0;
        (u128::from(high.load(Ordering::Relaxed)) << 64) | u128::from(low.load(Ordering::Relaxed))
    }

    /// Changes it. One caller at a time; a concurrent reader may see half of it.
    pub fn set(&self, uuid: u128) {
        let [a, b, c, d, e, f, g, h, rest @ ..] = uuid.to_be_bytes();
        let [high, low] = &self.0;
        high.store(
            u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            Ordering::Relaxed,
        );
        low.store(u64::from_be_bytes(rest), Ordering::Relaxed);
    }
}

/// Turns random bits into a UUID of version 4 (RFC 9562).
pub const fn random_uuid(bits: u128) -> u128 {
    (bits & !((0xf << 76) | (0x3 << 62))) | (0x4 << 76) | (0x2 << 62)
}

/// Parses a UUID as users write it: 32 hexadecimal digits, with hyphens or without.
pub fn parse_uuid(text: &[u8]) -> Result<u128, Refusal> {
    let mut digits = 0u32;
    let mut uuid = 0u128;
    for byte in text.trim_ascii().iter().filter(|byte| **byte != b'-') {
        let digit = char::from(*byte).to_digit(16).ok_or(Refusal::NotAUuid)?;
        uuid = (uuid << 4) | u128::from(digit);
        digits = digits.saturating_add(1);
    }
    if digits == 32 {
        Ok(uuid)
    } else {
        Err(Refusal::NotAUuid)
    }
}

/// Writes the header of the device, with `pages` pages in all, page 0 included.
pub fn write(page: &mut [u8; PAGE_SIZE], pages: u32) {
    page.fill(0);
    let last_page = pages.saturating_sub(1);
    put(page, VERSION_AT, &1u32.to_ne_bytes());
    put(page, LAST_PAGE_AT, &last_page.to_ne_bytes());
    put(page, UUID_AT, &UUID);
    put(page, LABEL_AT, b"vswap0");
    put(page, SIGNATURE_AT, SIGNATURE);
}

/// Writes the signature of a disk that is a tier of the device: a header of one page, which
/// tools recognize, a label that says more, and a UUID that identifies the owner. Swapped on,
/// it gives next to no swap space.
pub fn write_tier(page: &mut [u8; PAGE_SIZE], uuid: u128) {
    write(page, 2);
    put(page, LABEL_AT, b"vswap0-tier");
    put(page, UUID_AT, &uuid.to_be_bytes());
}

fn put(page: &mut [u8; PAGE_SIZE], at: usize, bytes: &[u8]) {
    for (to, from) in page.iter_mut().skip(at).zip(bytes) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_is_labelled() {
        let mut page = [0xff; PAGE_SIZE];
        let uuid = 0x0123_4567_89ab_cdef_0011_2233_4455_6677;
        write_tier(&mut page, uuid);
        assert_eq!(&page[PAGE_SIZE - 10..], b"SWAPSPACE2");
        assert_eq!(page[UUID_AT..UUID_AT + 4], [0x01, 0x23, 0x45, 0x67]);
        assert_eq!(page[UUID_AT..UUID_AT + 16], uuid.to_be_bytes());
        assert_eq!(&page[LABEL_AT..LABEL_AT + 16], b"vswap0-tier\0\0\0\0\0");
        assert_eq!(&page[LAST_PAGE_AT..LAST_PAGE_AT + 4], 1u32.to_ne_bytes());
    }

    #[test]
    fn a_header_holds_what_the_swap_core_reads() {
        let mut page = [0xff; PAGE_SIZE];
        write(&mut page, 1000);
        assert_eq!(&page[PAGE_SIZE - 10..], b"SWAPSPACE2");
        assert_eq!(
            page[1024..1036],
            [1u32, 999, 0].map(u32::to_ne_bytes).concat()
        );
        assert_eq!(&page[1052..1068], b"vswap0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(page[1036 + 6] >> 4, 4, "a version 4 UUID");
        assert_eq!(page[1051], 0, "the device's number");
        assert!(page[..1024].iter().all(|byte| *byte == 0));
        assert!(page[1068..PAGE_SIZE - 10].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn uuids_as_users_write_them() {
        let uuid = 0x7673_7761_7030_4d1e_9a57_1fc3_602b_e800;
        for text in [
            "767377617030 4d1e9a571fc3602be800",
            "76737761-7030-4d1e-9a57-1fc3602be8",
            "76737761-7030-4d1e-9a57-1fc3602be80g",
            "",
        ] {
            assert_eq!(
                parse_uuid(text.as_bytes()),
                Err(Refusal::NotAUuid),
                "{text}"
            );
        }
        for text in [
            "76737761-7030-4d1e-9a57-1fc3602be800\n",
            "7673776170304D1E9A571FC3602BE800",
        ] {
            assert_eq!(parse_uuid(text.as_bytes()), Ok(uuid), "{text}");
        }
        let kept = Uuid::default();
        kept.set(uuid);
        assert_eq!(kept.get(), uuid);
        assert_eq!((random_uuid(u128::MAX) >> 76) & 0xf, 4);
        assert_eq!((random_uuid(0) >> 62) & 3, 2);
        assert_eq!(random_uuid(uuid), uuid);
    }
}
