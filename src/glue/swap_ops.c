// SPDX-License-Identifier: GPL-2.0-only
/* The swap core's calls: what swap_ops.rs can't reach. See helpers.h. */
#include <linux/fs.h>
#include <linux/swap_ops.h>
#include <linux/uio.h>

#include "helpers.h"

/* The context is gone when the operation returns; only its sio is completed later. */
void vswap_io_prepare(struct swap_io_ctx *ctx, int rw)
{
	struct iov_iter iter;

	swap_fs_prepare_rw(ctx, rw, &iter);
}

void vswap_io_complete(struct swap_iocb *sio, int error)
{
	sio->iocb.ki_complete(&sio->iocb, error ? error : sio->len);
}
