// SPDX-License-Identifier: GPL-2.0-only
/*
 * measure FILE: how well and how fast the kernel's LZ4 compresses a file's pages, in the modes that
 * a swap device could use. Prints a line of a Markdown table for each mode.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <linux/lz4.h>

#define PAGE 4096
#define MAX_UNIT (16 * PAGE)
#define MAX_PAGES 4096
#define ROUNDS 7

static char data[MAX_PAGES * PAGE];
static char packed[2 * MAX_PAGES * PAGE];
static int lengths[MAX_PAGES];
static char page[MAX_UNIT];
static LZ4_stream_t state;

/* A mode: units of that many bytes. */
struct way {
	const char *name;
	int unit;
	int acceleration;
	/* Whether the hash table is kept from page to page, not cleared for each. */
	bool keeps_table;
};

static const struct way ways[] = {
	{ "as now", PAGE, 1, false },
	{ "hash table kept", PAGE, 1, true },
	{ "acceleration 2", PAGE, 2, false },
	{ "acceleration 4", PAGE, 4, false },
	{ "units of 16 KiB", 4 * PAGE, 1, false },
	{ "units of 64 KiB", 16 * PAGE, 1, false },
};

#define WAYS (sizeof(ways) / sizeof(*ways))

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static void least(double *best, double time)
{
	if (*best == 0 || time < *best)
		*best = time;
}

static int compress(const struct way *way, const char *from, char *to)
{
	if (!way->keeps_table)
		return LZ4_compress_fast(from, to, way->unit, 2 * way->unit, way->acceleration,
					 &state);
	/* An empty dictionary in front of the page: older data is never matched. */
	LZ4_saveDict(&state, (char *)from, 0);
	return LZ4_compress_fast_continue(&state, from, to, way->unit, 2 * way->unit,
					  way->acceleration);
}

static void check(bool good)
{
	if (good)
		return;
	fputs("a page did not come back\n", stderr);
	exit(1);
}

/* Nanoseconds of all pages, the least of the rounds. */
struct result {
	double out, in, single;
	size_t bytes;
};

static void measure(const struct way *way, size_t pages, struct result *result)
{
	size_t units = pages * PAGE / way->unit;
	double start;

	memset(&state, 0, sizeof(state));
	result->bytes = 0;
	start = now();
	for (size_t i = 0; i < units; i++) {
		lengths[i] = compress(way, data + i * way->unit, packed + 2 * i * way->unit);
		result->bytes += lengths[i];
	}
	least(&result->out, now() - start);

	start = now();
	for (size_t i = 0; i < units; i++)
		check(LZ4_decompress_safe(packed + 2 * i * way->unit, page, lengths[i],
					  way->unit) == way->unit);
	least(&result->in, now() - start);
	check(!memcmp(page, data + (units - 1) * way->unit, way->unit));

	/* Each page by itself: all that is in front of it in its unit comes with it. */
	start = now();
	for (size_t i = 0; i < units; i++)
		for (int end = PAGE; end <= way->unit; end += PAGE)
			check(LZ4_decompress_safe_partial(packed + 2 * i * way->unit, page,
							  lengths[i], end, way->unit) >= end);
	least(&result->single, now() - start);
}

static double micros(double nanoseconds, size_t pages)
{
	return nanoseconds / pages / 1000;
}

int main(int count, char **words)
{
	FILE *file = count == 2 ? fopen(words[1], "rb") : NULL;
	static struct result results[WAYS];
	size_t pages;

	if (!file) {
		fputs("usage: measure FILE\n", stderr);
		return 2;
	}
	pages = fread(data, 1, sizeof(data), file) / MAX_UNIT * (MAX_UNIT / PAGE);
	if (!pages) {
		fputs("the file is too short\n", stderr);
		return 1;
	}
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < WAYS; i++)
			measure(&ways[i], pages, &results[i]);
	for (size_t i = 0; i < WAYS; i++)
		printf("| %s | %.1f %% | %.1f | %.1f | %.1f |\n", ways[i].name,
		       results[i].bytes * 100.0 / (pages * PAGE), micros(results[i].out, pages),
		       micros(results[i].in, pages), micros(results[i].single, pages));
	return 0;
}
