# SPDX-License-Identifier: GPL-2.0-only
# what: a page that can not be read is taken for read
# file: src/glue/request.rs
# test: faults
s/^        let result = if failed { Err(EIO) } else { pending\.result };$/        let result = pending.result;/
