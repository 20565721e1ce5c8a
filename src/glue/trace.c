// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints, and calls of them for Rust. */
#include <linux/types.h>

#define CREATE_TRACE_POINTS
#include "tracepoints.h"

#include "helpers.h"

void vswap_trace_store(unsigned int slot, unsigned int tier, unsigned int bytes)
{
	trace_vswap_store(slot, tier, bytes);
}

void vswap_trace_load(unsigned int slot, unsigned int tier, unsigned int bytes)
{
	trace_vswap_load(slot, tier, bytes);
}

void vswap_trace_store_failed(unsigned int slot)
{
	trace_vswap_store_failed(slot);
}

void vswap_trace_writeback(unsigned int cluster, unsigned int pages, int error)
{
	trace_vswap_writeback(cluster, pages, error);
}

void vswap_trace_drain(unsigned int cluster, unsigned int pages, int error)
{
	trace_vswap_drain(cluster, pages, error);
}

void vswap_trace_io_error(unsigned int disk, unsigned int slot, unsigned int pages, bool write)
{
	trace_vswap_io_error(disk, slot, pages, write);
}
