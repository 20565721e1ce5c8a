# SPDX-License-Identifier: GPL-2.0-only
# what: reserves for disk I/O go while requests of theirs are under way
# file: src/glue/helpers.c
# test: kunit
/percpu_ref_get(&io->users);/d
/percpu_ref_put(&io->users);/d
