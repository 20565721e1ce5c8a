/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of QEMU's interface for TCG plugins, version 7, that the plugin needs. Debian packages
 * no header of it. On a 64-bit host.
 */
#ifndef VSWAP_BENCH_QEMU_H
#define VSWAP_BENCH_QEMU_H

#include <stdbool.h>
#include <stddef.h>

#define EXPORTED __attribute__((visibility("default")))
#define QEMU_PLUGIN_VERSION 7

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;

struct qemu_info {
	const char *target_name;
	struct {
		int min;
		int cur;
	} version;
	bool system_emulation;
	int smp_vcpus;
	int max_vcpus;
};

/* A counter: an offset in bytes into each processor's part of the scoreboard. */
struct qemu_plugin_u64 {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
};

enum qemu_plugin_op {
	QEMU_PLUGIN_INLINE_ADD_U64,
};

enum qemu_plugin_cb_flags {
	QEMU_PLUGIN_CB_NO_REGS,
};

/* What a plugin must define. */
extern EXPORTED int qemu_plugin_version;
EXPORTED int qemu_plugin_install(unsigned long id, const struct qemu_info *info, int argc,
				 char **argv);

void qemu_plugin_register_vcpu_tb_trans_cb(unsigned long id,
					   void (*translated)(struct qemu_plugin_tb *tb,
							      void *data),
					   void *data);
void qemu_plugin_register_atexit_cb(unsigned long id, void (*ended)(void *data), void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*executed)(unsigned int vcpu, void *data),
					    enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn,
							 enum qemu_plugin_op op,
							 struct qemu_plugin_u64 entry,
							 unsigned long value);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t size);
unsigned long qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_size);
void *qemu_plugin_scoreboard_find(struct qemu_plugin_scoreboard *score, unsigned int vcpu);

#endif
