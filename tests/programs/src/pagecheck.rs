// SPDX-License-Identifier: GPL-2.0-only
//! Fills memory with pages that can be recomputed, has them swapped out, rewritten,
//! discarded and shared, and compares every byte after it came back. Exit status 1 means
//! that a byte was wrong or could not be read.

mod area;
mod content;

use area::{Area, Backing};
use clap::Parser;
use content::{Kind, Mix, Rng, Words, PAGE, WORDS};
use std::fs::File;
use std::io::Result;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{exit, ExitCode};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::Barrier;
use std::time::Duration;

#[derive(Parser)]
#[command(about = "Compares every byte of memory that was swapped out and came back")]
struct Options {
    /// MiB to fill
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    size: u32,
    /// Kinds of pages: same, compressible, random, or shares such as same=50,random=50
    #[arg(long, default_value = "same=40,compressible=40,random=20")]
    mix: Mix,
    #[arg(long, value_enum, default_value = "anon")]
    memory: Backing,
    /// Threads, each with its own part of the pages
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,
    /// Rounds of rewriting and discarding pages, each followed by a comparison
    #[arg(long, default_value_t = 0)]
    rounds: u32,
    /// Share of the pages that a round rewrites with new contents
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(0..=100))]
    rewrite: u32,
    /// Share of the pages that a round discards and fills anew
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=100))]
    discard: u32,
    /// Push pages out with MADV_PAGEOUT before each comparison
    #[arg(long)]
    pageout: bool,
    /// At the end, this many threads compare all pages at the same time
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=64))]
    readers: u32,
    /// At the end, fork: parent and child dirty different pages, then both compare all
    #[arg(long)]
    fork: bool,
    /// After the first fill, fork a child that keeps the slots of all pages in use, and compare all
    #[arg(long)]
    keep_slots: bool,
    /// After the first fill, create this file and go on when it is gone
    #[arg(long)]
    hold: Option<PathBuf>,
    /// Hold after that many rounds instead
    #[arg(long, default_value_t = 0)]
    hold_after: u32,
    /// Count pages that can't be read back, and compare the others
    #[arg(long)]
    may_lose: bool,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Wrong bytes are listed up to this many pages; counting continues.
const LISTED: u64 = 20;
static WRONG: AtomicU64 = AtomicU64::new(0);
static COMPARED: AtomicU64 = AtomicU64::new(0);
static LOST: AtomicU64 = AtomicU64::new(0);

/// Prints which page differs where from `expected`. Returns whether it does.
fn compare(got: &Words, expected: &Words, name: &str, page: usize, version: u32) -> bool {
    COMPARED.fetch_add(1, Ordering::Relaxed);
    if got == expected {
        return false;
    }
    let bytes = |words: &Words| words.map(u64::to_ne_bytes).concat();
    let (got, expected) = (bytes(got), bytes(expected));
    let differing = got.iter().zip(&expected).filter(|(a, b)| a != b).count();
    let offset = got
        .iter()
        .zip(&expected)
        .position(|(a, b)| a != b)
        .unwrap_or(0);
    if WRONG.fetch_add(1, Ordering::Relaxed) < LISTED {
        eprintln!(
            "pagecheck: wrong byte: page {page} ({name}, version {version}), offset {offset:#x}: \
             expected {:#04x}, got {:#04x}; {differing} bytes of the page differ",
            expected[offset], got[offset]
        );
    }
    true
}

/// The page numbers of one thread and the current version of each of its pages.
struct Part<'a> {
    area: &'a Area,
    options: &'a Options,
    pages: Range<usize>,
    versions: &'a mut [u32],
}

impl Part<'_> {
    fn words(&mut self, page: usize) -> &mut Words {
        assert!(self.pages.contains(&page));
        // SAFETY: the page is inside the mapping, aligned, and only this thread uses it.
        unsafe { &mut *self.area.page(page).cast::<Words>() }
    }

    fn write(&mut self, page: usize) {
        let version = self.versions[page - self.pages.start];
        let (mix, seed) = (self.options.mix, self.options.seed);
        content::fill(mix, seed, page as u64, version, self.words(page));
    }

    /// Pages are swapped out a stretch at a time, so that not all of them have to fit into memory.
    fn fill(&mut self) -> Result<()> {
        const STRETCH: usize = (8 << 20) / PAGE;
        for start in self.pages.clone().step_by(STRETCH) {
            let stretch = start..self.pages.end.min(start + STRETCH);
            stretch.clone().for_each(|page| self.write(page));
            self.page_out(stretch)?;
        }
        Ok(())
    }

    fn page_out(&self, pages: Range<usize>) -> Result<()> {
        if self.options.pageout {
            self.area.page_out(pages.start, pages.len())?;
        }
        Ok(())
    }

    fn compare(&self) -> Result<()> {
        compare_range(self.area, self.options, self.pages.clone(), self.versions)
    }

    fn share(&self, percent: u32) -> usize {
        self.pages.len() * percent as usize / 100
    }

    fn rewrite(&mut self, rng: &mut Rng) {
        for _ in 0..self.share(self.options.rewrite) {
            let index = rng.below(self.pages.len() as u64) as usize;
            self.versions[index] += 1;
            self.write(self.pages.start + index);
        }
    }

    /// Discards runs of pages, checks that they read as zero, and refills them.
    fn discard(&mut self, rng: &mut Rng) -> Result<()> {
        let mut left = self.share(self.options.discard);
        while left > 0 {
            let start = self.pages.start + rng.below(self.pages.len() as u64) as usize;
            let count = left
                .min(self.pages.end - start)
                .min(1 + rng.below(64) as usize);
            self.area.discard(start, count)?;
            for page in start..start + count {
                let version = self.versions[page - self.pages.start];
                compare(self.words(page), &[0; WORDS], "discarded", page, version);
                self.versions[page - self.pages.start] += 1;
                self.write(page);
            }
            left -= count;
        }
        Ok(())
    }

    fn run(&mut self, filled: &Barrier, go_on: &Barrier) -> Result<()> {
        self.fill()?;
        if self.options.keep_slots {
            fork_and_wait()?;
            self.compare()?;
        }
        for round in 0..=self.options.rounds {
            if round > 0 {
                let mut rng = Rng::of_page(!self.options.seed, self.pages.start as u64, round);
                self.rewrite(&mut rng);
                self.discard(&mut rng)?;
                self.page_out(self.pages.clone())?;
            }
            if round == self.options.hold_after {
                filled.wait();
                go_on.wait();
            }
            self.compare()?;
        }
        Ok(())
    }
}

/// Compares pages that nobody writes meanwhile; `versions` starts at the range's first page.
fn compare_range(
    area: &Area,
    options: &Options,
    pages: Range<usize>,
    versions: &[u32],
) -> Result<()> {
    let mut expected = [0; WORDS];
    // Here a page that can't be read back is an error, not a signal.
    let memory = options.may_lose.then(|| File::open("/proc/self/mem"));
    let memory = memory.transpose()?;
    for (page, &version) in pages.zip(versions) {
        content::fill(
            options.mix,
            options.seed,
            page as u64,
            version,
            &mut expected,
        );
        let mut copy = [0; PAGE];
        let got = match &memory {
            Some(memory) => {
                if memory
                    .read_exact_at(&mut copy, area.page(page) as u64)
                    .is_err()
                {
                    LOST.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                &content::words(&copy)
            }
            // SAFETY: inside the mapping, aligned, and not written by any thread now.
            None => unsafe { &*area.page(page).cast::<Words>() },
        };
        let kind: Kind = content::kind_of(options.mix, options.seed, page as u64, version);
        compare(got, &expected, kind.name(), page, version);
    }
    Ok(())
}

/// Runs all parts, each in a thread of its own, through fill, comparison and rounds.
fn run_parts(area: &Area, options: &Options, versions: &mut [u32]) -> Result<()> {
    let per_part = area.pages().div_ceil(options.threads as usize);
    let parts = versions
        .chunks_mut(per_part)
        .enumerate()
        .map(|(index, versions)| Part {
            area,
            options,
            pages: index * per_part..index * per_part + versions.len(),
            versions,
        });
    let parts: Vec<_> = parts.collect();
    let (filled, go_on) = (Barrier::new(parts.len() + 1), Barrier::new(parts.len() + 1));
    let (filled, go_on) = (&filled, &go_on);
    std::thread::scope(|scope| {
        let threads: Vec<_> = parts
            .into_iter()
            .map(|mut part| {
                scope.spawn(move || {
                    // A thread that leaves early would keep the others waiting.
                    part.run(filled, go_on)
                        .unwrap_or_else(|error| fail(&format!("{error}")))
                })
            })
            .collect();
        filled.wait();
        let held = options.hold.as_deref().map_or(Ok(()), hold);
        go_on.wait();
        for thread in threads {
            thread.join().unwrap_or_else(|_| exit(1));
        }
        held
    })
}

fn hold(path: &Path) -> Result<()> {
    std::fs::write(path, "filled\n")?;
    while path.exists() {
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// All readers start at once and read the same pages in the same order, so that several
/// of them want a swapped-out page at the same time.
fn read_together(area: &Area, options: &Options, versions: &[u32], readers: u32) {
    let start = Barrier::new(readers as usize);
    std::thread::scope(|scope| {
        for _ in 0..readers {
            scope.spawn(|| {
                start.wait();
                compare_range(area, options, 0..area.pages(), versions)
                    .unwrap_or_else(|error| fail(&format!("{error}")));
            });
        }
    });
}

/// Forks a child that does nothing, and ends with this thread.
fn fork_and_wait() -> Result<()> {
    // SAFETY: the child only makes system calls.
    match unsafe { libc::fork() } {
        -1 => Err(std::io::Error::last_os_error()),
        0 => unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            loop {
                libc::pause();
            }
        },
        _ => Ok(()),
    }
}

/// Of every four pages the child dirties the second, the parent the third, both the fourth
/// with different contents; then each compares all of its own view.
fn fork_and_compare(area: &Area, options: &Options, versions: &mut [u32]) -> Result<()> {
    // SAFETY: no other thread runs now.
    let pid = unsafe { libc::fork() };
    if pid < 0 {
        return Err(std::io::Error::last_os_error());
    }
    let child = pid == 0;
    let (own, step) = if child { (1, 1) } else { (2, 2) };
    let mut part = Part {
        area,
        options,
        pages: 0..area.pages(),
        versions,
    };
    for page in 0..area.pages() {
        if page % 4 == own || page % 4 == 3 {
            part.versions[page] += step;
            part.write(page);
        }
    }
    part.page_out(0..area.pages())?;
    part.compare()?;
    if child {
        exit(i32::from(WRONG.load(Ordering::Relaxed) != 0));
    }
    let mut status = 0;
    // SAFETY: waits for our own child.
    if unsafe { libc::waitpid(pid, &mut status, 0) } != pid || status != 0 {
        eprintln!("pagecheck: the child ended with wait status {status:#x}");
        WRONG.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

fn fail(message: &str) -> ! {
    eprintln!("pagecheck: {message}");
    exit(1)
}

static AREA_START: AtomicUsize = AtomicUsize::new(0);
static AREA_LENGTH: AtomicUsize = AtomicUsize::new(0);

/// A page that can't be read back from swap arrives as SIGBUS.
extern "C" fn on_bus_error(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo of SIGBUS; only calls that are allowed in
    // a signal handler follow.
    unsafe {
        let offset = ((*info).si_addr() as usize).wrapping_sub(AREA_START.load(Ordering::Relaxed));
        let mut text = *b"pagecheck: read error (SIGBUS) at page                     \n";
        if offset < AREA_LENGTH.load(Ordering::Relaxed) {
            let mut rest = offset / PAGE;
            for digit in text[39..58].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
                if rest == 0 {
                    break;
                }
            }
        }
        libc::write(2, text.as_ptr().cast(), text.len());
        libc::_exit(1);
    }
}

fn catch_bus_errors(area: &Area) {
    AREA_START.store(area.address(), Ordering::Relaxed);
    AREA_LENGTH.store(area.pages() * PAGE, Ordering::Relaxed);
    // SAFETY: a zeroed sigaction is a valid one, and the handler has the right signature.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_bus_error as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        libc::sigaction(libc::SIGBUS, &action, std::ptr::null_mut());
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.fork && options.memory == Backing::Shmem {
        fail("--fork needs private memory");
    }
    if options.hold_after > options.rounds {
        fail("--hold-after needs as many --rounds");
    }
    let pages = ((options.size as usize) << 20) / PAGE;
    let area =
        Area::new(pages, options.memory).unwrap_or_else(|error| fail(&format!("mmap: {error}")));
    area.lock_all_else()
        .unwrap_or_else(|error| fail(&format!("mlockall: {error}")));
    catch_bus_errors(&area);
    let mut versions = vec![0; pages];
    let result = run_parts(&area, &options, &mut versions).and_then(|()| {
        if options.readers > 0 {
            if options.pageout {
                area.page_out(0, pages)?;
            }
            read_together(&area, &options, &versions, options.readers);
        }
        if options.fork {
            fork_and_compare(&area, &options, &mut versions)?;
        }
        Ok(())
    });
    if let Err(error) = result {
        fail(&format!("{error}"));
    }
    let [compared, wrong, lost] =
        [&COMPARED, &WRONG, &LOST].map(|count| count.load(Ordering::Relaxed));
    println!(
        "pagecheck: {} MiB of {:?} memory, {} thread(s), {} round(s), seed {}: {compared} pages compared, {wrong} wrong, {lost} lost",
        options.size, options.memory, options.threads, options.rounds, options.seed
    );
    ExitCode::from(u8::from(wrong != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &str) -> Options {
        Options::parse_from(format!("pagecheck --size 1 {arguments}").split(' '))
    }

    #[test]
    fn a_changed_byte_is_found_and_a_right_page_is_not() {
        let options = options("--mix random");
        let area = Area::new(256, Backing::Anon).unwrap();
        let mut versions = vec![0; 256];
        run_parts(&area, &options, &mut versions).unwrap();
        let wrong = || {
            let before = WRONG.load(Ordering::Relaxed);
            compare_range(&area, &options, 0..256, &versions).unwrap();
            WRONG.load(Ordering::Relaxed) - before
        };
        assert_eq!(wrong(), 0);
        // SAFETY: inside the mapping; no other thread uses it.
        let page = unsafe { std::slice::from_raw_parts_mut(area.page(17), PAGE) };
        page[4095] ^= 1;
        assert_eq!(wrong(), 1);
        page[4095] ^= 1;
        versions[17] += 1;
        compare_range(&area, &options, 0..256, &versions).unwrap();
        assert!(WRONG.load(Ordering::Relaxed) > 1);
    }
}
