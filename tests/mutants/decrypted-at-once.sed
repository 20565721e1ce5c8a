# SPDX-License-Identifier: GPL-2.0-only
# what: pages are decrypted in hard interrupts
# file: src/glue/helpers.c
# test: kunit
s/^\tif (!in_hardirq() && !irqs_disabled())$/\tif (io)/
