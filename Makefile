# SPDX-License-Identifier: GPL-2.0-only
# The targets; scripts and tests do the work. Kbuild, beside this file, lists the parts of the
# module.

# A kernel's release, as "uname -r" has it; empty for the pinned one.
KERNEL ?=
# Or its build tree, such as /lib/modules/RELEASE/build.
KDIR ?=

# The kernel's makefiles are not to take these variables for theirs.
MAKEOVERRIDES :=
kernel = $(if $(KDIR),--tree "$(KDIR)",$(KERNEL))

.PHONY: help module tools deb install uninstall dist demo test fuzz kunit bench soak nightly lint debug-kernel rust-analyzer clean

help:
	@echo 'make demo          the module at work: a real kernel in QEMU, too little memory'
	@echo 'make test          all tests that take minutes'
	@echo 'make fuzz          fuzz the engine, each target for SECONDS=60'
	@echo 'make kunit         the suites of kunit/, in the kernel with KASAN'
	@echo 'make module        build/vswap.ko for the pinned kernel; KERNEL=RELEASE for another, KDIR=DIRECTORY for its build tree'
	@echo 'make tools         build/vswapctl, which shows and changes the device'
	@echo 'make deb           build/deb/*.deb: vswapctl, the module, and its source for DKMS;'
	@echo '                   KERNEL=RELEASE for the module of another kernel'
	@echo 'make install       build for the running kernel, KERNEL= or KDIR=, and install; DESTDIR=, PREFIX='
	@echo 'make uninstall     remove what "make install" installed, with the same DESTDIR and PREFIX'
	@echo 'make dist          build/vswap-VERSION.tar.gz, which the files in packaging/ build from'
	@echo 'make bench         compare with zram, zswap and a plain swap device'
	@echo 'make soak          everything at once for MINUTES=30, with a report; SEED=N ON=kasan'
	@echo 'make nightly       the tests that take long, also on kernels with KASAN and KCSAN'
	@echo 'make lint          formatting, clippy, shellcheck, checkpatch'
	@echo 'make debug-kernel  build the kernels with KASAN and lockdep, and with KCSAN'
	@echo 'make rust-analyzer rust-project.json for an editor'
	@echo 'make clean         remove build/; what is cached stays'

module:
	@scripts/module $(kernel)

tools:
	@scripts/tools

deb: module
	@scripts/deb $(if $(KERNEL),--kernel $(KERNEL))

install:
	@scripts/install $(kernel)

uninstall:
	@scripts/install --uninstall

dist:
	@scripts/dist

demo: module
	@scripts/demo

test: module
	@tests/all

fuzz:
	@tests/fuzz/run --seconds $(or $(SECONDS),60)

kunit:
	@scripts/module kunit
	@kunit/run

bench: module
	@bench/run

soak:
	@scripts/module $(filter-out stock,$(ON))
	@tests/soak --kernel $(or $(ON),stock) --minutes $(or $(MINUTES),30) $(if $(SEED),--seed $(SEED))

nightly: module
	@scripts/module kasan
	@scripts/module kcsan
	@scripts/module kunit
	@tests/nightly

lint:
	@scripts/lint

debug-kernel:
	@scripts/debug-kernel kasan
	@scripts/debug-kernel kcsan

rust-analyzer:
	@scripts/rust-analyzer

clean:
	rm -rf build rust-project.json
