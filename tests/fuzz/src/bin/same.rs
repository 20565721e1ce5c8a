// SPDX-License-Identifier: GPL-2.0-only
//! The target `same`.

#![cfg_attr(fuzzing, no_main)]

vswap_fuzz::program!(same);
