// SPDX-License-Identifier: GPL-2.0-only

//! Each output, of machines in several states, is what it was: `tests/outputs/` has them, and
//! `UPDATE_GOLDEN=1` writes them anew. `tests/states/` has the machines.

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

/// What was printed, what was complained about, and the status.
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
    let file = here("outputs").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(here("outputs")).expect("a directory");
        fs::write(&file, text).expect("a file");
        return;
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        expected == text,
        "{name} is not what it was.\n--- it was\n{expected}\n--- it is\n{text}\n\
         UPDATE_GOLDEN=1 writes it anew."
    );
}

fn check(name: &str, state: &str, arguments: &[&str]) {
    let output = vswapctl(state).args(arguments).output().expect("vswapctl");
    same(name, &shown(&output));
}

#[test]
fn status_of_each_state() {
    for state in ["fresh", "ram", "drain", "failed", "none"] {
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
    for state in ["fresh", "ram", "drain", "failed"] {
        for columns in [80, 100, 160] {
            for command in [
                &["status", "--explain"][..],
                &["top", "--once", "--interval", "0.1"],
            ] {
                let output = vswapctl(state)
                    .env("COLUMNS", columns.to_string())
                    .args(command)
                    .output();
                let output = output.expect("vswapctl");
                assert!(output.status.success(), "{}", shown(&output));
                for line in String::from_utf8_lossy(&output.stdout).lines() {
                    assert!(
                        line.chars().count() <= columns,
                        "{state}, {columns}: {line}"
                    );
                }
            }
        }
    }
}

#[test]
fn colours_only_when_they_are_wanted() {
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

/// The parts of the JSON and of the table add up to the sum.
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
    for state in ["drain", "failed", "none"] {
        check(&format!("metrics-{state}"), state, &["metrics"]);
    }
}

/// As the format has it: each value has a name that was described before.
#[test]
fn metrics_are_well_formed() {
    let output = vswapctl("failed")
        .arg("metrics")
        .output()
        .expect("vswapctl");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut described = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert!(["gauge", "counter", "untyped"].contains(&kind), "{line}");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
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

#[test]
fn settings_and_configuration() {
    check("get", "drain", &["get"]);
    check("get-one", "drain", &["get", "writeback-limit", "--bytes"]);
    check("get-none", "drain", &["get", "colour"]);
    check("config", "drain", &["config"]);
    check("config-none", "fresh", &["config"]);
}

#[test]
fn top_prints_a_frame() {
    check("top-once", "drain", &["top", "--once", "--interval", "0.1"]);
    check("top-no-terminal", "drain", &["top"]);
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
    ] {
        check(&format!("help-{command}"), "none", &[command, "--help"]);
    }
}
