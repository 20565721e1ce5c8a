# SPDX-License-Identifier: GPL-2.0-only
# what: nobody waits for those in a bay
# file: src/engine/bay.rs
# test: models drain
s/^            self\.sections\.wait();$//
