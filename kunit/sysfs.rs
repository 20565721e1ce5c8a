// SPDX-License-Identifier: GPL-2.0-only

//! The attributes of the module's own device, through their files.

use kernel::macros::kunit_tests;

#[kunit_tests(vswap_sysfs)]
mod cases {
    use crate::engine::page::PAGE_SIZE;
    use crate::glue::kunit::{File, OpenNode, READ, WRITE};
    use crate::kunit::pages::{self, HALF, SMALL, SYNCHRONOUS};
    use kernel::prelude::*;
    use kernel::str::CString;

    fn path(attribute: &str) -> Result<CString> {
        CString::try_from_fmt(fmt!("/sys/class/vswap/vswap0/{attribute}"))
    }

    fn write(attribute: &str, text: &[u8]) -> Result {
        let count = File::open(&path(attribute)?, WRITE)?.write(text)?;
        ensure_eq!(count, text.len());
        Ok(())
    }

    fn read(attribute: &str) -> Result<KVec<u8>> {
        let mut text = KVec::from_elem(0u8, PAGE_SIZE, GFP_KERNEL)?;
        let length = File::open(&path(attribute)?, READ)?.read(&mut text)?;
        text.truncate(length);
        Ok(text)
    }

    /// Writing each text to the attribute gives that error, and leaves the attribute unchanged.
    fn refuses(attribute: &str, texts: &[&[u8]], error: Error) -> Result {
        let before = read(attribute)?;
        refuses_unseen(attribute, texts, error)?;
        ensure!(*read(attribute)? == *before);
        Ok(())
    }

    /// As above, for one that can't be read. There is no disk.
    fn refuses_unseen(attribute: &str, texts: &[&[u8]], error: Error) -> Result {
        for text in texts {
            let result = write(attribute, text);
            if result != Err(error) {
                pr_err!(
                    "    # {attribute}: {:?} gives {:?}\n",
                    kernel::str::BStr::from_bytes(text),
                    result
                );
            }
            ensure_eq!(result, Err(error));
        }
        ensure_eq!(read("tiers")?.len(), 0);
        Ok(())
    }

    /// The attribute accepts the text and then shows `shown`.
    fn takes(attribute: &str, text: &[u8], shown: &[u8]) -> Result {
        write(attribute, text)?;
        ensure!(*read(attribute)? == *shown);
        Ok(())
    }

    const NO_SIZES: &[&[u8]] = &[
        b"\n",
        b" ",
        b"-1",
        b"+1",
        b"many",
        b"1.5G",
        b"1 G",
        b"1GB",
        b"0x10",
        b"99999999999999999999",
        b"99999999T",
        b"1\0",
    ];

    #[test]
    fn size_refuses_what_is_none() -> Result {
        refuses("size", NO_SIZES, EINVAL)?;
        refuses(
            "size",
            &[b"0", b"1", b"1048575", b"16T", b"17592186044416"],
            EINVAL,
        )
    }

    #[test]
    fn size_takes_sizes() -> Result {
        let before = read("size")?;
        takes("size", b"1M", b"1048576\n")?;
        takes("size", b" 2097153\n", b"2097152\n")?;
        takes("size", b"17592186040320", b"17592186040320\n")?;
        write("size", &before)
    }

    #[test]
    fn size_stays_while_swapped_on() -> Result {
        let node = OpenNode::new()?;
        let on = node.swapped_on();
        refuses("size", &[b"1M", b"1G"], EBUSY)?;
        // A text that is no size is refused.
        refuses("size", &[b"0"], EINVAL)?;
        drop(on);
        let before = read("size")?;
        takes("size", b"1M", b"1048576\n")?;
        write("size", &before)
    }

    #[test]
    fn ram_limit_refuses_what_is_none() -> Result {
        refuses("ram_limit", NO_SIZES, EINVAL)?;
        // More than the machine has.
        refuses("ram_limit", &[b"1T", b"16777215T"], EINVAL)
    }

    #[test]
    fn ram_limit_takes_sizes() -> Result {
        let before = read("ram_limit")?;
        takes("ram_limit", b"0", b"0\n")?;
        takes("ram_limit", b"3k", b"3072\n")?;
        takes("ram_limit", b"8M\n", b"8388608\n")?;
        write("ram_limit", &before)
    }

    #[test]
    fn comp_algorithm_takes_the_two() -> Result {
        refuses(
            "comp_algorithm",
            &[b"lzo", b"lz", b"lz4hc", b"\n", b"zstd lz4", b"lz4\0"],
            EINVAL,
        )?;
        takes("comp_algorithm", b"zstd\n", b"lz4 [zstd]\n")?;
        takes("comp_algorithm", b"lz4", b"[lz4] zstd\n")
    }

    #[test]
    fn watermarks_stay_apart() -> Result {
        let no_percentages: &[&[u8]] = &[b"\n", b"0", b"101", b"-1", b"5%", b"1.5", b"many"];
        refuses("high_watermark", no_percentages, EINVAL)?;
        refuses("low_watermark", no_percentages, EINVAL)?;
        let (low, high) = (read("low_watermark")?, read("high_watermark")?);
        refuses("low_watermark", &[&high], EINVAL)?;
        refuses("high_watermark", &[&low], EINVAL)?;
        takes("low_watermark", b"1", b"1\n")?;
        takes("high_watermark", b"2", b"2\n")?;
        refuses("low_watermark", &[b"2", b"3"], EINVAL)?;
        takes("high_watermark", b"100", b"100\n")?;
        write("low_watermark", &low)?;
        write("high_watermark", &high)
    }

    #[test]
    fn writeback_limit_is_a_size() -> Result {
        refuses("writeback_limit", NO_SIZES, EINVAL)?;
        takes("writeback_limit", b"1G", b"1073741824\n")?;
        takes("writeback_limit", b"0", b"0\n")
    }

    #[test]
    fn movers_want_an_age() -> Result {
        let no_ages: &[&[u8]] = &[b"\n", b"-1", b"al", b"all 5", b"1.5", b"4294967296"];
        refuses_unseen("writeback", no_ages, EINVAL)?;
        refuses_unseen("recompress", no_ages, EINVAL)?;
        write("recompress", b"all")?;
        write("recompress", b"4294967295")
    }

    #[test]
    fn tier_add_wants_a_disk() -> Result {
        let mut long = KVec::from_elem(b'a', 300, GFP_KERNEL)?;
        if let Some(first) = long.first_mut() {
            *first = b'/';
        }
        refuses_unseen(
            "tier_add",
            &[
                b"\n",
                b" ",
                b"ram0",
                b"/dev/ram0 high",
                b"/dev/ram0 encrypted",
                b"/dev/ram0 integrity 1 integrity",
                b"/dev/ram0 1 2",
                b"/dev/ram0 99999999999",
                b"/dev/ra\0m0",
                b"/dev/\xff",
                &long,
            ],
            EINVAL,
        )
    }

    #[test]
    fn tier_remove_and_cancel_want_one_of_the_disks() -> Result {
        for attribute in ["tier_remove", "tier_cancel"] {
            refuses_unseen(attribute, &[b"\n", b"ram0", b"/dev/ram0 slowly"], EINVAL)?;
            refuses_unseen(attribute, &[b"/dev/ram0", b"/nowhere"], ENOENT)?;
        }
        refuses_unseen("tier_remove", &[b"/dev/ram0 force"], ENOENT)?;
        refuses_unseen("tier_cancel", &[b"/dev/ram0 force"], EINVAL)
    }

    /// Paths are looked up in the writer's root, so this calls the attribute's function directly.
    #[test]
    fn disks_that_can_not_be_used_are_refused() -> Result {
        let device = pages::device(16)?;
        for (path, error) in [
            (c"/dev/nowhere", ENOENT),
            (c"/dev/null", ENOTBLK),
            (c"/dev", ENOTBLK),
            (c"/dev/null/x", ENOTDIR),
            (c"", EINVAL),
            (SMALL, EINVAL),
        ] {
            ensure_eq!(pages::add(&device, path, 0), Err(error));
            ensure!(device.disks().are_none());
        }
        pages::add(&device, SYNCHRONOUS, 0)?;
        ensure_eq!(pages::add(&device, SYNCHRONOUS, 0), Err(EEXIST));
        // Another device has it.
        let other = pages::device(16)?;
        ensure_eq!(pages::add(&other, SYNCHRONOUS, 0), Err(EBUSY));
        pages::add(&other, HALF, 0)?;
        drop(device);
        pages::add(&other, SYNCHRONOUS, 0)
    }

    #[test]
    fn files_that_are_only_one_way_are_so() -> Result {
        for attribute in [
            "tier_add",
            "tier_remove",
            "tier_cancel",
            "writeback",
            "recompress",
        ] {
            ensure_eq!(File::open(&path(attribute)?, READ).map(drop), Err(EACCES));
        }
        for attribute in ["stat", "tiers"] {
            ensure_eq!(File::open(&path(attribute)?, WRITE).map(drop), Err(EACCES));
        }
        Ok(())
    }

    #[test]
    fn stat_has_a_number_a_line() -> Result {
        let text = read("stat")?;
        ensure!(text.len() > 100 && text.last() == Some(&b'\n'));
        for line in text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let mut words = line.split(|byte| *byte == b' ');
            let (name, value) = (words.next(), words.next());
            ensure!(name.is_some_and(|name| !name.is_empty()));
            ensure!(value.is_some_and(|value| value.iter().all(u8::is_ascii_digit)));
            ensure!(words.next().is_none());
        }
        Ok(())
    }
}
