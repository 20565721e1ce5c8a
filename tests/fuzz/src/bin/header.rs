// SPDX-License-Identifier: GPL-2.0-only
//! The target `header`.

#![cfg_attr(fuzzing, no_main)]

vswap_fuzz::program!(header);
