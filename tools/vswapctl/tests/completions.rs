// SPDX-License-Identifier: GPL-2.0-only

//! What each shell is offered: bash itself asks here, zsh and fish as their scripts would.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vswapctl");

fn drain() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/states/drain")
}

/// A machine with some block devices, and a directory with files.
fn machine() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let from = format!("{}/.", drain().display());
    let copied = Command::new("cp")
        .arg("-r")
        .arg(from)
        .arg(root.path())
        .status();
    assert!(copied.expect("cp").success());
    for (name, number, sectors, part) in [
        ("vdx", "4000:0", 1 << 21, Some("vdx1")),
        ("vdx1", "4000:1", 1 << 20, None),
        ("vdx2", "4000:2", 1 << 10, None),
        ("vdx3", "4000:3", 1 << 20, None),
        ("vdx4", "4000:4", 1 << 20, None),
        ("nvme0n1p3", "4001:3", 41_943_040, None),
    ] {
        let directory = root.path().join("sys/dev/block").join(number);
        fs::create_dir_all(directory.join("holders")).expect("a directory");
        let write = |file: &str, text: &str| fs::write(directory.join(file), text).expect("a file");
        write("size", &format!("{sectors}\n"));
        write("ro", if name == "vdx3" { "1\n" } else { "0\n" });
        write("dev", &format!("{number}\n"));
        if name == "vdx4" {
            write("holders/dm-0", "");
        }
        if let Some(part) = part {
            fs::create_dir(directory.join(part)).expect("a directory");
            write(&format!("{part}/partition"), "1\n");
        }
        let class = root.path().join("sys/class/block");
        fs::create_dir_all(&class).expect("a directory");
        symlink(directory, class.join(name)).expect("a link");
    }
    let tiers = root.path().join("sys/class/vswap/vswap0/tiers");
    let text = fs::read_to_string(&tiers).expect("tiers");
    fs::write(tiers, text.replacen(" state", " dev=4001:3 state", 1)).expect("a file");
    for link in [
        "by-partuuid/0a1b-03",
        "by-partuuid/0a1c-01",
        "by-label/a\\x20b",
    ] {
        let path = root.path().join("dev/disk").join(link);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, "").expect("a file");
    }
    let files = root.path().join("files");
    fs::create_dir_all(files.join("a b")).expect("a directory");
    for file in ["pci-0000:00:1f", "a b/swap file", "a\x1b[31mred"] {
        fs::write(files.join(file), "").expect("a file");
    }
    root
}

/// What bash puts in place of that word, with that line before the cursor.
fn bash(root: &Path, line: &str, word: &str) -> Vec<String> {
    let scripts = tempfile::tempdir().expect("a directory");
    let generated = Command::new(PROGRAM)
        .args(["generate", "completions", "--program", PROGRAM])
        .arg(scripts.path())
        .status();
    assert!(generated.expect("vswapctl").success());
    let output = Command::new("bash")
        .args(["--norc", "-c"])
        .arg(
            "source \"$1\"; COMP_LINE=$2 COMP_POINT=${#2}; _vswapctl vswapctl \"$3\" 2>/dev/null; \
             [ ${#COMPREPLY[@]} = 0 ] || printf '%s\\n' \"${COMPREPLY[@]}\"",
        )
        .arg("bash")
        .arg(scripts.path().join("vswapctl.bash"))
        .args([line, word])
        .env("VSWAP_ROOT", root)
        .current_dir(root.join("files"))
        .output()
        .expect("bash");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines()
        .filter(|line| !line.starts_with("--"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn bash_completes_disks_files_and_settings() {
    let machine = machine();
    for (line, word, expected) in [
        ("vswapctl rem", "rem", &["remove"][..]),
        ("vswapctl gen", "gen", &[]),
        ("vswapctl remove ", "", &["/dev/nvme0n1p3", "/var/swapfile"]),
        ("vswapctl remove /v", "/v", &["/var/swapfile"]),
        ("vswapctl get low", "low", &["low_watermark"]),
        ("vswapctl set comp_algorithm=", "", &["lz4", "zstd"]),
        ("vswapctl set size=1G comp_algorithm=z", "z", &["zstd"]),
        ("vswapctl set ram", "ram", &["ram_limit="]),
        ("vswapctl on --algorithm z", "z", &["zstd"]),
        // None that is too small, partitioned, read-only or in use.
        ("vswapctl add /dev/v", "/dev/v", &["/dev/vdx1"]),
        ("vswapctl add /dev/nvme0n1", "/dev/nvme0n1", &[]),
        ("vswapctl on --disk /dev/vdx", "/dev/vdx", &["/dev/vdx1"]),
        ("vswapctl add PARTU", "PARTU", &["PARTUUID="]),
        ("vswapctl add PARTUUID=0a", "0a", &["0a1b-03", "0a1c-01"]),
        ("vswapctl add LABEL=", "", &[]),
        ("vswapctl add pci-0000:00", "00", &["00:1f"]),
        ("vswapctl add a", "a", &["a\\ b/"]),
        ("vswapctl add a\\ b/", "a\\ b/", &["a\\ b/swap\\ file"]),
        ("vswapctl add \"a b/s", "a b/s", &["a b/swap file"]),
    ] {
        assert_eq!(bash(machine.path(), line, word), expected, "{line}");
    }
}

/// The answer to a shell of that name, asked as by its script.
fn told(shell: &str, root: &Path, words: &[&str]) -> String {
    let output = Command::new(PROGRAM)
        .env("_VSWAPCTL_COMPLETE", shell)
        .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
        .env("_CLAP_IFS", "\n")
        .env("VSWAP_ROOT", root)
        .arg("--")
        .args(words)
        .output()
        .expect("vswapctl");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn zsh_and_fish_get_descriptions() {
    let machine = machine();
    for (shell, words, line) in [
        (
            "zsh",
            &["vswapctl", "remove", ""][..],
            "/dev/nvme0n1p3:1.1G of 20G in use",
        ),
        (
            "fish",
            &["vswapctl", "remove", ""],
            "/var/swapfile\t355M of 4.0G in use",
        ),
        ("fish", &["vswapctl", "add", "/dev/"], "/dev/vdx1\t512M"),
        (
            "zsh",
            &["vswapctl", "set", "comp_algorithm=z"],
            "comp_algorithm=zstd",
        ),
        ("fish", &["vswapctl", "get", "si"], "size"),
    ] {
        let text = told(shell, machine.path(), words);
        assert!(
            text.lines().any(|one| one == line),
            "{shell}, {words:?}: {text}"
        );
    }
}

/// Each script asks in the form that the program expects, and calls the program that it was made for.
#[test]
fn scripts_call_the_program() {
    let scripts = tempfile::tempdir().expect("a directory");
    let generated = Command::new(PROGRAM)
        .args(["generate", "completions", "--program", "/usr/sbin/vswapctl"])
        .arg(scripts.path())
        .status();
    assert!(generated.expect("vswapctl").success());
    for (file, shell) in [
        ("vswapctl.bash", "bash"),
        ("_vswapctl", "zsh"),
        ("vswapctl.fish", "fish"),
    ] {
        let text = fs::read_to_string(scripts.path().join(file)).expect(file);
        for part in [
            &format!("_VSWAPCTL_COMPLETE={shell} "),
            "/usr/sbin/vswapctl -- ",
        ] {
            assert!(text.contains(part), "{file} lacks '{part}': {text}");
        }
    }
}
