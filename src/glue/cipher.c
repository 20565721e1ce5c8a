// SPDX-License-Identifier: GPL-2.0-only
/* Encryption of pages, and tags that tell whether a page is what was written. See helpers.h. */
#include <crypto/aes-xts.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "helpers.h"

#if IS_ENABLED(CONFIG_CRYPTO_LIB_AES_XTS)

#define KEY_BYTES 64

struct aes_xts_key *vswap_cipher_new(void)
{
	struct aes_xts_key *key;
	u8 raw[KEY_BYTES];
	int error;

	key = kmalloc(sizeof(*key), GFP_KERNEL);
	if (!key)
		return ERR_PTR(-ENOMEM);
	error = get_random_bytes_wait(raw, sizeof(raw));
	if (!error)
		error = aes_xts_preparekey(key, raw, sizeof(raw), XTS_FORBID_WEAK_KEYS);
	memzero_explicit(raw, sizeof(raw));
	if (error) {
		kfree_sensitive(key);
		return ERR_PTR(error);
	}
	return key;
}

/* A slot's tweak is its number, as dm-crypt's plain64 has it. */
static void vswap_tweak(u8 tweak[AES_BLOCK_SIZE], u32 slot)
{
	put_unaligned_le64(slot, tweak);
	put_unaligned_le64(0, tweak + 8);
}

void vswap_encrypt(const struct aes_xts_key *key, u32 slot, const void *from, void *to)
{
	u8 tweak[AES_BLOCK_SIZE];

	vswap_tweak(tweak, slot);
	aes_xts_encrypt(to, from, PAGE_SIZE, tweak, key, false);
}

void vswap_decrypt(const struct aes_xts_key *key, u32 slot, void *page)
{
	u8 tweak[AES_BLOCK_SIZE];

	vswap_tweak(tweak, slot);
	aes_xts_decrypt(page, page, PAGE_SIZE, tweak, key, false);
}

#else

struct aes_xts_key *vswap_cipher_new(void)
{
	return ERR_PTR(-EOPNOTSUPP);
}

void vswap_encrypt(const struct aes_xts_key *key, u32 slot, const void *from, void *to)
{
}

void vswap_decrypt(const struct aes_xts_key *key, u32 slot, void *page)
{
}

#endif

void vswap_cipher_free(struct aes_xts_key *key)
{
	kfree_sensitive(key);
}

int vswap_tag_key(siphash_key_t *key)
{
	return get_random_bytes_wait(key, sizeof(*key));
}

u64 vswap_tag(const siphash_key_t *key, const void *page)
{
	return siphash(page, PAGE_SIZE, key);
}
