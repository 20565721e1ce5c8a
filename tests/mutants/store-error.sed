# SPDX-License-Identifier: GPL-2.0-only
# what: a store that failed is reported as done
# file: src/glue/swap_ops.rs
# test: limit
s/let error = result\.map_or_else(|error| error\.to_errno(), |()| 0);/let error = result.map_or_else(|error| error.to_errno() * 0, |()| 0);/
