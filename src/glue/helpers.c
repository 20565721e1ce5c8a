// SPDX-License-Identifier: GPL-2.0-only
/* See helpers.h. */
#include <linux/module.h>
#include <linux/fs_context.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/pseudo_fs.h>
#include <linux/smp.h>
#include <linux/swapops.h>
#include <linux/uio.h>

#include "helpers.h"

/*
 * The swap-out path runs inside reclaim: it neither waits for memory nor complains about
 * having none. What doesn't fit stays in memory, dirty.
 */
#define GFP_STORE (GFP_NOWAIT | __GFP_NOWARN)

#ifdef CONFIG_PREEMPT_RT
#error "vswap takes spinlocks with preemption off; PREEMPT_RT kernels are not supported"
#endif

unsigned int vswap_get_cpu(void)
{
	return get_cpu();
}

void vswap_put_cpu(void)
{
	put_cpu();
}

u64 vswap_total_ram(void)
{
	return (u64)totalram_pages() << PAGE_SHIFT;
}

/* Where slab memory, and with it a zsmalloc handle, is addressed from. */
unsigned long vswap_direct_map_base(void)
{
	return PAGE_OFFSET;
}

void *vswap_zeroed_page(void)
{
	return (void *)__get_free_page(GFP_STORE | __GFP_ZERO);
}

void vswap_copy_page(void *to, void *from)
{
	copy_page(to, from);
}

unsigned long vswap_zs_malloc(struct zs_pool *pool, size_t size)
{
	unsigned long handle = zs_malloc(pool, size, GFP_STORE | __GFP_HIGHMEM | __GFP_MOVABLE,
					 numa_node_id());

	return IS_ERR_VALUE(handle) ? 0 : handle;
}

struct kmem_cache *vswap_typesafe_cache(const char *name, unsigned int size,
					void (*ctor)(void *object))
{
	return kmem_cache_create(name, size, SMP_CACHE_BYTES, SLAB_TYPESAFE_BY_RCU, ctor);
}

void *vswap_typesafe_alloc(struct kmem_cache *cache)
{
	return kmem_cache_alloc(cache, GFP_STORE);
}

int vswap_xa_insert(struct xarray *xa, unsigned long index, void *entry)
{
	return xa_insert(xa, index, entry, GFP_STORE);
}

void *vswap_bvec_folio(const struct bio_vec *bvec, unsigned long *slot)
{
	struct folio *folio = bvec_folio(bvec);

	*slot = swp_offset(folio->swap);
	return folio_address(folio);
}

void vswap_io_complete(struct swap_io_ctx *ctx, int rw, int error)
{
	struct kiocb *iocb = &ctx->sio->iocb;
	struct iov_iter iter;

	swap_fs_prepare_rw(ctx, rw, &iter);
	iocb->ki_complete(iocb, error ? error : ctx->sio->len);
}

struct gendisk *vswap_disk_add(const char *name, void *private,
			       const struct block_device_operations *ops)
{
	/*
	 * Stable writes: a page is not written to while it is being compressed. Synchronous:
	 * swap-in skips readahead and gives the slot up at once, as memory deserves.
	 */
	struct queue_limits limits = {
		.features = BLK_FEAT_STABLE_WRITES | BLK_FEAT_SYNCHRONOUS,
	};
	struct gendisk *disk = blk_alloc_disk(&limits, NUMA_NO_NODE);
	int error;

	if (IS_ERR(disk))
		return disk;
	disk->flags |= GENHD_FL_HIDDEN | GENHD_FL_NO_PART;
	disk->fops = ops;
	disk->private_data = private;
	strscpy(disk->disk_name, name, sizeof(disk->disk_name));
	error = add_disk(disk);
	if (error) {
		put_disk(disk);
		return ERR_PTR(error);
	}
	return disk;
}

void vswap_disk_remove(struct gendisk *disk)
{
	del_gendisk(disk);
	put_disk(disk);
}

void vswap_bio_fail(struct bio *bio)
{
	bio_io_error(bio);
}

static int vswap_init_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, 0x76737770) ? 0 : -ENOMEM;
}

/*
 * No owner: the internal mount would hold a reference on the module for as long as it exists,
 * and it exists until the module is unloaded.
 */
static struct file_system_type vswap_fs = {
	.name = "vswap",
	.init_fs_context = vswap_init_fs_context,
	.kill_sb = kill_anon_super,
};

static struct vfsmount *vswap_mount;
static int vswap_mount_count;

struct inode *vswap_inode_new(void *private,
			      const struct address_space_operations *ops,
			      loff_t bytes)
{
	struct inode *inode;
	int error = simple_pin_fs(&vswap_fs, &vswap_mount, &vswap_mount_count);

	if (error)
		return ERR_PTR(error);
	inode = alloc_anon_inode(vswap_mount->mnt_sb);
	if (IS_ERR(inode)) {
		simple_release_fs(&vswap_mount, &vswap_mount_count);
		return inode;
	}
	inode->i_private = private;
	inode->i_mapping->a_ops = ops;
	i_size_write(inode, bytes);
	return inode;
}

void vswap_inode_free(struct inode *inode)
{
	iput(inode);
	simple_release_fs(&vswap_mount, &vswap_mount_count);
}

/*
 * swapon holds the inode's lock from reading the header until the inode is marked: with the
 * lock held, an inode that isn't marked is not about to be.
 */
int vswap_inode_lock_unused(struct inode *inode)
{
	inode_lock(inode);
	if (!IS_SWAPFILE(inode))
		return 0;
	inode_unlock(inode);
	return -EBUSY;
}

void vswap_inode_resize(struct inode *inode, loff_t bytes)
{
	truncate_inode_pages(inode->i_mapping, 0);
	i_size_write(inode, bytes);
}

void vswap_inode_unlock(struct inode *inode)
{
	inode_unlock(inode);
}

void *vswap_folio_page(struct folio *folio, unsigned long *index)
{
	*index = folio->index;
	return folio_address(folio);
}

void vswap_folio_read(struct folio *folio)
{
	folio_end_read(folio, true);
}

struct cdev *vswap_inode_cdev(struct inode *inode)
{
	return inode->i_cdev;
}
