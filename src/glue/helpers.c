// SPDX-License-Identifier: GPL-2.0-only
/* See helpers.h. */
#include <linux/module.h>
#include <linux/bio.h>
#include <linux/dax.h>
#include <linux/freezer.h>
#include <linux/fs_context.h>
#include <linux/kthread.h>
#include <linux/major.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/percpu-refcount.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/swapops.h>

#include "helpers.h"

/*
 * The swap-out path runs inside reclaim: it neither waits for memory nor complains when
 * there is none. What doesn't fit stays in memory, dirty.
 */
#define GFP_STORE (GFP_NOWAIT | __GFP_NOWARN)

/*
 * Stays on a CPU, as an RCU reader. With PREEMPT_RT preemption stays on, as spinlocks sleep, those
 * of the memory allocators included.
 */
unsigned int vswap_get_cpu(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		return get_cpu();
	migrate_disable();
	rcu_read_lock();
	return smp_processor_id();
}

void vswap_put_cpu(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		rcu_read_unlock();
		migrate_enable();
	} else {
		put_cpu();
	}
}

#ifdef CONFIG_PREEMPT_RT
/* For some instructions, which take no lock. */
void vswap_preempt_disable(void)
{
	preempt_disable();
}

void vswap_preempt_enable(void)
{
	preempt_enable();
}
#endif

unsigned int vswap_this_cpu(void)
{
	return raw_smp_processor_id();
}

u64 vswap_total_ram(void)
{
	return (u64)totalram_pages() << PAGE_SHIFT;
}

u64 vswap_available_ram(void)
{
	return (u64)max(si_mem_available(), 0L) << PAGE_SHIFT;
}

u64 vswap_swap_cache_pages(void)
{
	return global_node_page_state(NR_SWAPCACHE);
}

/* The base of addresses in slab memory, and so of zsmalloc handles. */
unsigned long vswap_direct_map_base(void)
{
#ifdef CONFIG_ARM64
	/* The processor's addresses may have fewer bits than the kernel was built for. */
	return _PAGE_OFFSET(vabits_actual);
#else
	return PAGE_OFFSET;
#endif
}

/* A cluster's table, aligned to its size. */
static void *vswap_table(gfp_t gfp)
{
	if (PAGE_SIZE == VSWAP_TABLE_BYTES)
		return (void *)get_zeroed_page(gfp);
	return kzalloc(VSWAP_TABLE_BYTES, gfp);
}

void *vswap_table_new(void)
{
	return vswap_table(GFP_STORE);
}

void *vswap_table_wait(void)
{
	return vswap_table(GFP_KERNEL);
}

void vswap_table_free(void *table)
{
	if (PAGE_SIZE == VSWAP_TABLE_BYTES)
		free_page((unsigned long)table);
	else
		kfree(table);
}

void *vswap_buffer_page(void)
{
	return (void *)get_zeroed_page(GFP_KERNEL);
}

/* Contiguous pages for reading; zeroed, as they are looked at before all is read. */
#define PAIR_ORDER 1

static void *vswap_alloc_pair(gfp_t gfp, void *unused)
{
	return (void *)__get_free_pages(gfp | __GFP_ZERO, PAIR_ORDER);
}

static void vswap_free_pair(void *pair, void *unused)
{
	free_pages((unsigned long)pair, PAIR_ORDER);
}

mempool_t *vswap_pairs_new(unsigned int reserve)
{
	return mempool_create(reserve, vswap_alloc_pair, vswap_free_pair, NULL);
}

void *vswap_pair_alloc(mempool_t *pairs)
{
	return mempool_alloc(pairs, GFP_NOIO);
}

void *vswap_span_alloc(size_t bytes)
{
	return alloc_pages_exact(bytes, GFP_NOWAIT | __GFP_NORETRY | __GFP_NOMEMALLOC |
				 __GFP_NOWARN | __GFP_ZERO);
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

struct kmem_cache *vswap_object_cache(const char *name, unsigned int size)
{
#ifdef VSWAP_KUNIT
	/* Cases have devices besides the module's own, and two caches can't have one name. */
	static atomic_t caches;
	char unique[32];

	snprintf(unique, sizeof(unique), "%s-%d", name, atomic_inc_return(&caches));
	name = unique;
#endif
	return kmem_cache_create(name, size, SMP_CACHE_BYTES, 0, NULL);
}

void *vswap_object_alloc(struct kmem_cache *cache)
{
	return kmem_cache_alloc(cache, GFP_STORE);
}

int vswap_xa_insert(struct xarray *xa, unsigned long index, void *entry)
{
	return xa_insert(xa, index, entry, GFP_STORE);
}

/* NULL, unless it is a whole folio. */
void *vswap_bvec_folio(const struct bio_vec *bvec, unsigned long *slot)
{
	struct folio *folio;

	if (!bvec->bv_page || bvec->bv_offset)
		return NULL;
	folio = bvec_folio(bvec);
	if (bvec->bv_len != folio_size(folio))
		return NULL;
	*slot = swp_offset(folio->swap);
	return folio_address(folio);
}

/*
 * Not for a large folio: if another page of it can't be read, the swap core drops the folio, and
 * with it this page's only copy.
 */
bool vswap_page_take_over(void *page)
{
	struct folio *folio = virt_to_folio(page);

	if (folio_test_large(folio))
		return false;
	folio_mark_dirty(folio);
	return true;
}

struct vswap_io {
	struct bio_set bios;
	mempool_t *requests;
	struct workqueue_struct *repairs;
	struct workqueue_struct *late_reads;
	/* A reference for each request, and one for the owner. */
	struct percpu_ref users;
	struct completion unused;
};

static void vswap_io_unused(struct percpu_ref *users)
{
	complete(&container_of(users, struct vswap_io, users)->unused);
}

struct vswap_io *vswap_io_new(unsigned int reserve, unsigned int request_size,
			      unsigned int front_pad)
{
	struct vswap_io *io = kzalloc(sizeof(*io), GFP_KERNEL);

	if (!io)
		return NULL;
	if (bioset_init(&io->bios, reserve, front_pad, BIOSET_NEED_BVECS))
		goto no_bios;
	io->requests = mempool_create_kmalloc_pool(reserve, request_size);
	if (!io->requests)
		goto no_requests;
	io->repairs = alloc_ordered_workqueue("vswap_repair", WQ_MEM_RECLAIM);
	if (!io->repairs)
		goto no_repairs;
	io->late_reads = alloc_workqueue("vswap_read", WQ_MEM_RECLAIM | WQ_HIGHPRI | WQ_UNBOUND, 0);
	if (!io->late_reads)
		goto no_late_reads;
	init_completion(&io->unused);
	if (percpu_ref_init(&io->users, vswap_io_unused, 0, GFP_KERNEL))
		goto no_users;
	return io;

no_users:
	destroy_workqueue(io->late_reads);
no_late_reads:
	destroy_workqueue(io->repairs);
no_repairs:
	mempool_destroy(io->requests);
no_requests:
	bioset_exit(&io->bios);
no_bios:
	kfree(io);
	return NULL;
}

void vswap_io_free(struct vswap_io *io)
{
	percpu_ref_kill(&io->users);
	wait_for_completion(&io->unused);
	percpu_ref_exit(&io->users);
	destroy_workqueue(io->late_reads);
	destroy_workqueue(io->repairs);
	mempool_destroy(io->requests);
	bioset_exit(&io->bios);
	kfree(io);
}

void *vswap_request_alloc(struct vswap_io *io)
{
	percpu_ref_get(&io->users);
	return mempool_alloc(io->requests, GFP_NOIO);
}

void vswap_request_init(struct work_struct *work, struct completion *done, work_func_t repair)
{
	INIT_WORK(work, repair);
	init_completion(done);
}

void vswap_request_queue(struct vswap_io *io, struct work_struct *work)
{
	queue_work(io->repairs, work);
}

void vswap_request_free(struct vswap_io *io, void *request)
{
	mempool_free(request, io->requests);
	percpu_ref_put(&io->users);
}

/* Hard interrupts can't use vector registers, and must not take long. */
bool vswap_read_late(struct vswap_io *io, struct work_struct *work, work_func_t run)
{
	if (!in_hardirq() && !irqs_disabled())
		return false;
	INIT_WORK(work, run);
	queue_work(io->late_reads, work);
	return true;
}

struct bio *vswap_bio_new(struct vswap_io *io, struct block_device *bdev, bool write,
			  bool alone, unsigned int slot, unsigned short pieces,
			  bio_end_io_t *end_io)
{
	blk_opf_t op = write ? REQ_OP_WRITE | REQ_SWAP : REQ_OP_READ;
	struct bio *bio = bio_alloc_bioset(bdev, pieces, op | (alone ? REQ_NOMERGE : 0),
					   GFP_NOIO, &io->bios);

	bio->bi_iter.bi_sector = (sector_t)slot << (PAGE_SHIFT - SECTOR_SHIFT);
	bio->bi_end_io = end_io;
	return bio;
}

bool vswap_bio_add(struct bio *bio, void *page)
{
	return bio_add_page(bio, virt_to_page(page), PAGE_SIZE, 0) == PAGE_SIZE;
}

/* A bio's pages, in their order, even when it has ended. */
void vswap_bio_pages(struct bio *bio, void (*each)(void *data, void *page), void *data)
{
	struct bvec_iter_all iter;
	struct bio_vec *vec;

	bio_for_each_segment_all(vec, bio, iter)
		each(data, bvec_virt(vec));
}

struct gendisk *vswap_disk_add(const char *name, void *private,
			       const struct block_device_operations *ops)
{
	/*
	 * Stable writes: nothing writes to a page while it is being compressed. Synchronous:
	 * swap-in skips readahead and frees the slot at once, as is right for memory. swapon reads
	 * both, after it has called swap_activate.
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

int vswap_disk_set_synchronous(struct gendisk *disk, bool synchronous)
{
	struct queue_limits limits = queue_limits_start_update(disk->queue);

	if (synchronous)
		limits.features |= BLK_FEAT_SYNCHRONOUS;
	else
		limits.features &= ~BLK_FEAT_SYNCHRONOUS;
	return queue_limits_commit_update(disk->queue, &limits);
}

/*
 * A task that the block layer throttles for its swapping holds the disk until it returns from
 * its system call, and the disk its operations, which go with the module.
 */
void vswap_disk_remove(struct gendisk *disk)
{
	DECLARE_COMPLETION_ONSTACK(released);

	del_gendisk(disk);
	disk->private_data = &released;
	put_disk(disk);
	wait_for_completion(&released);
}

void vswap_tasks_wait(void)
{
	synchronize_rcu_tasks();
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

void *vswap_folio_page(struct folio *folio, struct address_space **mapping,
		       unsigned long *index)
{
	*mapping = folio->mapping;
	*index = folio->index;
	return folio_address(folio);
}

struct cdev *vswap_inode_cdev(struct inode *inode)
{
	return inode->i_cdev;
}

/*
 * The flag belongs to the opener of the device, and stays until the device is put, which
 * takes this lock.
 */
static void vswap_mark_dead(struct block_device *bdev, bool surprise)
	__releases(&bdev->bd_holder_lock)
{
	bool *dead = bdev->bd_holder;

	WRITE_ONCE(*dead, true);
	/*
	 * Comes last: nothing keeps the module from here on. Dirty pages of the device's page cache
	 * are not written out, as they could only overwrite the module's data.
	 */
	mutex_unlock(&bdev->bd_holder_lock);
}

/*
 * Without the other operations the block layer writes out the device's page cache to sync or
 * freeze it, and does nothing to thaw it. A frozen device still takes I/O.
 */
static const struct blk_holder_ops vswap_holder_ops = {
	.mark_dead = vswap_mark_dead,
};

static int vswap_bdev_prepare(struct block_device *bdev)
{
	if (bdev_read_only(bdev))
		return -EROFS;
	if (bdev_logical_block_size(bdev) > PAGE_SIZE)
		return -EINVAL;
	/* Pages written out later would overwrite the module's data. */
	return sync_blockdev(bdev);
}

struct file *vswap_bdev_open(const char *path, bool *dead)
{
	struct file *file;
	dev_t number;
	int error;

	/* Not by path in one go: that calls a read-only device EACCES. */
	error = lookup_bdev(path, &number);
	if (error)
		return ERR_PTR(error);
	file = bdev_file_open_by_dev(number, BLK_OPEN_READ | BLK_OPEN_WRITE, dead,
				     &vswap_holder_ops);
	if (IS_ERR(file))
		return file;
	error = vswap_bdev_prepare(file_bdev(file));
	if (error) {
		bdev_fput(file);
		return ERR_PTR(error);
	}
	return file;
}

u64 vswap_bdev_bytes(struct block_device *bdev)
{
	return bdev_nr_bytes(bdev);
}

bool vswap_bdev_synchronous(struct block_device *bdev)
{
	return bdev_synchronous(bdev);
}

bool vswap_bdev_zoned(struct block_device *bdev)
{
	return bdev_is_zoned(bdev);
}

/*
 * Only for a disk that is hardware: it has a parent among the devices. A stacked device, such as
 * one of the device mapper, has none. Its memory changes when its table is replaced, and copies
 * would not notice: a suspended table holds up only bios.
 */
struct dax_device *vswap_dax_open(struct block_device *bdev, u64 *first)
{
	struct dax_device *dax;

	if (!disk_to_dev(bdev->bd_disk)->parent)
		return NULL;
	dax = fs_dax_get_by_bdev(bdev, first, NULL, NULL);
	*first >>= PAGE_SHIFT;
	return dax;
}

void vswap_dax_close(struct dax_device *dax)
{
	put_dax(dax);
}

/*
 * The DAX device is the whole disk. A partition can shrink while it is held, and then the memory
 * behind its end is not part of it.
 */
static bool vswap_dax_has(struct block_device *bdev, u64 slot)
{
	u64 sectors = PAGE_SIZE >> SECTOR_SHIFT;

	return (slot + 1) * sectors <= bdev_nr_sectors(bdev);
}

/* The data need not survive a power failure, so no cache is flushed. */
bool vswap_dax_write(struct dax_device *dax, struct block_device *bdev, u64 first, u32 slot,
		     const void *page)
{
	int lock = dax_read_lock();
	void *to;
	bool done = vswap_dax_has(bdev, slot) &&
		    dax_direct_access(dax, first + slot, 1, DAX_ACCESS, &to, NULL) == 1;

	if (done)
		copy_page(to, (void *)page);
	dax_read_unlock(lock);
	return done;
}

/* Returns how many of the pages were written, from the first one on. */
u32 vswap_dax_write_run(struct dax_device *dax, struct block_device *bdev, u64 first, u32 slot,
			void *const *pages, u32 count)
{
	int lock = dax_read_lock();
	long mapped = 0;
	void *to;
	u32 done;

	if (count && vswap_dax_has(bdev, slot + (count - 1ULL)))
		mapped = dax_direct_access(dax, first + slot, count, DAX_ACCESS, &to, NULL);
	for (done = 0; done < count && done < mapped; done++)
		copy_page(to + done * PAGE_SIZE, pages[done]);
	dax_read_unlock(lock);
	return done;
}

bool vswap_dax_read(struct dax_device *dax, struct block_device *bdev, u64 first, u32 slot,
		    void *page)
{
	int lock = dax_read_lock();
	void *from;
	bool done = vswap_dax_has(bdev, slot) &&
		    dax_direct_access(dax, first + slot, 1, DAX_ACCESS, &from, NULL) == 1 &&
		    copy_mc_to_kernel(page, from, PAGE_SIZE) == 0;

	dax_read_unlock(lock);
	return done;
}

/*
 * A loop device reports a write as done of which its file took only a part, for example when the
 * file system has no space left for the rest. A page is written completely or not at all.
 */
bool vswap_bdev_may_cut(struct block_device *bdev)
{
	return MAJOR(bdev->bd_dev) == LOOP_MAJOR;
}

struct vswap_lone_bio {
	struct bio bio;
	struct bio_vec vec;
	struct completion done;
	/* Keeps the device open, though not held. */
	struct file *file;
};

static void vswap_lone_bio_ended(struct bio *bio)
{
	complete_all(&container_of(bio, struct vswap_lone_bio, bio)->done);
}

static struct vswap_lone_bio *vswap_lone_bio_new(struct file *file, blk_opf_t op)
{
	struct vswap_lone_bio *io = kzalloc(sizeof(*io), GFP_KERNEL);

	if (!io)
		return NULL;
	io->file = get_file(file);
	init_completion(&io->done);
	bio_init(&io->bio, file_bdev(file), &io->vec, 1, op);
	io->bio.bi_end_io = vswap_lone_bio_ended;
	return io;
}

/*
 * The device's first page. A write survives a power failure. The page stays unchanged until the
 * end.
 */
struct vswap_lone_bio *vswap_lone_bio_first_page(struct file *file, void *page, bool write)
{
	struct vswap_lone_bio *io;

	io = vswap_lone_bio_new(file, write ? REQ_OP_WRITE | REQ_SYNC | REQ_FUA : REQ_OP_READ);
	if (!io)
		return NULL;
	bio_add_virt_nofail(&io->bio, page, PAGE_SIZE);
	submit_bio(&io->bio);
	return io;
}

/* Pages that hold nothing any more, below UINT_MAX bytes. The block layer splits it as needed. */
struct vswap_lone_bio *vswap_lone_bio_discard(struct file *file, u64 page, unsigned int pages)
{
	struct vswap_lone_bio *io = vswap_lone_bio_new(file, REQ_OP_DISCARD);

	if (!io)
		return NULL;
	io->bio.bi_iter.bi_sector = page << PAGE_SECTORS_SHIFT;
	io->bio.bi_iter.bi_size = pages << PAGE_SHIFT;
	submit_bio(&io->bio);
	return io;
}

bool vswap_lone_bio_done(struct vswap_lone_bio *io)
{
	return completion_done(&io->done);
}

/* Says whether it is done: not if a fatal signal came. */
bool vswap_lone_bio_wait(struct vswap_lone_bio *io, bool killable)
{
	if (killable)
		return !wait_for_completion_killable(&io->done);
	wait_for_completion(&io->done);
	return true;
}

/* Once it is done. */
int vswap_lone_bio_end(struct vswap_lone_bio *io)
{
	struct block_device *bdev = file_bdev(io->file);
	int error = blk_status_to_errno(io->bio.bi_status);

	/* So that blkid doesn't find the old contents. */
	if (bio_op(&io->bio) == REQ_OP_WRITE)
		invalidate_inode_pages2_range(bdev->bd_mapping, 0, 0);
	bio_uninit(&io->bio);
	fput(io->file);
	kfree(io);
	return error;
}

/* Whether the device can be told what holds nothing. */
bool vswap_bdev_discards(struct block_device *bdev)
{
	return bdev_max_discard_sectors(bdev) != 0;
}

int vswap_srcu_init(struct srcu_struct *srcu)
{
	return init_srcu_struct_fast_updown(srcu);
}

struct srcu_ctr __percpu *vswap_srcu_down(struct srcu_struct *srcu)
{
	return srcu_down_read_fast(srcu);
}

void vswap_srcu_up(struct srcu_struct *srcu, struct srcu_ctr __percpu *token)
{
	srcu_up_read_fast(srcu, token);
}

void vswap_wait_init(struct wait_queue_head *queue)
{
	init_waitqueue_head(queue);
}

void vswap_wait(struct wait_queue_head *queue, bool (*ready)(void *data), void *data)
{
	wait_event_freezable(*queue, ready(data));
}

bool vswap_wait_timeout(struct wait_queue_head *queue, bool (*ready)(void *data), void *data,
			unsigned int milliseconds)
{
	return wait_event_idle_timeout(*queue, ready(data), msecs_to_jiffies(milliseconds));
}

/*
 * Not kswapd, which everybody waits for, nor another kernel thread, as a disk may need it; nor a
 * task that has declared that I/O depends on it, or that it is in a file system's transaction; nor
 * a dying task.
 */
bool vswap_may_wait(void)
{
	const unsigned int busy = PF_KTHREAD | PF_LOCAL_THROTTLE | PF_MEMALLOC_NOFS |
				  PF_MEMALLOC_NOIO | PF_EXITING;

	return !(current->flags & busy) && !fatal_signal_pending(current);
}

bool vswap_wait_killable(struct wait_queue_head *queue, bool (*ready)(void *data), void *data,
			 unsigned int milliseconds)
{
	return wait_event_killable_timeout(*queue, ready(data), msecs_to_jiffies(milliseconds)) > 0;
}

/* The fence in here pairs with that of a waiter between queueing and checking. */
void vswap_wake(struct wait_queue_head *queue)
{
	if (wq_has_sleeper(queue))
		wake_up_all(queue);
}

void vswap_pause(unsigned int milliseconds)
{
	__set_current_state(TASK_UNINTERRUPTIBLE);
	io_schedule_timeout(msecs_to_jiffies(milliseconds));
}

bool vswap_is_dying(void)
{
	return fatal_signal_pending(current);
}

struct task_struct *vswap_thread_start(int (*run)(void *data), void *data, const char *name)
{
	return kthread_run(run, data, "%s", name);
}

bool vswap_thread_is_to_stop(void)
{
	return kthread_should_stop() || freezing(current);
}

unsigned int vswap_noreclaim_save(void)
{
	return memalloc_noreclaim_save();
}

void vswap_noreclaim_restore(unsigned int flags)
{
	memalloc_noreclaim_restore(flags);
}
