# SPDX-License-Identifier: GPL-2.0-only
# what: nobody writes back when the machine has little memory
# file: src/device/shrink.rs
# test: shrinker
s/self\.asked\.ask(pages, all,/self.asked.ask(pages.min(0), all,/
