# SPDX-License-Identifier: GPL-2.0-only
# what: pages go to an encrypted disk as they are
# file: src/glue/cipher.c
# test: protection
s/^	error = encrypt ? crypto_skcipher_encrypt(request) : crypto_skcipher_decrypt(request);$/	error = 0;\n	memmove(to, from, PAGE_SIZE);/
