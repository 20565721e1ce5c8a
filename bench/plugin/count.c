// SPDX-License-Identifier: GPL-2.0-only
/*
 * A TCG plugin that counts how often each instruction of the guest's kernel is executed, in the
 * phases that the guest's programs announce:
 *
 *	-plugin count.so,out=FILE[,from=ADDRESS]
 *
 * Instructions at ADDRESS and above (default: the upper half) are counted one by one, those
 * below all together. The guest executes markers, "nopl 0x5653NNNN(%eax or %rax)": NNNN is the
 * phase that begins, 0 none, 0xffff the next run. At the end of a phase a line for each
 * instruction that was executed goes to FILE:
 *
 *	RUN PHASE ADDRESS COUNT KIND TARGET
 *
 * RUN and PHASE are decimal, as COUNT is, the addresses are hexadecimal. KIND is "l" for a
 * locked instruction, "c" for a call, with its TARGET unless that is computed, "s" for the
 * further steps of a string instruction, "-" for all others, and "u" for the sum of those
 * below ADDRESS.
 *
 * With -icount QEMU executes a string instruction once a step, each but the first in a block
 * of its own; without, once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu.h"

#define MARKER 0x56530000u
#define NEXT_RUN 0xffffu
#define LONGEST_INSN 15

/* Different addresses; the kernel doesn't get to half of that from its boot on. */
#define COUNTERS 0x100000
#define BUCKETS (2 * COUNTERS)

struct insn {
	unsigned long vaddr;
	unsigned long target;
	bool steps;
	char kind;
};

/* Counter 0 is for what isn't counted one by one. */
static struct insn insns[COUNTERS];
static unsigned int used = 1;
static unsigned int buckets[BUCKETS];
static struct qemu_plugin_scoreboard *score;

static FILE *out;
static unsigned long from = 1ul << 63;
static unsigned int run;
static unsigned int phase;

int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static void fail(const char *why)
{
	fprintf(stderr, "count.so: %s.\n", why);
	exit(1);
}

static bool is_legacy_prefix(unsigned char byte)
{
	static const unsigned char prefixes[] = {
		0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67,
	};

	return memchr(prefixes, byte, sizeof(prefixes));
}

/* movs, cmps, stos, lods, scas, ins or outs that repeats. */
static bool is_repeated_string(const unsigned char *bytes, size_t size)
{
	bool repeated = false;
	size_t at = 0;

	for (; at < size && is_legacy_prefix(bytes[at]); at++)
		repeated |= bytes[at] == 0xf2 || bytes[at] == 0xf3;
	if (at < size && (bytes[at] & 0xf0) == 0x40)
		at++;
	return repeated && at + 1 == size &&
	       ((bytes[at] & 0xfc) == 0x6c || (bytes[at] & 0xfc) == 0xa4 ||
		(bytes[at] >= 0xaa && bytes[at] <= 0xaf));
}

static long displacement(const unsigned char *bytes)
{
	int value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* Sets the kind and, of a direct call, the target. */
static void classify(struct insn *insn, const unsigned char *bytes, size_t size)
{
	bool locked = false;
	size_t at = 0;

	insn->kind = insn->steps ? 's' : '-';
	insn->target = 0;
	for (; at < size && is_legacy_prefix(bytes[at]); at++)
		locked |= bytes[at] == 0xf0;
	if (at < size && (bytes[at] & 0xf0) == 0x40)
		at++;
	if (locked) {
		insn->kind = 'l';
	} else if (at + 5 == size && bytes[at] == 0xe8) {
		insn->kind = 'c';
		insn->target = insn->vaddr + size + displacement(bytes + at + 1);
	} else if (at + 1 < size && bytes[at] == 0xff && (bytes[at + 1] >> 3 & 7) == 2) {
		insn->kind = 'c';
	} else if (at + 1 < size && (bytes[at] & 0xfe) == 0x86 && bytes[at + 1] >> 6 != 3) {
		/* An exchange with memory is locked with or without a prefix. */
		insn->kind = 'l';
	}
}

/* The counter of that address, or of the further steps there; a new one if it has none. */
static unsigned int counter(unsigned long vaddr, bool steps)
{
	size_t bucket = (vaddr * 0x9e3779b97f4a7c15) >> 43;

	while (buckets[bucket] && (insns[buckets[bucket]].vaddr != vaddr ||
				   insns[buckets[bucket]].steps != steps))
		bucket = (bucket + 1) % BUCKETS;
	if (!buckets[bucket]) {
		if (used == COUNTERS)
			fail("there are more instructions than counters");
		insns[used].vaddr = vaddr;
		insns[used].steps = steps;
		buckets[bucket] = used++;
	}
	return buckets[bucket];
}

/* Writes the counts of the phase that ends, and starts again. */
static void write_counts(void)
{
	unsigned long *counts = qemu_plugin_scoreboard_find(score, 0);
	unsigned int i;

	insns[0].kind = 'u';
	for (i = 0; phase && i < used; i++) {
		if (counts[i])
			fprintf(out, "%u %u %lx %lu %c %lx\n", run, phase, insns[i].vaddr,
				counts[i], insns[i].kind, insns[i].target);
	}
	memset(counts, 0, used * sizeof(*counts));
	if (fflush(out))
		fail("can't write the counts");
}

static void marked(unsigned int vcpu, void *data)
{
	unsigned long number = (unsigned long)data;

	write_counts();
	if (number == NEXT_RUN) {
		run++;
		phase = 0;
	} else {
		phase = number;
	}
}

static void translated(struct qemu_plugin_tb *tb, void *data)
{
	size_t count = qemu_plugin_tb_n_insns(tb);
	size_t i;

	for (i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		struct qemu_plugin_u64 entry = { .score = score };
		unsigned long vaddr = qemu_plugin_insn_vaddr(insn);
		unsigned char bytes[LONGEST_INSN];
		size_t size = qemu_plugin_insn_data(insn, bytes, sizeof(bytes));

		if (size == 7 && !memcmp(bytes, "\x0f\x1f\x80", 3)) {
			unsigned long value = displacement(bytes + 3);

			if ((value & ~0xfffful) == MARKER)
				qemu_plugin_register_vcpu_insn_exec_cb(insn, marked,
								       QEMU_PLUGIN_CB_NO_REGS,
								       (void *)(value & 0xffff));
		}
		if (vaddr >= from) {
			bool steps = !i && is_repeated_string(bytes, size);
			unsigned int index = counter(vaddr, steps);

			/* Again each time: modules are unloaded, and others get their addresses. */
			classify(&insns[index], bytes, size);
			entry.offset = index * sizeof(unsigned long);
		}
		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn,
								    QEMU_PLUGIN_INLINE_ADD_U64,
								    entry, 1);
	}
}

static void ended(void *data)
{
	/* There may be no processor yet, and then no phase either. */
	if (phase)
		write_counts();
	if (fclose(out))
		fail("can't write the counts");
}

int qemu_plugin_install(unsigned long id, const struct qemu_info *info, int argc, char **argv)
{
	const char *path = NULL;
	int i;

	if (info->version.cur != QEMU_PLUGIN_VERSION)
		fail("this QEMU has another version of the interface than 7");
	if (strcmp(info->target_name, "x86_64") || !info->system_emulation ||
	    info->max_vcpus != 1)
		fail("the guest has to be an x86-64 system with one processor");
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			path = argv[i] + 4;
		else if (!strncmp(argv[i], "from=", 5))
			from = strtoul(argv[i] + 5, NULL, 0);
		else
			fail("an argument is neither out=FILE nor from=ADDRESS");
	}
	out = path ? fopen(path, "w") : NULL;
	if (!out)
		fail("out=FILE is missing, or can't be written");
	score = qemu_plugin_scoreboard_new(COUNTERS * sizeof(unsigned long));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated, NULL);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}
