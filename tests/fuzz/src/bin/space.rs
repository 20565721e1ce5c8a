// SPDX-License-Identifier: GPL-2.0-only
//! The target `space`.

#![cfg_attr(fuzzing, no_main)]

vswap_fuzz::program!(space);
