// SPDX-License-Identifier: GPL-2.0-only
/* Encryption of pages, and tags that tell whether a page is what was written. See helpers.h. */
#include <crypto/skcipher.h>
#include <linux/bottom_half.h>
#include <linux/cpumask.h>
#include <linux/highmem.h>
#include <linux/local_lock.h>
#include <linux/mempool.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "helpers.h"

/* XTS has two AES-256 keys: one for the data and one for the tweak. */
#define KEY_BYTES 64
#define TWEAK_BYTES 16

/*
 * Each CPU has a request, and uses it with softirqs off: they would be large on the stack. With
 * PREEMPT_RT that keeps nobody else off it, and the lock does; elsewhere the lock is nothing.
 */
struct vswap_cipher_cpu {
	local_lock_t lock;
	struct skcipher_request *request;
};

struct vswap_cipher {
	struct crypto_skcipher *tfm;
	struct vswap_cipher_cpu __percpu *cpus;
	mempool_t bounces;
};

static int vswap_cipher_set_key(struct crypto_skcipher *tfm)
{
	u8 key[KEY_BYTES];
	int error = get_random_bytes_wait(key, sizeof(key));

	if (!error)
		error = crypto_skcipher_setkey(tfm, key, sizeof(key));
	memzero_explicit(key, sizeof(key));
	return error;
}

static void vswap_cipher_free_requests(struct vswap_cipher *cipher)
{
	int cpu;

	for_each_possible_cpu(cpu)
		skcipher_request_free(per_cpu_ptr(cipher->cpus, cpu)->request);
	free_percpu(cipher->cpus);
}

static int vswap_cipher_add_requests(struct vswap_cipher *cipher)
{
	int cpu;

	cipher->cpus = alloc_percpu(struct vswap_cipher_cpu);
	if (!cipher->cpus)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct vswap_cipher_cpu *this = per_cpu_ptr(cipher->cpus, cpu);
		struct skcipher_request *request = skcipher_request_alloc(cipher->tfm, GFP_KERNEL);

		if (!request) {
			vswap_cipher_free_requests(cipher);
			return -ENOMEM;
		}
		skcipher_request_set_callback(request, 0, NULL, NULL);
		local_lock_init(&this->lock);
		this->request = request;
	}
	return 0;
}

struct vswap_cipher *vswap_cipher_new(unsigned int reserve)
{
	struct vswap_cipher *cipher = kzalloc(sizeof(*cipher), GFP_KERNEL);
	int error = -ENOMEM;

	if (!cipher)
		return ERR_PTR(-ENOMEM);
	/* A synchronous one. */
	cipher->tfm = crypto_alloc_skcipher("xts(aes)", 0, CRYPTO_ALG_ASYNC);
	if (IS_ERR(cipher->tfm)) {
		error = PTR_ERR(cipher->tfm);
		if (error == -ENOENT)
			error = -EOPNOTSUPP;
		goto no_tfm;
	}
	error = vswap_cipher_set_key(cipher->tfm);
	if (error)
		goto no_key;
	error = vswap_cipher_add_requests(cipher);
	if (error)
		goto no_key;
	error = mempool_init_page_pool(&cipher->bounces, reserve, 0);
	if (error)
		goto no_bounces;
	return cipher;

no_bounces:
	vswap_cipher_free_requests(cipher);
no_key:
	crypto_free_skcipher(cipher->tfm);
no_tfm:
	kfree(cipher);
	return ERR_PTR(error);
}

/* The crypto API overwrites the key. */
void vswap_cipher_free(struct vswap_cipher *cipher)
{
	mempool_exit(&cipher->bounces);
	vswap_cipher_free_requests(cipher);
	crypto_free_skcipher(cipher->tfm);
	kfree(cipher);
}

void *vswap_bounce_alloc(struct vswap_cipher *cipher, bool wait)
{
	struct page *page = mempool_alloc(&cipher->bounces,
					  wait ? GFP_NOIO : GFP_NOWAIT | __GFP_NOWARN);

	return page ? page_address(page) : NULL;
}

void vswap_bounce_free(struct vswap_cipher *cipher, void *page)
{
	mempool_free(virt_to_page(page), &cipher->bounces);
}

/* A slot's tweak is its number, as in dm-crypt's plain64. */
static bool vswap_crypt(struct vswap_cipher *cipher, u32 slot, const void *from, void *to,
			bool encrypt)
{
	struct scatterlist source, target;
	struct skcipher_request *request;
	u8 tweak[TWEAK_BYTES] = {};
	int error;

	put_unaligned_le64(slot, tweak);
	sg_init_one(&source, from, PAGE_SIZE);
	sg_init_one(&target, to, PAGE_SIZE);
	local_bh_disable();
	local_lock_nested_bh(&cipher->cpus->lock);
	request = this_cpu_ptr(cipher->cpus)->request;
	skcipher_request_set_crypt(request, &source, &target, PAGE_SIZE, tweak);
	error = encrypt ? crypto_skcipher_encrypt(request) : crypto_skcipher_decrypt(request);
	local_unlock_nested_bh(&cipher->cpus->lock);
	local_bh_enable();
	return !error;
}

bool vswap_encrypt(struct vswap_cipher *cipher, u32 slot, const void *from, void *to)
{
	return vswap_crypt(cipher, slot, from, to, true);
}

bool vswap_decrypt(struct vswap_cipher *cipher, u32 slot, void *page)
{
	return vswap_crypt(cipher, slot, page, page, false);
}

int vswap_tag_key(siphash_key_t *key)
{
	return get_random_bytes_wait(key, sizeof(*key));
}

u64 vswap_tag(const siphash_key_t *key, const void *page)
{
	return siphash(page, PAGE_SIZE, key);
}
