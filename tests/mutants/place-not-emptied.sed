# SPDX-License-Identifier: GPL-2.0-only
# what: a page stored again before a sweep does not get the place that it has on a disk
# file: src/device/store.rs
# test: kunit
s/emptied\.then(|| disks\.claim(place))?/emptied.then(|| None)?/
s/let emptied = self\.device\.empty(&Pinned::new(), pinned, &\[\]);/let emptied = false;/
