// SPDX-License-Identifier: GPL-2.0-only
/* A shrinker, and a notifier of the OOM killer. See helpers.h. */
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include "helpers.h"

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

static unsigned long vswap_pressure_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct vswap_pressure *pressure = shrinker->private_data;
	unsigned long freed = 0;
	bool go_on = pressure->ops.scan(pressure->data, sc->nr_to_scan, &freed);

	/* Reclaim does not look at what is returned, and takes itself for failed. */
	mm_account_reclaimed_pages(freed);
	return go_on ? freed : SHRINK_STOP;
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
	 * A page of the pool holds some three pages, each of which costs a write, and a read when
	 * it is wanted back; and there is no second chance, which spares zswap half of that.
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
