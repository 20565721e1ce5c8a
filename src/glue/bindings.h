/* SPDX-License-Identifier: GPL-2.0-only */
/* What bindgen reads: the headers that rust/kernel does not bind, and our own helpers. */
#include <linux/swap.h>
#include <linux/swap_ops.h>
#include <linux/zsmalloc.h>
#include <linux/lz4.h>
#include <linux/zstd.h>
#include "helpers.h"
#ifdef VSWAP_KUNIT
#include "../../kunit/helpers.h"
#endif
