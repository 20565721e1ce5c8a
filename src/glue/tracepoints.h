/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: what happens to pages, one event for a single page, otherwise one a cluster.
 * docs/tracing.md shows how to use them.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vswap

#if !defined(VSWAP_TRACEPOINTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define VSWAP_TRACEPOINTS_H

#include <linux/tracepoint.h>

#define VSWAP_TIER_SAME 0
#define VSWAP_TIER_RAM 1
#define VSWAP_TIER_LOST 2
#define VSWAP_TIER_DISK 16

#ifndef vswap_tier_names
#define vswap_tier_names \
	{ VSWAP_TIER_SAME, "same" }, { VSWAP_TIER_RAM, "ram" }, { VSWAP_TIER_LOST, "lost" }, \
	{ VSWAP_TIER_DISK, "disk0" }, { VSWAP_TIER_DISK + 1, "disk1" }, \
	{ VSWAP_TIER_DISK + 2, "disk2" }, { VSWAP_TIER_DISK + 3, "disk3" }, \
	{ VSWAP_TIER_DISK + 4, "disk4" }, { VSWAP_TIER_DISK + 5, "disk5" }, \
	{ VSWAP_TIER_DISK + 6, "disk6" }, { VSWAP_TIER_DISK + 7, "disk7" }
#endif

DECLARE_EVENT_CLASS(vswap_page,

	TP_PROTO(unsigned int slot, unsigned int tier, unsigned int bytes),

	TP_ARGS(slot, tier, bytes),

	TP_STRUCT__entry(
		__field(unsigned int, slot)
		__field(unsigned int, tier)
		__field(unsigned int, bytes)
	),

	TP_fast_assign(
		__entry->slot = slot;
		__entry->tier = tier;
		__entry->bytes = bytes;
	),

	TP_printk("slot=%u tier=%s bytes=%u", __entry->slot,
		  __print_symbolic(__entry->tier, vswap_tier_names), __entry->bytes)
);

/* A page was stored: in which tier, and in how many bytes. */
DEFINE_EVENT(vswap_page, vswap_store,
	TP_PROTO(unsigned int slot, unsigned int tier, unsigned int bytes),
	TP_ARGS(slot, tier, bytes)
);

/* A page was found where it lies, and is read from there. */
DEFINE_EVENT(vswap_page, vswap_load,
	TP_PROTO(unsigned int slot, unsigned int tier, unsigned int bytes),
	TP_ARGS(slot, tier, bytes)
);

/* A page found no room, or no memory, and stays in memory. */
TRACE_EVENT(vswap_store_failed,

	TP_PROTO(unsigned int slot),

	TP_ARGS(slot),

	TP_STRUCT__entry(
		__field(unsigned int, slot)
	),

	TP_fast_assign(
		__entry->slot = slot;
	),

	TP_printk("slot=%u", __entry->slot)
);

DECLARE_EVENT_CLASS(vswap_cluster,

	TP_PROTO(unsigned int cluster, unsigned int pages, int error),

	TP_ARGS(cluster, pages, error),

	TP_STRUCT__entry(
		__field(unsigned int, cluster)
		__field(unsigned int, pages)
		__field(int, error)
	),

	TP_fast_assign(
		__entry->cluster = cluster;
		__entry->pages = pages;
		__entry->error = error;
	),

	TP_printk("cluster=%u pages=%u error=%d", __entry->cluster, __entry->pages,
		  __entry->error)
);

/* Pages of a cluster were written back from memory to disks. */
DEFINE_EVENT(vswap_cluster, vswap_writeback,
	TP_PROTO(unsigned int cluster, unsigned int pages, int error),
	TP_ARGS(cluster, pages, error)
);

/* Pages of a cluster were moved away from a disk that is being removed. */
DEFINE_EVENT(vswap_cluster, vswap_drain,
	TP_PROTO(unsigned int cluster, unsigned int pages, int error),
	TP_ARGS(cluster, pages, error)
);

/* A disk failed to write or read consecutive slots of its own. */
TRACE_EVENT(vswap_io_error,

	TP_PROTO(unsigned int disk, unsigned int slot, unsigned int pages, bool write),

	TP_ARGS(disk, slot, pages, write),

	TP_STRUCT__entry(
		__field(unsigned int, disk)
		__field(unsigned int, slot)
		__field(unsigned int, pages)
		__field(bool, write)
	),

	TP_fast_assign(
		__entry->disk = disk;
		__entry->slot = slot;
		__entry->pages = pages;
		__entry->write = write;
	),

	TP_printk("disk=%u physical_slot=%u pages=%u %s", __entry->disk, __entry->slot,
		  __entry->pages, __entry->write ? "write" : "read")
);

#endif /* VSWAP_TRACEPOINTS_H */

/* This part must be outside protection */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE tracepoints
#include <trace/define_trace.h>
