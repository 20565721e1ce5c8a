# SPDX-License-Identifier: GPL-2.0-only
# what: threads of the kernel wait for room
# file: src/glue/helpers.c
# test: kunit
s/PF_KTHREAD | PF_LOCAL/PF_LOCAL/
