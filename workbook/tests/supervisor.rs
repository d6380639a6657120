//! What the server starts ends with the server, in every way in which a server can end.

#![cfg(target_os = "linux")] // looks into /proc, and gives a server a terminal with `setsid --ctty`

#[allow(dead_code)] // each test file uses its part
mod served;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use served::{Served, Terminal, processes, wait_until};
use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process,
    sync::atomic::{AtomicUsize, Ordering},
};
use tempfile::TempDir;

/// A listing that has been built and a cargo that goes on building: both ignore what asks them to end, and have a child in
/// their process group and one in a session of its own.
struct Programs {
    folder: TempDir,
    mark: String,
}

impl Programs {
    fn new() -> Self {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        // Seconds to sleep that no other process has as its argument.
        let mark = format!("8{}.{}", process::id(), LAST.fetch_add(1, Ordering::Relaxed));
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let stubborn = format!(
            "#!/bin/sh\ntrap '' INT TERM HUP QUIT\nsetsid sleep {mark} &\nsleep {mark} &\necho started >&2\nwhile :; do wait; done\n"
        );
        for name in ["debug/receive", "bin/cargo"] {
            write_script(&folder.path().join(name), &stubborn);
        }
        Self { folder, mark }
    }

    fn prepare(&self, command: &mut process::Command) {
        let path = env::var("PATH").unwrap();
        command.env("CARGO_TARGET_DIR", self.folder.path());
        command.env("PATH", format!("{}:{path}", self.folder.path().join("bin").display()));
    }

    /// Runs the listing, and waits for it and for cargo, which builds in advance.
    fn run(&self, served: &Served) {
        let mut news = served.news();
        assert_eq!(served.post("/workbook/runs", r#"{"listing":"receive"}"#).0, 201);
        news.wait_for(r#""text":"started"#);
        wait_until("both and their children run", || self.sleepers() == 4);
    }

    /// A listing that has to be built before it can run.
    fn order_build(&self, served: &Served) {
        let order = r#"{"listing":"send","source":"fn main() {}"}"#;
        assert_eq!(served.post("/workbook/runs", order).0, 201);
    }

    fn sleepers(&self) -> usize {
        processes(&format!("sleep {}", self.mark)).len()
    }

    fn folder(&self) -> String {
        self.folder.path().to_str().unwrap().to_owned()
    }

    /// Everything that runs from the folder, or sleeps for it.
    fn survivors(&self) -> Vec<u32> {
        [processes(&self.folder()), processes(&format!("sleep {}", self.mark))].concat()
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        for survivor in self.survivors() {
            let _ = kill(pid(survivor), Signal::SIGKILL); // of a failed test
        }
    }
}

fn write_script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(id.cast_signed())
}

/// The server and the processes between it and what it has started.
fn workbooks(server: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap_or_default();
    let others = fs::read_dir(format!("/proc/{server}/task")).unwrap().flatten();
    let others = others.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let all: String = [children].into_iter().chain(others).collect();
    [server].into_iter().chain(all.split_whitespace().map(|id| id.parse().unwrap())).collect()
}

#[track_caller]
fn ends(how: &str, end: impl FnOnce(&Served, &mut Option<Terminal>)) {
    let programs = Programs::new();
    let (mut served, terminal) = Served::start_in_a_terminal(|command| programs.prepare(command));
    programs.run(&served);
    let mut terminal = Some(terminal);
    end(&served, &mut terminal);
    wait_until(&format!("{how}: nothing of it runs any more"), || programs.survivors().is_empty());
    served.process.wait().unwrap();
}

#[test]
fn nothing_outlives_a_server_that_ends_at_the_keyboard() {
    for (how, keys) in [("CTRL+C", "\x03"), ("CTRL+C twice", "\x03\x03"), ("CTRL+\\", "\x1c")] {
        ends(how, |_, terminal| terminal.as_ref().unwrap().type_keys(keys));
    }
}

#[test]
fn nothing_outlives_a_server_whose_terminal_is_closed() {
    ends("closed", |_, terminal| drop(terminal.take()));
}

#[test]
fn nothing_outlives_a_server_that_is_killed_or_aborts() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGKILL, Signal::SIGABRT] {
        ends(signal.as_str(), |served, _| kill(pid(served.process.id()), signal).unwrap());
    }
}

/// As `killall workbook` does it. After SIGKILL nobody is left who could look for what a program has started; the program
/// itself ends.
#[test]
fn no_program_outlives_its_supervising_process() {
    let kill_all = |served: &Served, signal| {
        for workbook in workbooks(served.process.id()).into_iter().rev() {
            let _ = kill(pid(workbook), signal); // it may have ended with another
        }
    };
    ends("killall", |served, _| kill_all(served, Signal::SIGTERM));

    let programs = Programs::new();
    let mut served = Served::start_with(None, |command| programs.prepare(command));
    programs.run(&served);
    kill_all(&served, Signal::SIGKILL);
    wait_until("neither the listing nor cargo runs any more", || processes(&programs.folder()).is_empty());
    served.process.wait().unwrap();
}

#[test]
fn a_run_that_waits_for_the_build_of_another_can_be_stopped_and_closed() {
    let programs = Programs::new();
    let served = Served::start_with(None, |command| programs.prepare(command));
    let mut news = served.news();
    programs.order_build(&served);
    news.wait_for(r#"[1,{"from":"cargo","text":"started"#); // and goes on for ever
    programs.order_build(&served);
    programs.order_build(&served);
    assert_eq!(served.post("/workbook/runs/2/stop", "{}").0, 204);
    news.wait_for(r#"[2,{"is":"ended","status":130}]"#);
    assert_eq!(served.post("/workbook/runs/3/close", "{}").0, 204);
    news.wait_for("event: closed\ndata: 3\n");
    assert_eq!(served.post("/workbook/runs/1/stop", "{}").0, 204); // waits 3 s, and kills
    news.wait_for(r#"[1,{"is":"ended","status":null}]"#);
}
