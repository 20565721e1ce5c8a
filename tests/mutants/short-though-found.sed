# what: pages that find room now and then do not keep it from being a shortage
# file: src/engine/shortage.rs
# test: host
s/lasts.min(since_found)/lasts/
