// SPDX-License-Identifier: GPL-2.0-only
/* A shrinker, a notifier of the OOM killer, and the count of free slots. See helpers.h. */
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include "helpers.h"

/* Takes free slots out of the kernel's count, which does not fall below 0. Says how many. */
long vswap_take_swap_slots(long most)
{
	long counted = atomic_long_read(&nr_swap_pages), taken;

	do {
		taken = clamp(counted, 0L, most);
	} while (taken && !atomic_long_try_cmpxchg(&nr_swap_pages, &counted, counted - taken));
	return taken;
}

void vswap_give_swap_slots(long slots)
{
	if (slots)
		atomic_long_add(slots, &nr_swap_pages);
}

long vswap_swap_slots(void)
{
	return atomic_long_read(&nr_swap_pages);
}

/* The swap core uses bits of the counter for itself. */
long vswap_area_free_slots(struct swap_info_struct *sis)
{
	const long used = atomic_long_read(&sis->inuse_pages) & (BIT(BITS_PER_LONG - 2) - 1);

	return (long)sis->pages - used;
}

bool vswap_area_is_synchronous(struct swap_info_struct *sis)
{
	return READ_ONCE(sis->flags) & SWP_SYNCHRONOUS_IO;
}

/*
 * The swap core reads the flag when it begins an operation, and again later; each step does the
 * right thing whatever the others read. If it changes another flag meanwhile, this change may be
 * lost, and nothing else.
 */
void vswap_area_set_synchronous(struct swap_info_struct *sis, bool synchronous)
{
	if (vswap_area_is_synchronous(sis) != synchronous)
		assign_bit(const_ilog2(SWP_SYNCHRONOUS_IO), &sis->flags, synchronous);
}

struct vswap_pressure {
	struct vswap_pressure_ops ops;
	void *data;
	struct shrinker *shrinker;
	struct notifier_block oom;
};

static unsigned long vswap_pressure_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct vswap_pressure *pressure = shrinker->private_data;

	return pressure->ops.count(pressure->data);
}

static_assert(SHRINK_STOP == ULONG_MAX);

static unsigned long vswap_pressure_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct vswap_pressure *pressure = shrinker->private_data;
	unsigned long freed = pressure->ops.scan(pressure->data, sc->nr_to_scan);

	/* Reclaim ignores the return value, and would consider itself failed. */
	if (freed != SHRINK_STOP)
		mm_account_reclaimed_pages(freed);
	return freed;
}

static int vswap_pressure_oom(struct notifier_block *block, unsigned long action, void *freed)
{
	struct vswap_pressure *pressure = container_of(block, struct vswap_pressure, oom);

	*(unsigned long *)freed += pressure->ops.last(pressure->data);
	return NOTIFY_OK;
}

struct vswap_pressure *vswap_pressure_new(const char *name, const struct vswap_pressure_ops *ops,
					  void *data)
{
	struct vswap_pressure *pressure = kzalloc(sizeof(*pressure), GFP_KERNEL);

	if (!pressure)
		return NULL;
	pressure->ops = *ops;
	pressure->data = data;
	pressure->shrinker = shrinker_alloc(0, "%s", name);
	if (!pressure->shrinker)
		goto free;
	pressure->shrinker->count_objects = vswap_pressure_count;
	pressure->shrinker->scan_objects = vswap_pressure_scan;
	/*
	 * A page of the pool holds about three pages, each of which costs a write, and a read when
	 * it is needed again.
	 */
	pressure->shrinker->seeks = 8 * DEFAULT_SEEKS;
	pressure->shrinker->private_data = pressure;
	pressure->oom.notifier_call = vswap_pressure_oom;
	if (register_oom_notifier(&pressure->oom))
		goto free_shrinker;
	shrinker_register(pressure->shrinker);
	return pressure;

free_shrinker:
	shrinker_free(pressure->shrinker);
free:
	kfree(pressure);
	return NULL;
}

void vswap_pressure_free(struct vswap_pressure *pressure)
{
	unregister_oom_notifier(&pressure->oom);
	shrinker_free(pressure->shrinker);
	kfree(pressure);
}
