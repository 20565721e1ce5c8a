# SPDX-License-Identifier: GPL-2.0-only
# what: the index forgets to take a slot's mark away when a page is stored in it
# file: src/engine/index/mod.rs
# test: models sweep
/^        locked\.freed()\.unmark(slot\.offset());$/{
N
s/.*\n\(        locked\.touch\)/\1/
}
