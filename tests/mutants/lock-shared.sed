# SPDX-License-Identifier: GPL-2.0-only
# what: two commands change the device at the same time
# file: tools/vswapctl/src/lock.rs
# test: tools
s/FlockOperation::NonBlockingLockExclusive/FlockOperation::NonBlockingLockShared/
s/FlockOperation::LockExclusive/FlockOperation::LockShared/
