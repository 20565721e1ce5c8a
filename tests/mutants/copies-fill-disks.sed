# SPDX-License-Identifier: GPL-2.0-only
# what: slots of pages that are in memory as well are kept until a disk is full
# file: src/device/free_slots.rs
# test: kinds
s|Room::Little => {|Room::Little if true => 0,\n            Room::Little => {|
