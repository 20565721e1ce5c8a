// SPDX-License-Identifier: GPL-2.0-only
/* See helpers.h. */
#if IS_ENABLED(CONFIG_KUNIT)
#include <kunit/test.h>
#include <kunit/test-bug.h>
#endif
#include <linux/anon_inodes.h>
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/file.h>
#include <linux/fs_struct.h>
#include <linux/gfp.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/swapops.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "helpers.h"

struct fs_struct *vswap_kunit_paths_begin(void)
{
	return __override_init_fs();
}

void vswap_kunit_paths_end(struct fs_struct *old)
{
	__revert_init_fs(old);
}

struct file *vswap_kunit_open(const char *path, int flags)
{
	struct file *file;

	scoped_with_init_fs()
		file = filp_open(path, flags, 0);
	return file;
}

/* A worker puts a kernel thread's last reference; this waits for it. */
void vswap_kunit_close(struct file *file)
{
	fput(file);
	flush_delayed_fput();
}

ssize_t vswap_kunit_write(struct file *file, const void *bytes, size_t length)
{
	loff_t position = 0;

	return kernel_write(file, bytes, length, &position);
}

ssize_t vswap_kunit_read(struct file *file, void *bytes, size_t length)
{
	loff_t position = 0;

	return kernel_read(file, bytes, length, &position);
}

struct vswap_kunit_call {
	struct swap_iocb sio;
	struct swap_io_ctx ctx;
	struct swap_info_struct area;
	struct completion done;
	long result;
	unsigned int folios;
};

static const struct file_operations vswap_kunit_no_ops = {
	.owner = THIS_MODULE,
};

void vswap_kunit_call_free(struct vswap_kunit_call *call)
{
	unsigned int i;

	for (i = 0; i < call->folios; i++) {
		struct folio *folio = bvec_folio(&call->sio.bvecs[i]);

		folio->swap.val = 0;
		folio_put(folio);
	}
	if (call->area.swap_file)
		fput(call->area.swap_file);
	kfree(call);
}

/* A call uses only the area's file. */
struct vswap_kunit_call *vswap_kunit_call_new(unsigned int slot, unsigned int folios,
					      unsigned int order)
{
	struct vswap_kunit_call *call = kzalloc(sizeof(*call), GFP_KERNEL);
	struct file *file;
	unsigned int i;

	if (!call)
		return NULL;
	call->ctx.sio = &call->sio;
	call->ctx.sis = &call->area;
	file = anon_inode_getfile("[vswap-kunit]", &vswap_kunit_no_ops, NULL, O_RDWR);
	if (IS_ERR(file))
		goto failed;
	call->area.swap_file = file;
	for (i = 0; i < folios && i < SWAP_CLUSTER_MAX; i++) {
		struct folio *folio = folio_alloc(GFP_KERNEL | __GFP_ZERO, order);

		if (!folio)
			goto failed;
		folio->swap = swp_entry(0, slot + (i << order));
		bvec_set_folio(&call->sio.bvecs[i], folio, folio_size(folio), 0);
		call->folios++;
		call->sio.nr_bvecs++;
		call->sio.len += folio_size(folio);
	}
	return call;

failed:
	vswap_kunit_call_free(call);
	return NULL;
}

struct swap_io_ctx *vswap_kunit_call_ctx(struct vswap_kunit_call *call)
{
	return &call->ctx;
}

/* Turns it into a call that the swap core never makes. Says whether there is such a way. */
bool vswap_kunit_call_spoil(struct vswap_kunit_call *call, unsigned int how)
{
	struct swap_iocb *sio = &call->sio;
	struct bio_vec *last = &sio->bvecs[call->folios - 1];
	struct folio *folio = bvec_folio(last);

	switch (how) {
	case 0: /* slots beyond the last possible one */
		folio->swap = swp_entry(0, 1UL << 32);
		break;
	case 1: /* only the last one, of a large folio */
		folio->swap = swp_entry(0, 2UL + U32_MAX - folio_nr_pages(folio));
		break;
	case 2: /* no page at all */
		last->bv_len = 0;
		sio->len -= folio_size(folio);
		break;
	case 3: /* a part of a page, after others if the folio is large */
		last->bv_len -= SECTOR_SIZE;
		sio->len -= SECTOR_SIZE;
		break;
	case 4: /* pages that don't begin at a page's start */
		last->bv_offset = SECTOR_SIZE;
		break;
	case 5: /* fewer folios than bytes */
		sio->nr_bvecs--;
		break;
	case 6: /* more folios than there is room for */
		sio->nr_bvecs = ARRAY_SIZE(sio->bvecs) + 1;
		break;
	case 7: /* fewer than none */
		sio->nr_bvecs = -1;
		break;
	case 8: /* more bytes than folios */
		sio->len += PAGE_SIZE;
		break;
	default:
		return false;
	}
	return true;
}

static void vswap_kunit_call_ended(struct kiocb *iocb, long result)
{
	struct vswap_kunit_call *call = container_of(iocb, struct vswap_kunit_call, sio.iocb);

	call->result = result;
	complete(&call->done);
}

/* Directs the answer here, and not to the swap core, where the call's creation directed it. */
void vswap_kunit_call_begin(struct vswap_kunit_call *call)
{
	init_completion(&call->done);
	call->sio.iocb.ki_complete = vswap_kunit_call_ended;
}

/* 0, or the error; EOVERFLOW when the answer has another length. */
int vswap_kunit_call_wait(struct vswap_kunit_call *call)
{
	wait_for_completion(&call->done);
	if (call->result < 0)
		return call->result;
	return call->result == call->sio.len ? 0 : -EOVERFLOW;
}

void *vswap_kunit_call_page(struct vswap_kunit_call *call, unsigned int index)
{
	unsigned int i;

	for (i = 0; i < call->folios; i++) {
		struct folio *folio = bvec_folio(&call->sio.bvecs[i]);

		if (index < folio_nr_pages(folio))
			return folio_address(folio) + index * PAGE_SIZE;
		index -= folio_nr_pages(folio);
	}
	return NULL;
}

int vswap_kunit_run_on(unsigned int cpu)
{
	return set_cpus_allowed_ptr(current, cpumask_of(cpu));
}

void vswap_kunit_run_anywhere(void)
{
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

int vswap_kunit_cpu_up(unsigned int cpu)
{
	return add_cpu(cpu);
}

int vswap_kunit_cpu_down(unsigned int cpu)
{
	return remove_cpu(cpu);
}

/*
 * A page of a process's memory, 0 when there is none. It is freed with the case, or without
 * KUnit, with insmod.
 */
unsigned long vswap_kunit_user_page(void)
{
	unsigned long address;
#if IS_ENABLED(CONFIG_KUNIT)
	struct kunit *test = kunit_get_current_test();

	if (!test || (!current->mm && kunit_attach_mm()))
		return 0;
	address = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
				MAP_ANONYMOUS | MAP_PRIVATE, 0);
#else
	address = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_ANONYMOUS | MAP_PRIVATE, 0);
#endif
	return IS_ERR_VALUE(address) ? 0 : address;
}

int vswap_kunit_from_user(void *to, unsigned long from, size_t length)
{
	return copy_from_user(to, (void __user *)from, length) ? -EFAULT : 0;
}

ssize_t vswap_kunit_node_read(struct file *file, unsigned long to, size_t length, loff_t position)
{
	return file->f_op->read(file, (char __user *)to, length, &position);
}

long vswap_kunit_node_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	return file->f_op->unlocked_ioctl(file, command, argument);
}

loff_t vswap_kunit_node_seek(struct file *file, loff_t offset, int whence)
{
	return vfs_llseek(file, offset, whence);
}

/* For a caller of vswap_kunit_user_page. */
long vswap_kunit_node_mmap(struct file *file)
{
	return vm_mmap(file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, 0);
}

int vswap_kunit_node_page(struct file *file, unsigned long index, void *to)
{
	struct folio *folio = read_mapping_folio(file->f_mapping, index, file);

	if (IS_ERR(folio))
		return PTR_ERR(folio);
	memcpy_from_folio(to, folio, 0, PAGE_SIZE);
	folio_put(folio);
	return 0;
}

/* As swapon marks a file, and swapoff unmarks it. */
void vswap_kunit_node_swapped_on(struct file *file, bool on)
{
	struct inode *inode = file->f_mapping->host;

	inode_lock(inode);
	if (on)
		inode->i_flags |= S_SWAPFILE;
	else
		inode->i_flags &= ~S_SWAPFILE;
	inode_unlock(inode);
}

/*
 * Makes the node a swap area, as swapon does, with an area that nobody else knows; reports all
 * slots around a cluster's edge as freed, and reads from the area's disk, which must fail. Returns
 * that failure, or EBADE when the area is not as it should be.
 */
int vswap_kunit_node_hidden_disk(struct file *file)
{
	static DEFINE_SPINLOCK(lock);
	struct swap_info_struct *area = kzalloc(sizeof(*area), GFP_KERNEL);
	struct page *page = alloc_page(GFP_KERNEL);
	int error = -ENOMEM;
	sector_t span = 0;
	struct bio_vec vec;
	struct bio bio;
	unsigned long slot;

	if (!area || !page)
		goto out;
	area->max = 2048;
	area->pages = 2047;
	area->swap_extent_root = RB_ROOT;
	error = file->f_mapping->a_ops->swap_activate(area, file, &span);
	if (error < 0)
		goto out;
	while (!RB_EMPTY_ROOT(&area->swap_extent_root)) {
		struct rb_node *first = area->swap_extent_root.rb_node;

		rb_erase(first, &area->swap_extent_root);
		kfree(rb_entry(first, struct swap_extent, rb_node));
	}
	if (error != 1 || span != area->pages || !area->ops || !area->bdev ||
	    !(area->flags & SWP_BLKDEV) || !bdev_stable_writes(area->bdev)) {
		error = -EBADE;
		goto out;
	}
	/* As the swap core, with a spinlock held. */
	spin_lock(&lock);
	for (slot = 510; slot < 514; slot++)
		area->bdev->bd_disk->fops->swap_slot_free_notify(area->bdev, slot);
	spin_unlock(&lock);
	bio_init(&bio, area->bdev, &vec, 1, REQ_OP_READ);
	bio_add_virt_nofail(&bio, page_address(page), PAGE_SIZE);
	error = submit_bio_wait(&bio);
	bio_uninit(&bio);
	file->f_mapping->a_ops->swap_deactivate(file);
out:
	if (page)
		__free_page(page);
	kfree(area);
	return error;
}

void vswap_kunit_rcu_barrier(void)
{
	rcu_barrier();
}

/* Another user of a disk, for a while. */
static struct {
	struct delayed_work over;
	struct device *disk;
	bool is_over;
} vswap_kunit_user;

static void vswap_kunit_use_over(struct work_struct *work)
{
	WRITE_ONCE(vswap_kunit_user.is_over, true);
	put_device(vswap_kunit_user.disk);
}

void vswap_kunit_use_begin(struct block_device *bdev)
{
	vswap_kunit_user.disk = get_device(disk_to_dev(bdev->bd_disk));
	vswap_kunit_user.is_over = false;
	INIT_DELAYED_WORK(&vswap_kunit_user.over, vswap_kunit_use_over);
	schedule_delayed_work(&vswap_kunit_user.over, HZ / 4);
}

/* Whether it is done with the disk by now. */
bool vswap_kunit_use_end(void)
{
	bool was_over = READ_ONCE(vswap_kunit_user.is_over);

	flush_delayed_work(&vswap_kunit_user.over);
	return was_over;
}
