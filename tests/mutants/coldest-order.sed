# SPDX-License-Identifier: GPL-2.0-only
# what: of the clusters, others than the coldest are kept
# file: src/engine/coldest.rs
# test: host
s/other >= age/other <= age/
