// SPDX-License-Identifier: GPL-2.0-only

//! Each output, for machines in several states, is compared with a recorded one in `tests/outputs/`.
//! `SNAPSHOTS=overwrite` records it again. The machines are in `tests/states/`.

use snapbox::data::DataFormat;
use snapbox::{Assert, Data};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(path)
}

fn vswapctl(state: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vswapctl"));
    command
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .env("COLUMNS", "80")
        .arg("--root")
        .arg(here("states").join(state));
    command
}

/// The output, the messages and the status.
fn shown(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    match output.status.code() {
        Some(0) => {}
        code => text.push_str(&format!("(status {code:?})\n")),
    }
    text.replace(env!("CARGO_MANIFEST_DIR"), "HERE")
}

fn same(name: &str, text: &str) {
    // Literally: backslashes and brackets have no special meaning.
    let expected = Data::read_from(&here("outputs").join(name), Some(DataFormat::Text)).raw();
    Assert::new()
        .action_env("SNAPSHOTS")
        .normalize_paths(false)
        .eq(text, expected);
}

fn check(name: &str, state: &str, arguments: &[&str]) {
    let output = vswapctl(state).args(arguments).output().expect("vswapctl");
    same(name, &shown(&output));
}

#[test]
fn status_of_each_state() {
    for state in ["fresh", "ram", "drain", "packed", "failed", "none"] {
        check(&format!("status-{state}"), state, &["status"]);
    }
}

#[test]
fn status_with_colours() {
    check(
        "status-drain-colours",
        "drain",
        &["status", "--color=always"],
    );
}

#[test]
fn status_in_ascii_and_other_widths() {
    for (name, locale, columns) in [
        ("status-drain-ascii", "C", "80"),
        ("status-drain-160", "C.UTF-8", "160"),
        ("status-drain-160-colours", "C.UTF-8", "160"),
        ("status-failed-60", "C.UTF-8", "60"),
    ] {
        let state = name.split('-').nth(1).expect("a state");
        let mut command = vswapctl(state);
        command
            .env("LC_ALL", locale)
            .env("COLUMNS", columns)
            .arg("status");
        if name.ends_with("colours") {
            command.arg("--color=always");
        }
        same(name, &shown(&command.output().expect("vswapctl")));
    }
}

#[test]
fn no_line_is_wider_than_the_screen() {
    for state in ["fresh", "ram", "drain", "failed", "odd"] {
        for columns in [20, 40, 60, 80, 100, 160] {
            for command in [
                &["status", "--color=always"][..],
                &["status", "--explain"],
                &["top", "--once", "--interval", "0.1"],
            ] {
                let output = vswapctl(state)
                    .env("COLUMNS", columns.to_string())
                    .args(command)
                    .output();
                let output = output.expect("vswapctl");
                assert!(output.status.success(), "{}", shown(&output));
                let text = anstream::adapter::strip_bytes(&output.stdout).into_vec();
                for line in String::from_utf8_lossy(&text).lines() {
                    assert!(
                        vswapctl::look::columns(line) <= columns,
                        "{state}, {columns}: {line}"
                    );
                }
            }
        }
    }
}

/// `odd` has a newer module, a file whose name contains escape sequences, and figures beyond all bounds.
#[test]
fn odd_states_are_shown_safely() {
    for (name, arguments) in [
        ("status-odd", &["status"][..]),
        (
            "table-odd",
            &["status", "--list", "--output", "NAME,STATE,DATA"],
        ),
        ("json-odd", &["status", "--json"]),
        ("get-odd", &["get"]),
        ("top-odd", &["top", "--once", "--interval", "0.1"]),
        ("metrics-odd", &["metrics"]),
        ("check-odd", &["check"]),
    ] {
        let output = vswapctl("odd").args(arguments).output().expect("vswapctl");
        assert!(!output.stdout.contains(&0x1b), "{name}");
        assert!(!output.stderr.contains(&0x1b), "{name}");
        same(name, &shown(&output));
    }
}

/// Standard output and error may be closed or full.
#[test]
fn closed_and_full_outputs_are_handled() {
    for (command, status) in [
        ("status >/dev/full", 1),
        ("check 2>/dev/full >/dev/null", 1),
        ("check >/dev/full 2>/dev/full", 1),
        ("add /dev/sdz 2>/dev/full", 4),
        ("add /dev/sdz 2>&-", 4),
        ("status >&-", 0),
        ("get colour 2>/dev/full", 2),
    ] {
        let state = if status == 4 { "none" } else { "failed" };
        let program = env!("CARGO_BIN_EXE_vswapctl");
        let root = here("states").join(state);
        let line = format!("'{program}' --root '{}' {command}", root.display());
        let result = Command::new("sh").arg("-c").arg(line).status();
        assert_eq!(result.expect("sh").code(), Some(status), "{command}");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("status");
    let line = format!(
        "{{ '{}' --root '{}' check; echo $? >'{}'; }} 2>/dev/null | true",
        env!("CARGO_BIN_EXE_vswapctl"),
        here("states/failed").display(),
        file.display()
    );
    let result = Command::new("sh").arg("-c").arg(line).status();
    assert!(result.expect("sh").success());
    assert_eq!(fs::read_to_string(file).expect("a status"), "1\n");
}

/// A copy of a state, for changes.
fn copy_of(state: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let from = here("states").join(state);
    let copied = Command::new("cp")
        .arg("-r")
        .arg(format!("{}/.", from.display()))
        .arg(root.path())
        .status();
    assert!(copied.expect("cp").success());
    root
}

fn in_root(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vswapctl"));
    command.env_clear().env("LC_ALL", "C.UTF-8").arg("--root");
    command
        .arg(root)
        .args(arguments)
        .output()
        .expect("vswapctl")
}

#[test]
fn set_accepts_the_output_of_get() {
    let root = copy_of("drain");
    let size = root.path().join("sys/class/vswap/vswap0/size");
    fs::write(&size, "17179873280\n").expect("a size");
    // It changes nothing and so writes nothing. A write would lose the newline.
    let said = in_root(root.path(), &["get"]);
    let text = String::from_utf8(said.stdout).expect("text");
    let settings: Vec<&str> = text.lines().collect();
    assert!(settings.contains(&"size=16777220K"), "{text}");
    let output = in_root(root.path(), &[&["set"], &settings[..]].concat());
    assert!(output.status.success(), "{}", shown(&output));
    assert_eq!(fs::read_to_string(&size).expect("a size"), "17179873280\n");
}

/// A value that the module rounds is set only once.
#[test]
fn rounded_values_are_not_set_again() {
    let root = copy_of("drain");
    let size = root.path().join("sys/class/vswap/vswap0/size");
    // The RAM there is 8 GiB.
    fs::write(&size, "2834677760\n").expect("a size");
    let output = in_root(root.path(), &["set", "size=33%"]);
    assert!(output.status.success(), "{}", shown(&output));
    assert_eq!(fs::read_to_string(&size).expect("a size"), "2834677760\n");
}

/// The terminal is restored, whatever ends the program.
#[test]
fn top_gives_the_terminal_back() {
    for signal in ["TERM", "HUP", "INT"] {
        let program = env!("CARGO_BIN_EXE_vswapctl");
        let root = here("states/drain");
        let line = format!(
            "timeout --foreground --kill-after 30 -s {signal} 2 '{program}' --root '{}' top; stty -a | tr ' ' '\\n' >SETTINGS",
            root.display()
        );
        let directory = tempfile::tempdir().expect("a directory");
        // `script` ends when its program does. It has a terminal of its own.
        let output = Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "typescript"])
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh")
            .current_dir(directory.path())
            .output()
            .expect("script");
        let settings = fs::read_to_string(directory.path().join("SETTINGS"));
        let settings = settings.unwrap_or_else(|_| panic!("{}", shown(&output)));
        for setting in ["icanon", "echo", "isig"] {
            let is_set = settings
                .lines()
                .any(|word| word.trim_end_matches(';') == setting);
            assert!(is_set, "{setting} after SIG{signal}: {settings}");
        }
        let typed = fs::read(directory.path().join("typescript")).expect("a script");
        let typed = String::from_utf8_lossy(&typed);
        assert!(typed.contains("\x1b[?1049h"), "it was drawn: {typed}");
        assert!(typed.contains("\x1b[?1049l"), "and taken away: {typed}");
    }
}

#[test]
fn colours_only_when_wanted() {
    let has_colours = |command: &mut Command| {
        let output = command.output().expect("vswapctl");
        output.stdout.contains(&0x1b)
    };
    assert!(!has_colours(vswapctl("drain").arg("status")));
    assert!(has_colours(
        vswapctl("drain").args(["status", "--color=always"])
    ));
    assert!(has_colours(
        vswapctl("drain").env("CLICOLOR_FORCE", "1").arg("status")
    ));
    let mut both = vswapctl("drain");
    assert!(!has_colours(
        both.env("CLICOLOR_FORCE", "1")
            .env("NO_COLOR", "1")
            .arg("status")
    ));
}

#[test]
fn tables() {
    check("table", "drain", &["status", "--list"]);
    let columns = "NAME,DATA,USED,RATIO,PACKED,LIVE,AMPLIFICATION,DISCARDED";
    check("table-packed", "packed", &["status", "-o", columns]);
    check("table-all", "failed", &["status", "--output-all"]);
    check(
        "table-raw",
        "drain",
        &[
            "status",
            "--raw",
            "--bytes",
            "--noheadings",
            "--output",
            "name,KIND,state,data,used",
        ],
    );
    check("json", "drain", &["status", "--json"]);
    check(
        "json-columns",
        "failed",
        &["status", "--json", "--output", "NAME,USED,ERRORS"],
    );
    check(
        "table-no-column",
        "drain",
        &["status", "--output", "COLOUR"],
    );
}

#[test]
fn explanations_and_bytes() {
    check("status-explain", "drain", &["status", "--explain"]);
    check("status-bytes", "ram", &["status", "--bytes"]);
}

/// The parts in the JSON document and in the table add up to the sum.
#[test]
fn parts_add_up() {
    for state in ["fresh", "ram", "drain", "failed"] {
        let output = vswapctl(state)
            .args(["status", "--json"])
            .output()
            .expect("vswapctl");
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let number = |value: &serde_json::Value| value.as_u64().expect("a number");
        let parts = json["parts"].as_array().expect("parts");
        let sum: u64 = parts.iter().map(|part| number(&part["data"])).sum();
        assert_eq!(sum, number(&json["used"]), "{state}");
        assert_eq!(sum, number(&json["stat"]["used_slots"]) * 4096, "{state}");
        let arguments = [
            "status",
            "--raw",
            "--noheadings",
            "--bytes",
            "--output",
            "DATA",
        ];
        let output = vswapctl(state).args(arguments).output().expect("vswapctl");
        let text = String::from_utf8(output.stdout).expect("text");
        let table: u64 = text
            .lines()
            .map(|line| line.parse::<u64>().expect("a number"))
            .sum();
        assert_eq!(sum, table, "{state}");
    }
}

#[test]
fn metrics() {
    for state in ["drain", "packed", "failed", "none"] {
        check(&format!("metrics-{state}"), state, &["metrics"]);
    }
}

/// As the format requires: each value has a name that was described before.
#[test]
fn metrics_are_well_formed() {
    let output = vswapctl("failed")
        .arg("metrics")
        .output()
        .expect("vswapctl");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut described = "";
    let mut families = std::collections::BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert!(["gauge", "counter"].contains(&kind), "{line}");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
            assert!(families.insert(name), "{name} comes twice");
            described = name;
        } else if !line.starts_with("# HELP ") {
            let name = line.split(['{', ' ']).next().expect("a name");
            assert_eq!(name, described, "{line}");
            let value = line.rsplit(' ').next().expect("a value");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
}

#[test]
fn metrics_in_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("vswap.prom");
    let output = vswapctl("drain")
        .arg("metrics")
        .arg("--output")
        .arg(&file)
        .output();
    assert!(output.expect("vswapctl").status.success());
    let expected = fs::read_to_string(here("outputs/metrics-drain")).expect("metrics");
    assert_eq!(fs::read_to_string(&file).expect("metrics"), expected);
    assert_eq!(
        fs::read_dir(directory.path()).expect("a directory").count(),
        1
    );
    let nowhere = directory.path().join("nowhere/vswap.prom");
    let output = vswapctl("drain")
        .arg("metrics")
        .arg("--output")
        .arg(nowhere)
        .output();
    assert_eq!(output.expect("vswapctl").status.code(), Some(1));
}

#[test]
fn checks() {
    for state in ["fresh", "failed", "none"] {
        check(&format!("check-{state}"), state, &["check"]);
    }
}

/// What is said about page-cluster: whether the kernel should read ahead from any disk.
#[test]
fn reading_ahead() {
    let nvme = "/dev/nvme0n1p3 state=active dev=259:3";
    let sata = "/dev/sdb1 state=active dev=8:17";
    let pmem = "/dev/disk/by-id/memory state=active dev=259:0";
    for (limit, tiers, value, sentence) in [
        (
            1,
            vec![],
            0,
            "ok       vm.page-cluster is 0, which makes no difference",
        ),
        (
            0,
            vec![pmem],
            0,
            "ok       vm.page-cluster is 0, which makes no difference",
        ),
        (
            1,
            vec![pmem],
            3,
            "ok       vm.page-cluster is 3, which makes no difference",
        ),
        (
            0,
            vec![pmem, nvme],
            0,
            "warning  vm.page-cluster is 0, so the kernel reads pages from /dev/nvme0n1p3 one",
        ),
        (
            0,
            vec![nvme],
            3,
            "ok       vm.page-cluster is 3: the kernel reads pages ahead from disks",
        ),
        // Without a memory tier nothing is compressed.
        (
            0,
            vec![nvme, "compress=1"],
            0,
            "warning  vm.page-cluster is 0, so the kernel reads pages from /dev/nvme0n1p3 one",
        ),
        (
            1,
            vec![nvme, "compress=1"],
            0,
            "ok       vm.page-cluster is 0, so the kernel reads nothing ahead; vswap reads",
        ),
        (
            1,
            vec![nvme, "compress=1"],
            3,
            "ok       vm.page-cluster is 3: the kernel reads pages ahead from disks",
        ),
        (
            1,
            vec![nvme, "compress=1", sata],
            0,
            "warning  vm.page-cluster is 0, so the kernel reads pages from /dev/sdb1 one",
        ),
    ] {
        let root = copy_of("fresh");
        let class = root.path().join("sys/class/vswap/vswap0");
        fs::write(class.join("ram_limit"), format!("{limit}\n")).expect("a file");
        let tiers = tiers.join("\n").replace("\ncompress", " compress");
        fs::write(class.join("tiers"), format!("{tiers}\n")).expect("a file");
        fs::write(
            root.path().join("proc/sys/vm/page-cluster"),
            format!("{value}\n"),
        )
        .expect("a file");
        let devices = root.path().join("sys/dev/block");
        fs::create_dir_all(&devices).expect("a directory");
        std::os::unix::fs::symlink("../../devices/region0/block/pmem0", devices.join("259:0"))
            .expect("a link");
        let said = shown(&in_root(root.path(), &["check"]));
        assert!(said.contains(sentence), "{limit}, {tiers}, {value}: {said}");
    }
}

fn write(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, bytes).expect("a file");
}

/// An installed module that differs from the loaded one is used after a reboot.
#[test]
fn a_newer_module() {
    let note = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0the build that runs..";
    let same = [&b"ELF"[..], note, b"code"].concat();
    let other = String::from_utf8_lossy(&same).replace("runs", "came");
    let (good, bad) = (
        "ok       the loaded module is the installed one\n",
        "warning  the installed module differs from the loaded one. It is used after a reboot",
    );
    let release = "lib/modules/7.3.4+deb13-amd64";
    for (bytes, sentence) in [(&same[..], good), (other.as_bytes(), bad)] {
        for (extension, compressor) in [
            ("ko", None),
            ("ko.xz", Some("xz")),
            ("ko.gz", Some("gzip")),
            ("ko.zst", None),
        ] {
            let root = copy_of("fresh");
            let file = format!("updates/dkms/vswap.{extension}");
            write(
                root.path(),
                "sys/module/vswap/notes/.note.gnu.build-id",
                note,
            );
            write(
                root.path(),
                &format!("{release}/modules.dep"),
                format!("kernel/mm/zsmalloc.ko:\n{file}: kernel/mm/zsmalloc.ko\n").as_bytes(),
            );
            let plain = format!("{release}/updates/dkms/vswap.ko");
            write(root.path(), &plain, bytes);
            if let Some(compressor) = compressor {
                let run = Command::new(compressor)
                    .arg(root.path().join(&plain))
                    .status();
                assert!(run.expect(compressor).success());
            }
            if extension.ends_with("zst") {
                let packed = zstd::encode_all(bytes, 3).expect("compressed");
                write(root.path(), &format!("{release}/{file}"), &packed);
            }
            let said = shown(&in_root(root.path(), &["check"]));
            assert!(said.contains(sentence), "{extension}: {said}");
            // Nothing is said about a file that can't be read.
            write(root.path(), &format!("{release}/{file}"), b"");
            if extension != "ko" {
                let said = shown(&in_root(root.path(), &["check"]));
                assert!(!said.contains("installed"), "{extension}: {said}");
            }
        }
    }
}

/// With Secure Boot, a module that is not loaded may lack a known signature.
#[test]
fn secure_boot() {
    let variable = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    for (state, value, sentence) in [
        ("fresh", 1, Some("ok       Secure Boot is on, and the module is signed\n")),
        ("none", 1, Some("warning  Secure Boot is on, so the kernel loads only modules with a signature that it knows. DKMS")),
        ("none", 0, None),
    ] {
        let root = copy_of(state);
        write(root.path(), variable, &[6, 0, 0, 0, value]);
        let said = shown(&in_root(root.path(), &["check"]));
        assert_eq!(said.contains("Secure Boot"), sentence.is_some(), "{said}");
        assert!(said.contains(sentence.unwrap_or_default()), "{said}");
    }
}

#[test]
fn settings_and_configuration() {
    check("get", "drain", &["get"]);
    check("get-one", "drain", &["get", "writeback-limit", "--bytes"]);
    check("get-none", "drain", &["get", "colour"]);
    check("config", "drain", &["config"]);
    check("config-none", "fresh", &["config"]);
    check("config-check", "drain", &["config", "--check"]);
    check("config-check-odd", "odd", &["config", "--check"]);
    check("config-odd", "odd", &["config"]);
}

#[test]
fn top_prints_a_frame() {
    check("top-once", "drain", &["top", "--once", "--interval", "0.1"]);
    check("top-no-terminal", "drain", &["top"]);
    // A name that is too long is marked.
    let mut narrow = vswapctl("failed");
    let output = narrow
        .env("COLUMNS", "60")
        .args(["top", "--once", "--interval", "0.1"])
        .output();
    same("top-failed-60", &shown(&output.expect("vswapctl")));
}

#[test]
fn more_columns() {
    check(
        "table-more",
        "drain",
        &["status", "--output", "+read,WRITTEN"],
    );
}

/// The JSON of each state matches its schema.
#[test]
fn documents_match_their_schemas() {
    let json = |text: &[u8]| -> serde_json::Value { serde_json::from_slice(text).expect("JSON") };
    for (what, arguments) in [
        ("status", &["status", "--json"][..]),
        ("get", &["get", "--json"]),
        ("check", &["check", "--json"]),
        ("config", &["config", "--json"]),
        ("top", &["top", "--once", "--interval", "0.1", "--json"]),
        ("processes", &["processes", "--json"]),
        ("estimate", &[]),
        ("bench", &[]),
    ] {
        let output = vswapctl("fresh").args(["schema", what]).output();
        let schema = json(&output.expect("vswapctl").stdout);
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        // The schema refuses a wrong version.
        assert!(
            !validator.is_valid(&serde_json::json!({ "version": "one" })),
            "{what}"
        );
        if arguments.is_empty() {
            continue;
        }
        for state in ["fresh", "ram", "drain", "failed", "odd"] {
            let output = vswapctl(state).args(arguments).output().expect("vswapctl");
            let document = json(&output.stdout);
            let problems: Vec<String> = validator
                .iter_errors(&document)
                .map(|error| format!("{}: {error}", error.instance_path))
                .collect();
            assert!(problems.is_empty(), "{what} of {state}: {problems:?}");
            assert_eq!(document["version"], 1, "{what}");
        }
    }
}

#[test]
fn dry_runs_change_nothing() {
    for (name, arguments) in [
        (
            "dry-set",
            &["set", "size=17G", "high_watermark=97", "--dry-run"][..],
        ),
        (
            "dry-on",
            &["on", "--size", "8G", "--disk", "/dev/null:5", "--dry-run"],
        ),
        ("dry-off", &["off", "--unload", "--dry-run"]),
        ("dry-start", &["start", "--dry-run"]),
        ("dry-remove-none", &["remove", "/dev/sdz", "--dry-run"]),
    ] {
        let root = copy_of("drain");
        let before = listing(root.path());
        let output = in_root(root.path(), arguments);
        let text = shown(&output).replace(&root.path().display().to_string(), "ROOT");
        same(name, &text);
        assert_eq!(listing(root.path()), before, "{name}");
    }
}

/// All files below a directory, with their contents.
fn listing(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a directory");
            left.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else {
            let bytes = fs::read(&path).expect("a file");
            files.push((path, bytes));
        }
    }
    files.sort();
    files
}

/// A machine with two processes and two control groups that are partly swapped out.
#[test]
fn swapped_out_processes_are_listed() {
    let root = copy_of("drain");
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    for (pid, name, swap, share) in [(42, "small", 4096, 4096), (4242, "large", 65536, 40960)] {
        let status: String = status
            .lines()
            .map(|line| match line.split_once(':') {
                Some(("Name", _)) => format!("Name:\t{name}\n"),
                Some(("Pid", _)) => format!("Pid:\t{pid}\n"),
                Some(("VmSwap", _)) => format!("VmSwap:\t{} kB\n", swap / 1024),
                Some(("VmRSS", _)) => "VmRSS:\t1024 kB\n".to_owned(),
                _ => format!("{line}\n"),
            })
            .collect();
        let rollup = format!(
            "55d0c0a00000-7ffd0c1e5000 ---p 00000000 00:00 0                          [rollup]\n\
             Rss:                1024 kB\nSwap:               {} kB\nSwapPss:            {} kB\n",
            swap / 1024,
            share / 1024
        );
        let directory = root.path().join("proc").join(pid.to_string());
        fs::create_dir_all(&directory).expect("a directory");
        fs::write(directory.join("status"), status).expect("a file");
        fs::write(directory.join("smaps_rollup"), rollup).expect("a file");
    }
    for (group, swap) in [
        ("", 0),
        ("system.slice", 69632),
        ("system.slice/a.service", 4096),
    ] {
        let directory = root.path().join("sys/fs/cgroup").join(group);
        fs::create_dir_all(&directory).expect("a directory");
        fs::write(directory.join("memory.swap.current"), format!("{swap}\n")).expect("a file");
        fs::write(directory.join("memory.current"), "8192\n").expect("a file");
    }
    for (name, arguments) in [
        ("processes", &["processes"][..]),
        ("processes-cgroups", &["processes", "--cgroups"]),
        ("processes-json", &["processes", "--json", "--number", "1"]),
    ] {
        same(name, &shown(&in_root(root.path(), arguments)));
    }
}

#[test]
fn refusals() {
    check("bench-small", "ram", &["bench", "--size", "1"]);
    check("bench-other-swap", "failed", &["bench"]);
    check("bench-memory", "ram", &["bench", "--size", "4G"]);
    check("remove-no-tier", "drain", &["remove", "/dev/sdz"]);
    check("add-no-module", "none", &["add", "/dev/sdz"]);
    check("on-old-kernel", "none", &["on"]);
    check("writeback-no-disk", "ram", &["writeback"]);
}

/// Nothing is swapped off if memory can't hold what is swapped out.
#[test]
fn off_needs_memory() {
    let root = copy_of("drain");
    for arguments in [&["off"][..], &["stop"]] {
        same("off-no-memory", &shown(&in_root(root.path(), arguments)));
    }
}

/// A colon may be part of a path, as in /dev/disk/by-path; a path that exists wins.
#[test]
fn paths_with_colons() {
    let root = copy_of("none");
    let files = tempfile::tempdir().expect("a directory");
    let path = files.path().join("pci-0000:00:1f.2-part:5");
    fs::write(&path, "").expect("a file");
    let steps = |name: &str| {
        let said = in_root(root.path(), &["on", "--dry-run", "--force", "--disk", name]);
        shown(&said).replace(&path.display().to_string(), "PATH")
    };
    let name = path.display().to_string();
    for (name, priority) in [(name.clone(), 0), (format!("{name}:7"), 7)] {
        let step = format!("would make PATH a tier with priority {priority} ");
        let said = steps(&name);
        assert!(said.contains(&step), "{said}");
    }
}

/// What gets in the way, beside the states' findings.
#[test]
fn swap_of_the_same_priority_and_no_room_are_reported() {
    let root = copy_of("fresh");
    let swaps = root.path().join("proc/swaps");
    let text = fs::read_to_string(&swaps).expect("swaps");
    let zram = "/dev/zram0  partition  8388604  0  100\n";
    fs::write(&swaps, text + zram).expect("a file");
    let class = root.path().join("sys/class/vswap/vswap0");
    fs::write(class.join("ram_limit"), "0\n").expect("a file");
    fs::write(class.join("tiers"), "").expect("a file");
    let said = shown(&in_root(root.path(), &["check"]));
    for sentence in [
        "warning  /dev/zram0 (100) would be used before /dev/vswap0 or along with it",
        "warning  ram_limit is 0 and there is no disk, so /dev/vswap0 has room only for pages",
    ] {
        assert!(said.contains(sentence), "{said}");
    }
}

#[test]
fn help() {
    check("help", "none", &["--help"]);
    for command in [
        "status",
        "on",
        "off",
        "add",
        "remove",
        "set",
        "get",
        "writeback",
        "recompress",
        "top",
        "metrics",
        "bench",
        "check",
        "config",
        "start",
        "stop",
        "estimate",
        "processes",
        "migrate",
        "schema",
    ] {
        check(&format!("help-{command}"), "none", &[command, "--help"]);
    }
}
