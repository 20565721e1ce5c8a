// SPDX-License-Identifier: GPL-2.0-only

//! The swap header that page 0 of the device shows, so that no `mkswap` is needed.
//!
//! The layout is that of `union swap_header` in `include/linux/swap.h`: the signature in the
//! last ten bytes of the page, and from byte 1024 on version, last page and number of bad pages
//! (32 bits each, in the CPU's order), a UUID and a label of 16 bytes each.

use super::page::PAGE_SIZE;

const SIGNATURE: &[u8; 10] = b"SWAPSPACE2";
const VERSION_AT: usize = 1024;
const LAST_PAGE_AT: usize = 1028;
const UUID_AT: usize = 1036;
const LABEL_AT: usize = 1052;
const LABEL_BYTES: usize = 16;
const SIGNATURE_AT: usize = PAGE_SIZE - SIGNATURE.len();

/// The UUID of device 0; a device's number stands in the last byte. It is the same on every
/// machine and after every boot, so that it can be named in a configuration: what it names is
/// the device, and no data outlives that.
const UUID: [u8; 16] = [
    0x76, 0x73, 0x77, 0x61, 0x70, 0x30, 0x4d, 0x1e, 0x9a, 0x57, 0x1f, 0xc3, 0x60, 0x2b, 0xe8, 0x00,
];

/// Writes the header of device `number`, with `pages` pages in all, page 0 included.
pub fn write(page: &mut [u8; PAGE_SIZE], number: u8, pages: u32) {
    page.fill(0);
    let last_page = pages.saturating_sub(1);
    let mut uuid = UUID;
    uuid[15] = number;
    let mut label = [0; LABEL_BYTES];
    label[..5].copy_from_slice(b"vswap");
    write_decimal(&mut label[5..], number);

    put(page, VERSION_AT, &1u32.to_ne_bytes());
    put(page, LAST_PAGE_AT, &last_page.to_ne_bytes());
    put(page, UUID_AT, &uuid);
    put(page, LABEL_AT, &label);
    put(page, SIGNATURE_AT, SIGNATURE);
}

/// Writes the signature of a disk that is a tier of device `number`: a header of one page, so
/// that tools tell what it is, and a label that says more. Who swaps it on gets next to nothing.
pub fn write_tier(page: &mut [u8; PAGE_SIZE], number: u8) {
    write(page, number, 2);
    let digits = page
        .iter()
        .skip(LABEL_AT)
        .take(LABEL_BYTES)
        .take_while(|byte| **byte != 0)
        .count();
    put(page, LABEL_AT.saturating_add(digits), b"-tier");
    put(page, UUID_AT, &[0; 16]);
}

fn put(page: &mut [u8; PAGE_SIZE], at: usize, bytes: &[u8]) {
    for (to, from) in page.iter_mut().skip(at).zip(bytes) {
        *to = *from;
    }
}

fn write_decimal(to: &mut [u8], number: u8) {
    let digits =
        [number / 100, number / 10 % 10, number % 10].map(|digit| b'0'.wrapping_add(digit));
    let leading = digits
        .iter()
        .take(2)
        .take_while(|digit| **digit == b'0')
        .count();
    for (to, digit) in to.iter_mut().zip(digits.iter().skip(leading)) {
        *to = *digit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_is_labelled() {
        let mut page = [0xff; PAGE_SIZE];
        write_tier(&mut page, 0);
        assert_eq!(&page[4086..], b"SWAPSPACE2");
        assert_eq!(&page[LABEL_AT..LABEL_AT + 16], b"vswap0-tier\0\0\0\0\0");
        assert_eq!(&page[LAST_PAGE_AT..LAST_PAGE_AT + 4], 1u32.to_ne_bytes());
    }

    #[test]
    fn a_header_holds_what_the_swap_core_reads() {
        let mut page = [0xff; PAGE_SIZE];
        write(&mut page, 0, 1000);
        assert_eq!(&page[4086..], b"SWAPSPACE2");
        assert_eq!(
            page[1024..1036],
            [1u32, 999, 0].map(u32::to_ne_bytes).concat()
        );
        assert_eq!(&page[1052..1068], b"vswap0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(page[1036 + 6] >> 4, 4, "a version 4 UUID");
        assert!(page[..1024].iter().all(|byte| *byte == 0));
        assert!(page[1068..4086].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn the_number_stands_in_label_and_uuid() {
        for (number, label) in [
            (7, "vswap7"),
            (42, "vswap42"),
            (100, "vswap100"),
            (255, "vswap255"),
        ] {
            let mut page = [0; PAGE_SIZE];
            write(&mut page, number, 10);
            assert_eq!(
                core::str::from_utf8(&page[1052..1068])
                    .unwrap()
                    .trim_end_matches('\0'),
                label
            );
            assert_eq!(page[1051], number);
        }
    }
}
