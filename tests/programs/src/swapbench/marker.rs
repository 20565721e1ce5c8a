// SPDX-License-Identifier: GPL-2.0-only
//! No-ops that tell `bench/plugin` what is being measured.

#[cfg(target_arch = "x86_64")]
use std::arch::asm;

/// The phase of the instructions that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Write,
    Read,
    Free,
    Swapoff,
}

/// `nopl NUMBER(%rax)`, with a number that nobody else uses.
#[cfg(target_arch = "x86_64")]
macro_rules! mark {
    ($number:literal) => {
        // SAFETY: it does nothing.
        unsafe {
            asm!(
                ".byte 0x0f, 0x1f, 0x80",
                ".long 0x56530000 + {number}",
                number = const $number,
                options(nomem, nostack, preserves_flags)
            );
        }
    };
}

/// The plugin counts on x86-64 only.
#[cfg(not(target_arch = "x86_64"))]
macro_rules! mark {
    ($number:literal) => {{}};
}

/// The next run begins, in no phase.
pub fn run() {
    mark!(0xffff);
}

/// Does the work in that phase.
pub fn within<T>(phase: Phase, work: impl FnOnce() -> T) -> T {
    match phase {
        Phase::Write => mark!(1),
        Phase::Read => mark!(2),
        Phase::Free => mark!(3),
        Phase::Swapoff => mark!(4),
    }
    let result = work();
    mark!(0);
    result
}
