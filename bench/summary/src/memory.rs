// SPDX-License-Identifier: GPL-2.0-only
//! What a slot in use costs in memory, and how often the last used cluster was the right one.

use crate::records::{Guest, Record};
use serde::{Deserialize, Serialize};

/// `struct zram_table_entry`, in drivers/block/zram/zram_drv.h of Linux 7.3: a handle, and a
/// word of flags and the time of the last access. There is one for each page of the disk's size.
const ZRAM_ENTRY: u64 = 16;

/// The memory of a filled device.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub struct Memory {
    pub peer: String,
    pub workload: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    /// Slots in use.
    pub slots: u64,
    /// Bytes of tables and the like.
    pub metadata: u64,
    /// Bytes of the pool that the pages lie in.
    pub pool: u64,
    /// Look-ups of a cluster in the whole run, and how many of them the last used one answered.
    pub lookups: Option<(u64, u64)>,
}

/// Those of the last round.
pub fn of(guest: &Guest, records: &[Record]) -> Vec<Memory> {
    let last = records.iter().map(|record| record.round).max();
    let measured = records.iter().filter(|record| Some(record.round) == last);
    measured
        .filter_map(|record| {
            let value = |name: &str| record.stat.get(name).copied();
            let metadata = match record.peer.as_str() {
                "zram" => guest.device_mib * 256 * ZRAM_ENTRY,
                _ => value("metadata_bytes")?,
            };
            Some(Memory {
                peer: record.peer.clone(),
                workload: record.workload.clone(),
                at: record.at,
                slots: value("used_slots").filter(|&slots| slots > 0)?,
                metadata,
                pool: value("pool_bytes")?,
                lookups: value("lookups").zip(value("mru_hits")),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zram_pays_for_its_whole_size() {
        let guest = Guest {
            kernel: String::new(),
            cpus: 1,
            memory_mib: 1,
            device_mib: 256,
        };
        let record = |peer: &str, stat: &[(&str, u64)]| Record {
            peer: peer.to_owned(),
            round: 1,
            workload: "same".to_owned(),
            at: None,
            phases: [].into(),
            stat: stat
                .iter()
                .map(|&(name, value)| (name.to_owned(), value))
                .collect(),
            vmstat: [].into(),
        };
        let all = [
            record("plain", &[]),
            record("zram", &[("used_slots", 1024), ("pool_bytes", 0)]),
        ];
        let memory = of(&guest, &all);
        assert_eq!(memory.len(), 1);
        assert_eq!(memory[0].metadata, 65536 * 16);
        assert_eq!(memory[0].lookups, None);
    }
}
