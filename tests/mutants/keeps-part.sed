# SPDX-License-Identifier: GPL-2.0-only
# what: a store that fails leaves what it stored so far
# file: src/device.rs
# test: limit
/if result.is_err()/,/^        }/s/self\.free(slot\.slot());/let _ = slot;/
