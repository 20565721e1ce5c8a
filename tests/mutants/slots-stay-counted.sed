# SPDX-License-Identifier: GPL-2.0-only
# what: free slots stay counted when nothing has room
# file: src/device/free_slots.rs
# test: full
s/Room::None => area\.free_slots()/Room::None => 0/
