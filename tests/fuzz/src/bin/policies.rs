// SPDX-License-Identifier: GPL-2.0-only
//! The target `policies`.

#![cfg_attr(fuzzing, no_main)]

vswap_fuzz::program!(policies);
