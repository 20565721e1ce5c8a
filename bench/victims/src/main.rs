// SPDX-License-Identifier: GPL-2.0-only

//! Simulates which pages of the ram tier are written back, and counts the resulting reads from the
//! disk.
//!
//! Memory keeps the pages that were used last. A page that leaves it is stored in a virtual slot, in
//! the ram tier; pages that the tier has no room for go to the disk. A page that is touched comes
//! back and frees its slot.

mod lru;
mod policy;
mod random;
mod slots;
mod traces;

use lru::Lru;
use policy::{AtRandom, ByPart, Generations, PageLru, Policy};
use random::Random;
use slots::Slots;
use traces::Trace;

/// The number of pages. A quarter of them fits into memory and a fifth into the ram tier.
const PAGES: usize = 200_000;

/// How often each page is touched, on average. The second half counts.
const TOUCHES: usize = 20;

#[derive(Default)]
struct Result {
    from_ram: u64,
    from_disk: u64,
    written: u64,
    scans: u64,
}

fn simulate(pages: usize, trace: &mut Trace, policy: &mut dyn Policy) -> Result {
    let (memory, ram_tier) = (pages / 4, pages / 5);
    let low = ram_tier * 95 / 100;
    let touches = pages * TOUCHES;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut resident = Lru::new(pages);
    let mut slots = Slots::new();
    let mut slot_of: Vec<Option<usize>> = vec![None; pages];
    let mut on_disk = vec![false; pages];
    let mut in_tier = 0;
    let mut result = Result::default();
    let mut victims = Vec::new();
    for touch in 0..touches {
        if touch == touches / 2 {
            result = Result {
                scans: policy.scans(),
                ..Result::default()
            };
        }
        let page = trace.next(&mut random);
        let i = page as usize;
        if resident.has(page) {
            resident.remove(page);
        } else if let Some(slot) = slot_of[i].take() {
            if on_disk[i] {
                result.from_disk += 1;
                on_disk[i] = false;
            } else {
                result.from_ram += 1;
                policy.freed(page, slot);
                in_tier -= 1;
            }
            slots.give_back(slot);
        }
        resident.push(page);
        while resident.len > memory {
            let Some(out) = resident.oldest() else { break };
            resident.remove(out);
            let slot = slots.take(out);
            slot_of[out as usize] = Some(slot);
            policy.stored(out, slot);
            in_tier += 1;
        }
        if in_tier > ram_tier {
            while in_tier > low {
                victims.clear();
                policy.victims(&slots, &mut victims);
                for (page, slot) in victims.drain(..) {
                    policy.freed(page, slot);
                    on_disk[page as usize] = true;
                    in_tier -= 1;
                    result.written += 1;
                }
            }
        }
    }
    result.scans = policy.scans() - result.scans;
    result
}

fn main() {
    type Make = fn() -> Box<dyn Policy>;
    let policies: [(&str, Make); 9] = [
        ("page LRU", || Box::new(PageLru::new(PAGES))),
        ("at random", || Box::new(AtRandom::new(PAGES))),
        ("cluster, last store", || Box::new(ByPart::new(512, false))),
        ("cluster, mean of stores", || {
            Box::new(ByPart::new(512, true))
        }),
        ("quarter, last store", || Box::new(ByPart::new(128, false))),
        ("quarter, mean of stores", || {
            Box::new(ByPart::new(128, true))
        }),
        ("2 generations", || Box::new(Generations::new(2))),
        ("4 generations", || Box::new(Generations::new(4))),
        ("8 generations", || Box::new(Generations::new(8))),
    ];
    type MakeTrace = fn(&mut Random) -> Trace;
    let traces: [(&str, MakeTrace); 5] = [
        ("Zipf 0.8", |random| Trace::zipf(PAGES, 0.8, random)),
        ("Zipf 1.0", |random| Trace::zipf(PAGES, 1.0, random)),
        ("90 % to 15 %", |random| Trace::bimodal(PAGES, 15, random)),
        ("90 % to 30 %", |random| Trace::bimodal(PAGES, 30, random)),
        ("Zipf 0.8, scans", |random| Trace::scan(PAGES, random)),
    ];
    println!("| trace | policy | from disk, % of refaults | way from LRU to random, % | written, pages | clusters looked through for 1000 written |");
    println!("|---|---|--:|--:|--:|--:|");
    for (name, make) in traces {
        let mut ends = [0.0; 2];
        for (index, (policy, new)) in policies.iter().enumerate() {
            let mut trace = make(&mut Random(12345));
            let result = simulate(PAGES, &mut trace, new().as_mut());
            let refaults = (result.from_ram + result.from_disk) as f64;
            let share = 100.0 * result.from_disk as f64 / refaults;
            if index < 2 {
                ends[index] = share;
            }
            // Between equal ends there is no way.
            let way = match ends[1] - ends[0] {
                apart if apart.abs() < 0.5 => "–".into(),
                apart => format!("{:.0}", 100.0 * (share - ends[0]) / apart),
            };
            println!(
                "| {name} | {policy} | {share:.1} | {way} | {} | {:.0} |",
                result.written,
                1000.0 * result.scans as f64 / result.written.max(1) as f64,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the order matters, generations lose no more than a quarter of what a random choice loses.
    #[test]
    fn generations_are_nearly_a_list_of_all_pages() {
        const FEW: usize = 20_000;
        let make: [fn(&mut Random) -> Trace; 3] = [
            |random| Trace::zipf(FEW, 1.0, random),
            |random| Trace::bimodal(FEW, 30, random),
            |random| Trace::scan(FEW, random),
        ];
        for make in make {
            let from_disk = |policy: &mut dyn Policy| {
                let mut trace = make(&mut Random(12345));
                simulate(FEW, &mut trace, policy).from_disk
            };
            let best = from_disk(&mut PageLru::new(FEW));
            let worst = from_disk(&mut AtRandom::new(FEW));
            let ours = from_disk(&mut Generations::new(8));
            assert!(ours <= best + (worst - best) / 4, "{best} {ours} {worst}");
        }
    }
}
