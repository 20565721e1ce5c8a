# SPDX-License-Identifier: GPL-2.0-only
# what: a slot is never used again when there was no space below it
# file: src/glue/bio.rs
# test: frozen
s/VSWAP_STS_NOSPC => Some(Fault::Space)/VSWAP_STS_NOSPC => Some(Fault::Device)/
