// SPDX-License-Identifier: GPL-2.0-only
//! The target `allocator`.

#![cfg_attr(fuzzing, no_main)]

vswap_fuzz::program!(allocator);
