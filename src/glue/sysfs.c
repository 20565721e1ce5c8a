// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's attributes. Bindgen numbers the unnamed unions of their types, so Rust has no lasting
 * name for what is in them. See helpers.h.
 */
#include <linux/device.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "helpers.h"

struct vswap_attribute {
	struct device_attribute file;
	const void *data;
};

/* The group's list, and the list of groups, end with a null pointer. */
struct vswap_attributes {
	struct attribute_group group;
	const struct attribute_group *groups[2];
	struct attribute **list;
	size_t most, count;
	struct vswap_attribute each[] __counted_by(most);
};

struct vswap_attributes *vswap_attributes_new(size_t most)
{
	struct vswap_attributes *all = kzalloc(struct_size(all, each, most), GFP_KERNEL);

	if (!all)
		return NULL;
	all->most = most;
	all->list = kcalloc(size_add(most, 1), sizeof(*all->list), GFP_KERNEL);
	if (!all->list) {
		kfree(all);
		return NULL;
	}
	all->group.attrs = all->list;
	all->groups[0] = &all->group;
	return all;
}

void vswap_attributes_free(struct vswap_attributes *all)
{
	kfree(all->list);
	kfree(all);
}

void vswap_attributes_add(struct vswap_attributes *all, const char *name, umode_t mode,
			  vswap_show_t *show, vswap_store_t *store, const void *data)
{
	struct vswap_attribute *attribute;

	if (all->count == all->most)
		return;
	attribute = &all->each[all->count];
	sysfs_attr_init(&attribute->file.attr);
	attribute->file.attr.name = name;
	attribute->file.attr.mode = mode;
	attribute->file.show = show;
	attribute->file.store = store;
	attribute->data = data;
	all->list[all->count++] = &attribute->file.attr;
}

const struct attribute_group **vswap_attributes_groups(struct vswap_attributes *all)
{
	return all->groups;
}

const void *vswap_attribute_data(const struct device_attribute *file)
{
	return container_of_const(file, struct vswap_attribute, file)->data;
}
