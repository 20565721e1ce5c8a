# SPDX-License-Identifier: GPL-2.0-only
# What can be asked for here; the scripts do it. Kbuild, beside this file, says what the
# module is made of.

KERNEL ?=

.PHONY: module
module:
	@scripts/module $(KERNEL)
