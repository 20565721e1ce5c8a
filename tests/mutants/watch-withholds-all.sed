# what: the watch withholds all free slots when nothing has room, though no store has failed for a second
# file: src/device/room.rs
# test: full
s/Room::None => Room::Little,/Room::None => Room::None,/
