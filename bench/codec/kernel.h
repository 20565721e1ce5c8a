/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-ins, for a program, for what the kernel's LZ4 uses of the kernel. */
#ifndef VSWAP_BENCH_CODEC_KERNEL_H
#define VSWAP_BENCH_CODEC_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define CONFIG_64BIT 1
#define __LITTLE_ENDIAN 1234
#define EXPORT_SYMBOL(name)
#define MODULE_LICENSE(name)
#define MODULE_DESCRIPTION(name)
#define BUILD_BUG_ON(what) _Static_assert(!(what), #what)
#define likely(what) __builtin_expect(!!(what), 1)
#define unlikely(what) __builtin_expect(!!(what), 0)
#define noinline __attribute__((noinline))
#define __always_inline inline __attribute__((always_inline))
#define min(a, b) ({ __auto_type _a = (a); __auto_type _b = (b); _a < _b ? _a : _b; })

#define get_unaligned(from) ({ __auto_type _value = *(from); \
	memcpy(&_value, (from), sizeof(_value)); _value; })
#define put_unaligned(value, to) ({ __auto_type _value = *(to); \
	_value = (value); memcpy((to), &_value, sizeof(_value)); })

static inline u16 get_unaligned_le16(const void *from)
{
	u16 value;

	memcpy(&value, from, sizeof(value));
	return value;
}

static inline void put_unaligned_le16(u16 value, void *to)
{
	memcpy(to, &value, sizeof(value));
}

static inline unsigned long __ffs(unsigned long word)
{
	return __builtin_ctzl(word);
}

#define __ffs64 __ffs

#endif
