# SPDX-License-Identifier: GPL-2.0-only
# what: a cipher without memory for its requests frees them twice
# file: src/glue/cipher.c
# test: kasan:injection
/^	error = vswap_cipher_add_requests(cipher);$/,/goto/s/goto no_key;/goto no_bounces;/
