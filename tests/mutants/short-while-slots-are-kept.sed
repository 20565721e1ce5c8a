# what: nothing has room, whatever stored pages are in memory as well
# file: src/engine/shortage.rs
# test: host
s/(lasts.min(since_found) >= LONGEST_MS || !can_free())/(lasts < u64::MAX || can_free())/
