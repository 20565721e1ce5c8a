// SPDX-License-Identifier: GPL-2.0-only

//! KUnit suites for the wrappers of the kernel and the code built on them. They run when the
//! module is loaded, with the device `/dev/vswap0` there, and nothing swapped on. If the
//! kernel has no KUnit, the module [runs](run) them itself (`kunit/plain`).
//!
//! Cases use real objects: devices of their own, and the disks that `tests/guest/kunit.sh` makes.
//! A case must drop all it has made, however it ends: so it returns an error where it
//! fails, and does not stop in place, as KUnit's `assert!` would.

/// Fails the case unless the condition holds, and prints the condition.
macro_rules! ensure {
    ($condition:expr) => {
        if !$condition {
            kernel::pr_err!(
                "    # {}:{}: does not hold: {}\n",
                file!(),
                line!(),
                stringify!($condition)
            );
            return Err(kernel::error::code::EINVAL);
        }
    };
}

/// Fails the case unless both are equal, and prints both.
macro_rules! ensure_eq {
    ($left:expr, $right:expr) => {
        match (&$left, &$right) {
            (left, right) => {
                if left != right {
                    kernel::pr_err!(
                        "    # {}:{}: {} is {:?}, not {:?}\n",
                        file!(),
                        line!(),
                        stringify!($left),
                        left,
                        right
                    );
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
mod limits;
mod packed;
mod pages;
mod readers;
mod sysfs;
mod transfer;
mod writeback;
mod zsmalloc;

/// A suite's name, and the names and functions of its cases.
#[cfg(not(CONFIG_KUNIT))]
pub(crate) type Suite = (
    &'static str,
    &'static [(&'static str, fn() -> kernel::error::Result)],
);

/// Runs suites, one case after the other, and prints their verdicts in KUnit's format.
#[cfg(not(CONFIG_KUNIT))]
pub(crate) fn run(suites: &[Suite]) {
    for (suite, cases) in suites {
        kernel::pr_info!("    # Subtest: {}\n", suite);
        kernel::pr_info!("    1..{}\n", cases.len());
        for (number, (name, case)) in (1..).zip(*cases) {
            let verdict = if case().is_ok() { "ok" } else { "not ok" };
            kernel::pr_info!("    {} {} {}\n", verdict, number, name);
        }
    }
}
