// SPDX-License-Identifier: GPL-2.0-only

//! `top` at a terminal with a shell that has job control: keys that end or stop it give the terminal
//! back, and the next program finds it as it was.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Written when the program takes over the screen, and when it gives it back.
const TAKEN: &str = "\x1b[?1049h";
const GIVEN_BACK: &str = "\x1b[?1049l";

/// How long anything may take on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// A shell at a terminal.
struct Session {
    terminal: Child,
    keys: ChildStdin,
    /// Everything that has appeared on the screen.
    screen: Arc<Mutex<String>>,
    /// The terminal's device.
    device: String,
}

impl Session {
    fn begin(directory: &Path) -> Self {
        // A test that runs in the background may have been started with Ctrl-C ignored.
        let mut terminal = Command::new("env")
            .args(["--default-signal=INT,QUIT,TSTP", "script", "--quiet"])
            .args(["--command", "exec bash --norc --noprofile -i"])
            .arg("/dev/null")
            .env("TERM", "xterm")
            .env("PS1", "ready> ")
            .env("LC_ALL", "C.UTF-8")
            .env("VSWAP_ROOT", directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script");
        let keys = terminal.stdin.take().expect("an input");
        let mut output = terminal.stdout.take().expect("an output");
        let screen = Arc::new(Mutex::new(String::new()));
        let shared = screen.clone();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..length]);
                shared.lock().expect("a screen").push_str(&text);
            }
        });
        let mut session = Self {
            terminal,
            keys,
            screen,
            device: String::new(),
        };
        session.device = session.said("$(tty)");
        session.said("$(stty rows 24 columns 80)");
        session
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("pressed");
        self.keys.flush().expect("pressed");
    }

    fn length(&self) -> usize {
        self.screen.lock().expect("a screen").len()
    }

    /// Whether that text has appeared since `from`.
    fn has_shown(&self, from: usize, text: &str) -> bool {
        self.screen.lock().expect("a screen")[from..].contains(text)
    }

    /// Waits for that text. Returns what has appeared on the screen since `from`.
    fn after(&self, from: usize, text: &str) -> String {
        let began = Instant::now();
        loop {
            let screen = self.screen.lock().expect("a screen")[from..].to_owned();
            if screen.contains(text) {
                return screen;
            }
            assert!(began.elapsed() < LONG, "no {text:?} in {screen:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Presses the keys and waits for that text.
    fn press_until(&mut self, keys: &str, text: &str) -> String {
        let from = self.length();
        self.press(keys);
        self.after(from, text)
    }

    /// Whether lines are edited and keys echoed, as a shell's commands expect.
    fn is_usual(&self) -> bool {
        let output = Command::new("stty")
            .args(["-a", "-F", &self.device])
            .output();
        let text = String::from_utf8(output.expect("stty").stdout).expect("text");
        let words: Vec<&str> = text.split([' ', ';', '\n']).collect();
        let is_set = |name| words.contains(&name);
        assert_eq!(is_set("icanon"), is_set("echo"), "{text}");
        assert_eq!(is_set("icanon"), is_set("isig"), "{text}");
        is_set("icanon")
    }

    /// Makes the shell print that. The mark is not on the screen while the command is typed.
    fn said(&mut self, what: &str) -> String {
        let from = self.length();
        self.press(&format!("printf 'it %s %s.\\n' is \"{what}\"\n"));
        self.after(from, "it is ");
        let text = self.after(from, ".\r\n");
        let (_, rest) = text.split_once("it is ").expect("what was said");
        rest.split('.').next().expect("what was said").to_owned()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.terminal.kill();
        let _ = self.terminal.wait();
    }
}

fn session() -> Session {
    let state = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/states/drain");
    Session::begin(&state)
}

/// The state in which a command after `top` finds the terminal.
fn expect_usual(session: &mut Session) {
    let from = session.length();
    session.press("sleep 1000; echo over\n");
    session.after(from, "\r\n");
    let began = Instant::now();
    while !session.is_usual() {
        assert!(began.elapsed() < LONG, "the terminal is still raw");
        thread::sleep(Duration::from_millis(20));
    }
    // The shell takes one that comes before the program has begun, and goes on.
    let from = session.length();
    let began = Instant::now();
    while !session.has_shown(from, "ready> ") {
        assert!(began.elapsed() < LONG, "Ctrl-C ends no program");
        session.press("\x03");
        thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn keys_end_top() {
    let program = env!("CARGO_BIN_EXE_vswapctl");
    let mut session = session();
    for key in ["q", "\x03", "\x1b"] {
        session.press_until(&format!("{program} top\n"), TAKEN);
        // The first frame.
        session.after(0, "Ctrl-Z");
        assert!(!session.is_usual());
        session.press_until(key, GIVEN_BACK);
        assert_eq!(session.said("$?"), "0", "{key:?}");
        expect_usual(&mut session);
    }
}

/// The size of a serial line is unknown.
#[test]
fn top_is_drawn_at_any_size() {
    let program = env!("CARGO_BIN_EXE_vswapctl");
    let mut session = session();
    session.said("$(stty rows 0 columns 0)");
    session.press_until(&format!("{program} top\n"), "Ctrl-Z");
    session.press_until("q", GIVEN_BACK);
    assert_eq!(session.said("$?"), "0");
}

#[test]
fn top_can_be_suspended_and_resumed() {
    let program = env!("CARGO_BIN_EXE_vswapctl");
    let mut session = session();
    session.press_until(&format!("{program} top\n"), "Ctrl-Z");
    assert!(!session.is_usual());
    for _ in 0..2 {
        let text = session.press_until("\x1a", "Stopped");
        assert!(text.contains(GIVEN_BACK), "{text:?}");
        // SIGSTOP, as the signal that asked for it is handled.
        assert_eq!(session.said("$?"), "147");
        expect_usual(&mut session);
        // It takes the screen again and draws everything.
        let text = session.press_until("fg\n", "Ctrl-Z");
        assert!(text.contains(TAKEN), "{text:?}");
        assert!(!session.is_usual());
    }
    session.press_until("q", GIVEN_BACK);
    assert_eq!(session.said("$?"), "0");
    expect_usual(&mut session);
}

/// A window is closed, or a connection is lost.
#[test]
fn top_ends_with_its_terminal() {
    let program = env!("CARGO_BIN_EXE_vswapctl");
    let mut session = session();
    let process = Path::new("/proc").join(session.said("$$"));
    session.press_until(&format!("exec {program} top\n"), "Ctrl-Z");
    session.terminal.kill().expect("killed");
    let began = Instant::now();
    // A process that has ended has no memory, whether its parent has waited for it or not.
    while std::fs::read(process.join("cmdline")).is_ok_and(|line| !line.is_empty()) {
        assert!(began.elapsed() < LONG, "it goes on without a terminal");
        thread::sleep(Duration::from_millis(20));
    }
}
