# SPDX-License-Identifier: GPL-2.0-only
# what: the module goes while somebody still has its hidden disk
# file: src/glue/helpers.c
# test: kunit
s/^\tDECLARE_COMPLETION_ONSTACK(released);$/\tstatic DECLARE_COMPLETION(released);/
s/^\twait_for_completion(&released);$//
