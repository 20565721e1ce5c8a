// SPDX-License-Identifier: GPL-2.0-only

//! KUnit suites for the wrappers of the kernel and what is made of them. They run when the
//! module is loaded, with the device `/dev/vswap0` there, and nothing swapped on.
//!
//! Cases use real objects: devices of their own, and the disks that `tests/guest/kunit.sh` makes.
//! What a case has made is gone when it ends, however it ends: so it gives an error where it
//! fails, and does not stop where it stands, as KUnit's `assert!` would.

/// Ends a case as failed unless the condition holds, and says so.
macro_rules! ensure {
    ($condition:expr) => {
        if !$condition {
            kernel::kunit::err(kernel::prelude::fmt!(
                "    # {}:{}: does not hold: {}\n",
                file!(),
                line!(),
                stringify!($condition)
            ));
            return Err(kernel::error::code::EINVAL);
        }
    };
}

/// Ends a case as failed unless both are the same, and says what they are.
macro_rules! ensure_eq {
    ($left:expr, $right:expr) => {
        match (&$left, &$right) {
            (left, right) => {
                if left != right {
                    kernel::kunit::err(kernel::prelude::fmt!(
                        "    # {}:{}: {} is {:?}, not {:?}\n",
                        file!(),
                        line!(),
                        stringify!($left),
                        left,
                        right
                    ));
                    return Err(kernel::error::code::EINVAL);
                }
            }
        }
    };
}

mod allocator;
mod device;
mod frontend;
mod index;
mod last_used;
mod pages;
mod readers;
mod sysfs;
mod transfer;
mod zsmalloc;
