# SPDX-License-Identifier: GPL-2.0-only
# what: a mover writes the first page of a run to all of its places on a disk that is memory
# file: src/glue/helpers.c
# test: writeback
s/copy_page(to + done \* PAGE_SIZE, pages\[done\]);/copy_page(to + done * PAGE_SIZE, pages[0]);/
