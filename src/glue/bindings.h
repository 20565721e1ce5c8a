/* SPDX-License-Identifier: GPL-2.0-only */
/* The input of bindgen: headers that rust/kernel does not bind, and the module's own helpers. */
#include <linux/swap.h>
#include <linux/swap_ops.h>
#include <linux/zsmalloc.h>
#include <linux/lz4.h>
#include <linux/zstd.h>
#include "helpers.h"
#ifdef VSWAP_KUNIT
#include "../../kunit/helpers.h"
#endif
