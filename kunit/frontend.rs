// SPDX-License-Identifier: GPL-2.0-only

//! The module's own node, and the disk and the mapping behind it.

use kernel::macros::kunit_tests;

#[kunit_tests(vswap_frontend)]
mod cases {
    use crate::engine::page::PAGE_SIZE;
    use crate::glue::gendisk::Disk;
    use crate::glue::kunit::{used_for_a_while, OpenNode, UserPage};
    use crate::kunit::pages;
    use kernel::prelude::*;

    const SEEK_SET: i32 = 0;
    const SEEK_END: i32 = 2;
    const BLKGETSIZE: u32 = 0x1260;
    const BLKDISCARD: u32 = 0x1277;

    fn size(node: &OpenNode) -> Result<usize> {
        node.seek(0, SEEK_END)
    }

    #[test]
    fn the_hidden_disk_stays_as_long_as_somebody_has_it() -> Result {
        let disk = Disk::new(c"vswap_kunit", pages::device(0)?)?;
        let is_over = used_for_a_while(&disk);
        drop(disk);
        ensure!(is_over());
        Ok(())
    }

    #[test]
    fn it_is_not_written_to() -> Result {
        ensure_eq!(OpenNode::new()?.write(b"x"), Err(EINVAL));
        Ok(())
    }

    #[test]
    fn it_is_not_mapped() -> Result {
        let page = UserPage::new()?;
        ensure_eq!(OpenNode::new()?.map(&page), Err(ENODEV));
        Ok(())
    }

    #[test]
    fn its_size_is_all_that_can_be_asked_for() -> Result {
        let (node, page) = (OpenNode::new()?, UserPage::new()?);
        for command in [0, BLKGETSIZE, BLKDISCARD, u32::MAX] {
            ensure_eq!(node.ioctl(command, page.address()), Err(ENOTTY));
        }
        ensure_eq!(node.ioctl(OpenNode::GET_SIZE, 0), Err(EFAULT));
        ensure_eq!(node.ioctl(OpenNode::GET_SIZE, page.address()), Ok(0));
        let mut bytes = [0; 8];
        page.get(&mut bytes)?;
        ensure_eq!(usize::from_ne_bytes(bytes), size(&node)?);
        Ok(())
    }

    #[test]
    fn seeking_ends_with_the_device() -> Result {
        let node = OpenNode::new()?;
        let end = i64::try_from(size(&node)?)?;
        ensure_eq!(node.seek(end, SEEK_SET), Ok(size(&node)?));
        ensure_eq!(node.seek(end + 1, SEEK_SET), Err(EINVAL));
        ensure_eq!(node.seek(-1, SEEK_SET), Err(EINVAL));
        ensure_eq!(node.seek(1, SEEK_END), Err(EINVAL));
        ensure_eq!(node.seek(0, 77), Err(EINVAL));
        Ok(())
    }

    #[test]
    fn reading_gives_the_header_and_zeros() -> Result {
        let (node, page) = (OpenNode::new()?, UserPage::new()?);
        let end = i64::try_from(size(&node)?)?;
        let mut bytes = KVec::from_elem(0u8, PAGE_SIZE, GFP_KERNEL)?;
        ensure_eq!(node.read(page.address(), PAGE_SIZE, 0), Ok(PAGE_SIZE));
        page.get(&mut bytes)?;
        ensure_eq!(bytes.get(4086..), Some(&b"SWAPSPACE2"[..]));
        // Up to the end of the page and of the device.
        ensure_eq!(node.read(page.address(), PAGE_SIZE, 4090), Ok(6));
        ensure_eq!(node.read(page.address(), PAGE_SIZE, 8000), Ok(192));
        ensure_eq!(node.read(page.address(), PAGE_SIZE, end - 1), Ok(1));
        for position in [end, end + 1, i64::MAX] {
            ensure_eq!(node.read(page.address(), PAGE_SIZE, position), Ok(0));
        }
        ensure_eq!(node.read(page.address(), 0, 0), Ok(0));
        ensure_eq!(node.read(page.address(), PAGE_SIZE, 4096), Ok(PAGE_SIZE));
        page.get(&mut bytes)?;
        ensure!(bytes.iter().all(|byte| *byte == 0));
        Ok(())
    }

    #[test]
    fn reading_to_nowhere_is_refused() -> Result {
        let node = OpenNode::new()?;
        let _page = UserPage::new()?;
        ensure_eq!(node.read(0, 16, 0), Err(EFAULT));
        ensure_eq!(node.read(usize::MAX - 4096, 16, 0), Err(EFAULT));
        ensure_eq!(node.read(0, 16, -1), Err(EINVAL));
        ensure_eq!(node.read(0, 16, i64::MIN), Err(EINVAL));
        Ok(())
    }

    #[test]
    fn swapon_finds_a_header() -> Result {
        let node = OpenNode::new()?;
        let mut page = KBox::new([0u8; PAGE_SIZE], GFP_KERNEL)?;
        node.page(0, &mut page)?;
        ensure_eq!(page.get(4086..), Some(&b"SWAPSPACE2"[..]));
        let word = |at: usize| {
            let bytes = page.get(at..at + 4)?;
            Some(u32::from_ne_bytes(bytes.try_into().ok()?))
        };
        ensure_eq!(word(1024), Some(1));
        let pages = u32::try_from(size(&node)? / PAGE_SIZE)?;
        ensure_eq!(word(1028), Some(pages - 1));
        let mut other = KBox::new([1u8; PAGE_SIZE], GFP_KERNEL)?;
        node.page(1, &mut other)?;
        ensure!(other.iter().all(|byte| *byte == 0));
        Ok(())
    }

    #[test]
    fn its_disk_fails_all_io() -> Result {
        ensure_eq!(OpenNode::new()?.read_hidden_disk(), Err(EIO));
        Ok(())
    }
}
