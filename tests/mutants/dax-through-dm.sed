# SPDX-License-Identifier: GPL-2.0-only
# what: pages are copied to the memory behind the device mapper
# file: src/glue/helpers.c
# test: dax
s/if (!disk_to_dev(bdev->bd_disk)->parent)/if (!bdev->bd_disk)/
