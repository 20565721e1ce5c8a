# SPDX-License-Identifier: GPL-2.0-only
# what: what moves pages ends for good when the machine is suspended
# file: src/glue/signal.rs
# test: suspend
s/^        return Err(ERESTARTNOHAND);$/        return Err(EINTR);/
