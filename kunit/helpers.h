/* SPDX-License-Identifier: GPL-2.0-only */
/* Parts of the kernel that the suites need and Rust can't reach. See src/glue/helpers.h. */
#ifndef VSWAP_KUNIT_HELPERS_H
#define VSWAP_KUNIT_HELPERS_H

#include <linux/blk_types.h>
#include <linux/fs.h>
#include <linux/swap_ops.h>

/* paths as the guest's processes see them: a kernel thread sees none */
struct fs_struct *vswap_kunit_paths_begin(void);
void vswap_kunit_paths_end(struct fs_struct *old);
struct file *vswap_kunit_open(const char *path, int flags);
void vswap_kunit_close(struct file *file);
ssize_t vswap_kunit_write(struct file *file, const void *bytes, size_t length);
ssize_t vswap_kunit_read(struct file *file, void *bytes, size_t length);

/* a call like one of the swap core, for folios with a slot each page */
struct vswap_kunit_call;
struct vswap_kunit_call *vswap_kunit_call_new(unsigned int slot, unsigned int folios,
					      unsigned int order);
void vswap_kunit_call_free(struct vswap_kunit_call *call);
struct swap_io_ctx *vswap_kunit_call_ctx(struct vswap_kunit_call *call);
bool vswap_kunit_call_spoil(struct vswap_kunit_call *call, unsigned int how);
void vswap_kunit_call_begin(struct vswap_kunit_call *call);
int vswap_kunit_call_wait(struct vswap_kunit_call *call);
void *vswap_kunit_call_page(struct vswap_kunit_call *call, unsigned int index);

/* CPUs */
int vswap_kunit_run_on(unsigned int cpu);
void vswap_kunit_run_anywhere(void);
int vswap_kunit_cpu_up(unsigned int cpu);
int vswap_kunit_cpu_down(unsigned int cpu);

/* the node, for a thread with a process's memory */
unsigned long vswap_kunit_user_page(void);
int vswap_kunit_from_user(void *to, unsigned long from, size_t length);
ssize_t vswap_kunit_node_read(struct file *file, unsigned long to, size_t length, loff_t position);
long vswap_kunit_node_ioctl(struct file *file, unsigned int command, unsigned long argument);
loff_t vswap_kunit_node_seek(struct file *file, loff_t offset, int whence);
long vswap_kunit_node_mmap(struct file *file);
int vswap_kunit_node_page(struct file *file, unsigned long index, void *to);
void vswap_kunit_node_swapped_on(struct file *file, bool on);
int vswap_kunit_node_hidden_disk(struct file *file);

/* waits until RCU has freed all it was asked to free */
void vswap_kunit_rcu_barrier(void);

/* another user of a disk for a while, one at a time */
void vswap_kunit_use_begin(struct block_device *bdev);
bool vswap_kunit_use_end(void);

#endif
