// SPDX-License-Identifier: GPL-2.0-only
//! The target `parsers`.

#![cfg_attr(fuzzing, no_main)]

vswap_fuzz::program!(parsers);
