// SPDX-License-Identifier: GPL-2.0-only

//! Swap headers, read again as the swap core and libblkid do.

use vswap_engine::header;
use vswap_engine::page::PAGE_SIZE;

/// Runs an input.
pub fn run(data: &[u8]) {
    let Some(((fill, pages), _)) = crate::read::<(u8, u32), ()>(&data[..data.len().min(5)]) else {
        return;
    };
    let mut page = [fill; PAGE_SIZE];
    header::write(&mut page, pages);
    let (last, label, uuid) = fields(&page);
    assert_eq!(last, pages.saturating_sub(1));
    assert_eq!(label, "vswap0");
    assert_eq!(uuid[15], 0, "the device's number");
    assert_eq!((uuid[6] >> 4, uuid[8] >> 6), (4, 2), "a random UUID");

    let mut page = [fill; PAGE_SIZE];
    let uuid = header::random_uuid((u128::from(pages) << 64) | (u128::from(fill) << 8));
    header::write_tier(&mut page, uuid);
    let expected = (1, "vswap0-tier".to_owned(), uuid.to_be_bytes());
    assert_eq!(fields(&page), expected);
    let text = format!("{uuid:032x}");
    assert_eq!(header::parse_uuid(text.as_bytes()), Ok(uuid));
}

/// The last page, the label and the UUID. Everything else is as in any header.
fn fields(page: &[u8; PAGE_SIZE]) -> (u32, String, [u8; 16]) {
    let number =
        |at: usize| u32::from_ne_bytes([page[at], page[at + 1], page[at + 2], page[at + 3]]);
    assert!(page.ends_with(b"SWAPSPACE2"));
    assert_eq!((number(1024), number(1032)), (1, 0));
    assert!(page[..1024].iter().all(|byte| *byte == 0));
    assert!(page[1068..PAGE_SIZE - 10].iter().all(|byte| *byte == 0));
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&page[1036..1052]);
    let label = &page[1052..1068];
    let end = label.iter().position(|byte| *byte == 0).unwrap_or(16);
    assert!(label[end..].iter().all(|byte| *byte == 0));
    let label = std::str::from_utf8(&label[..end]).expect("letters and digits");
    (number(1028), label.to_owned(), uuid)
}
