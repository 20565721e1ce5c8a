/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inline functions, macros and constants of the kernel that Rust can't reach, in calls as
 * coarse as their callers allow: a call from Rust is never inlined.
 */
#ifndef VSWAP_HELPERS_H
#define VSWAP_HELPERS_H

#include <linux/blkdev.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/lz4.h>
#include <linux/mempool.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/swap.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <linux/zsmalloc.h>

#if PAGE_SHIFT != 12 && PAGE_SHIFT != 14
#error "vswap needs a kernel with pages of 4 or 16 KiB, which its entries are made for"
#endif

/* A cluster's table. */
static const size_t VSWAP_TABLE_BYTES = 4096;
static const size_t VSWAP_LZ4_WORKSPACE = LZ4_MEM_COMPRESS;
static const unsigned int VSWAP_ZSPAGE_PAGES = CONFIG_ZSMALLOC_CHAIN_SIZE;
static const unsigned int VSWAP_BLKGETSIZE64 = BLKGETSIZE64;
static const u8 VSWAP_STS_NOSPC = (__force u8)BLK_STS_NOSPC;
static const u8 VSWAP_STS_TIMEOUT = (__force u8)BLK_STS_TIMEOUT;
static const u8 VSWAP_STS_TRANSPORT = (__force u8)BLK_STS_TRANSPORT;
static const u8 VSWAP_STS_OFFLINE = (__force u8)BLK_STS_OFFLINE;
static const u8 VSWAP_STS_RESOURCE = (__force u8)BLK_STS_RESOURCE;
static const u8 VSWAP_STS_AGAIN = (__force u8)BLK_STS_AGAIN;
static const u8 VSWAP_STS_MEDIUM = (__force u8)BLK_STS_MEDIUM;
static const u8 VSWAP_STS_PROTECTION = (__force u8)BLK_STS_PROTECTION;

/* cpu */
unsigned int vswap_get_cpu(void);
void vswap_put_cpu(void);
#ifdef CONFIG_PREEMPT_RT
void vswap_preempt_disable(void);
void vswap_preempt_enable(void);
#endif
unsigned int vswap_this_cpu(void);

/* memory */
u64 vswap_total_ram(void);
u64 vswap_swap_cache_pages(void);
u64 vswap_available_ram(void);
unsigned long vswap_direct_map_base(void);
void *vswap_table_new(void);
void *vswap_table_wait(void);
void vswap_table_free(void *table);
void *vswap_buffer_page(void);
void vswap_copy_page(void *to, void *from);
unsigned long vswap_zs_malloc(struct zs_pool *pool, size_t size);
struct kmem_cache *vswap_object_cache(const char *name, unsigned int size);
void *vswap_object_alloc(struct kmem_cache *cache);

/* xarray */
int vswap_xa_insert(struct xarray *xa, unsigned long index, void *entry);

/* swap I/O */
bool vswap_page_take_over(void *page);
void *vswap_bvec_folio(const struct bio_vec *bvec, unsigned long *slot);
struct swap_io_ctx;
struct swap_iocb;
void vswap_io_prepare(struct swap_io_ctx *ctx, int rw);
void vswap_io_complete(struct swap_iocb *sio, int error);

/* disk I/O: requests and bios from reserves */
struct vswap_io;
struct vswap_io *vswap_io_new(unsigned int reserve, unsigned int request_size,
			      unsigned int front_pad);
void vswap_io_free(struct vswap_io *io);
void *vswap_request_alloc(struct vswap_io *io);
void vswap_request_init(struct work_struct *work, struct completion *done, work_func_t repair);
void vswap_request_queue(struct vswap_io *io, struct work_struct *work);
void vswap_request_free(struct vswap_io *io, void *request);
bool vswap_read_late(struct vswap_io *io, struct work_struct *work, work_func_t run);
struct bio *vswap_bio_new(struct vswap_io *io, struct block_device *bdev, bool write,
			  bool alone, unsigned int slot, unsigned short pieces,
			  bio_end_io_t *end_io);
bool vswap_bio_add(struct bio *bio, void *page);
void vswap_bio_pages(struct bio *bio, void (*each)(void *data, void *page), void *data);

/* the disk that the swap core reports freed slots to */
struct gendisk *vswap_disk_add(const char *name, void *private,
			       const struct block_device_operations *ops);
int vswap_disk_set_synchronous(struct gendisk *disk, bool synchronous);
void vswap_disk_remove(struct gendisk *disk);
void vswap_tasks_wait(void);
void vswap_bio_fail(struct bio *bio);

/* attributes of a device, in a group; "data" is the owner's */
struct vswap_attributes;
typedef ssize_t vswap_show_t(struct device *device, struct device_attribute *file, char *page);
typedef ssize_t vswap_store_t(struct device *device, struct device_attribute *file,
			      const char *text, size_t length);

struct vswap_attributes *vswap_attributes_new(size_t most);
void vswap_attributes_free(struct vswap_attributes *all);
void vswap_attributes_add(struct vswap_attributes *all, const char *name, umode_t mode,
			  vswap_show_t *show, vswap_store_t *store, const void *data);
const struct attribute_group **vswap_attributes_groups(struct vswap_attributes *all);
const void *vswap_attribute_data(const struct device_attribute *file);

/* the inode whose mapping is behind the node */
struct inode *vswap_inode_new(void *private,
			      const struct address_space_operations *ops,
			      loff_t bytes);
void vswap_inode_free(struct inode *inode);
int vswap_inode_lock_unused(struct inode *inode);
void vswap_inode_resize(struct inode *inode, loff_t bytes);
void vswap_inode_unlock(struct inode *inode);
void *vswap_folio_page(struct folio *folio, struct address_space **mapping,
		       unsigned long *index);
struct cdev *vswap_inode_cdev(struct inode *inode);

/* block devices that hold pages; "dead" becomes true when the device goes */
struct file *vswap_bdev_open(const char *path, bool *dead);
u64 vswap_bdev_bytes(struct block_device *bdev);
bool vswap_bdev_synchronous(struct block_device *bdev);
bool vswap_bdev_zoned(struct block_device *bdev);
bool vswap_bdev_may_cut(struct block_device *bdev);

/* a block device's first page on its way */
struct vswap_lone_bio;
struct vswap_lone_bio *vswap_lone_bio_first_page(struct file *file, void *page, bool write);
struct vswap_lone_bio *vswap_lone_bio_discard(struct file *file, u64 page, unsigned int pages);
bool vswap_lone_bio_done(struct vswap_lone_bio *io);
bool vswap_lone_bio_wait(struct vswap_lone_bio *io, bool killable);
int vswap_lone_bio_end(struct vswap_lone_bio *io);
bool vswap_bdev_discards(struct block_device *bdev);

/* block devices that are memory: "first" is the page of the DAX device that theirs begin with */
struct dax_device;

struct dax_device *vswap_dax_open(struct block_device *bdev, u64 *first);
void vswap_dax_close(struct dax_device *dax);
bool vswap_dax_write(struct dax_device *dax, struct block_device *bdev, u64 first, u32 slot,
		     const void *page);
u32 vswap_dax_write_run(struct dax_device *dax, struct block_device *bdev, u64 first, u32 slot,
			void *const *pages, u32 count);
bool vswap_dax_read(struct dax_device *dax, struct block_device *bdev, u64 first, u32 slot,
		    void *page);

/* pages that are encrypted, or tagged, on their way to a disk */
struct vswap_cipher;
struct vswap_cipher *vswap_cipher_new(unsigned int reserve);
void vswap_cipher_free(struct vswap_cipher *cipher);
void *vswap_bounce_alloc(struct vswap_cipher *cipher, bool wait);
void vswap_bounce_free(struct vswap_cipher *cipher, void *page);
bool vswap_encrypt(struct vswap_cipher *cipher, u32 slot, const void *from, void *to);
bool vswap_decrypt(struct vswap_cipher *cipher, u32 slot, void *page);
int vswap_tag_key(siphash_key_t *key);
u64 vswap_tag(const siphash_key_t *key, const void *page);

/* buffers for reading: two pages of a reserve, or that many bytes if they are available at once */
mempool_t *vswap_pairs_new(unsigned int reserve);
void *vswap_pair_alloc(mempool_t *pairs);
void *vswap_span_alloc(size_t bytes);

/* tracepoints: see tracepoints.h */
void vswap_trace_store(unsigned int slot, unsigned int tier, unsigned int bytes);
void vswap_trace_load(unsigned int slot, unsigned int tier, unsigned int bytes);
void vswap_trace_store_failed(unsigned int slot);
void vswap_trace_writeback(unsigned int cluster, unsigned int pages, int error);
void vswap_trace_drain(unsigned int cluster, unsigned int pages, int error);
void vswap_trace_io_error(unsigned int disk, unsigned int slot, unsigned int pages, bool write);

/* SRCU with sections that end anywhere */
int vswap_srcu_init(struct srcu_struct *srcu);
struct srcu_ctr __percpu *vswap_srcu_down(struct srcu_struct *srcu);
void vswap_srcu_up(struct srcu_struct *srcu, struct srcu_ctr __percpu *token);

/* the kernel's requests for memory; none of this sleeps */
struct vswap_pressure;
struct vswap_pressure_ops {
	/* Pages that could be freed. */
	unsigned long (*count)(void *data);
	/* Frees some: how many, or ULONG_MAX if none can be freed. */
	unsigned long (*scan)(void *data, unsigned long wanted);
	/* Before the OOM killer kills a process: pages freed. */
	unsigned long (*last)(void *data);
};

struct vswap_pressure *vswap_pressure_new(const char *name, const struct vswap_pressure_ops *ops,
					  void *data);
void vswap_pressure_free(struct vswap_pressure *pressure);

long vswap_take_swap_slots(long most);
void vswap_give_swap_slots(long slots);
long vswap_swap_slots(void);
long vswap_area_free_slots(struct swap_info_struct *sis);
bool vswap_area_is_synchronous(struct swap_info_struct *sis);
void vswap_area_set_synchronous(struct swap_info_struct *sis, bool synchronous);

/* waiting; "ready" must not sleep */
void vswap_wait_init(struct wait_queue_head *queue);
void vswap_wait(struct wait_queue_head *queue, bool (*ready)(void *data), void *data);
bool vswap_wait_timeout(struct wait_queue_head *queue, bool (*ready)(void *data), void *data,
			unsigned int milliseconds);
void vswap_wake(struct wait_queue_head *queue);
bool vswap_may_wait(void);
bool vswap_wait_killable(struct wait_queue_head *queue, bool (*ready)(void *data), void *data,
			 unsigned int milliseconds);
void vswap_pause(unsigned int milliseconds);
bool vswap_is_dying(void);

/* threads and workqueues */
struct task_struct *vswap_thread_start(int (*run)(void *data), void *data, const char *name);
bool vswap_thread_is_to_stop(void);
unsigned int vswap_noreclaim_save(void);
void vswap_noreclaim_restore(unsigned int flags);

#endif
