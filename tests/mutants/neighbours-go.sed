# SPDX-License-Identifier: GPL-2.0-only
# what: pages of a failed piece are not read again one by one
# file: src/drain.rs
# test: drain
s/^                if !read\.wait()\.is_none() {$/                if !read.wait().is_none() || true {/
