# what: stored pages that are in memory as well are not counted
# file: src/device/room.rs
# test: full
s/in_memory.pages.saturating_add(stored) >/stored >/
