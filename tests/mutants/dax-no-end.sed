# SPDX-License-Identifier: GPL-2.0-only
# what: pages are copied beyond the end of a partition that was made smaller
# file: src/glue/helpers.c
# test: dax
s/return (slot + 1) \* sectors <= bdev_nr_sectors(bdev);/return (slot + 1) * sectors != 0;/
