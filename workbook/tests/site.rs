//! The served book while it is built again: there is always a whole one, and a build that fails or is killed harms nobody.

#![cfg(unix)]

#[allow(dead_code)] // each test file uses its part
mod served;

use served::{Served, root, wait_until};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
};
use tempfile::TempDir;

/// The parts of the project that go into the book, in a place of their own.
struct Project(TempDir);

impl Project {
    fn copy() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        for part in ["src", "assets", "listings", "exercises", "book.toml", "Cargo.toml", "Cargo.lock"] {
            copy(&root().join(part), &folder.path().join(part));
        }
        Self(folder)
    }

    /// Has a `workbook` take this for its project.
    fn prepare(&self, command: &mut Command) {
        command.env("CARGO_MANIFEST_DIR", self.0.path().join("workbook"));
        command.env("CARGO_TARGET_DIR", self.0.path().join("target"));
        command.env("PATH", ""); // no cargo: nothing is compiled
    }

    fn serve(&self) -> Served {
        Served::start_with(None, |command| self.prepare(command))
    }

    fn page(&self) -> PathBuf {
        self.0.path().join("src/basic/send.md")
    }
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

/// The folders of builds that have not been removed.
fn temporary(beside: &Path) -> usize {
    let entries = fs::read_dir(beside.parent().unwrap()).unwrap().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".book-")).count()
}

#[test]
fn pages_are_whole_while_the_book_is_built_again() {
    let project = Project::copy();
    let served = project.serve();
    let style = project.0.path().join("assets/type.css");
    let (_, page) = served.request("GET /en/basic/send.html", &[], "");
    let address = page.split('"').find(|part| part.contains("assets/type") && part.ends_with(".css")).unwrap();
    let first_style = format!("/en/{}", address.trim_start_matches("../"));
    let (done, is_old) = (AtomicBool::new(false), AtomicBool::new(false));
    let answers = AtomicUsize::new(0);
    thread::scope(|scope| {
        let _end = (Set(&done), Set(&is_old)); // also when this thread panics: the others would go on
        for (path, end, done) in [
            ("/en/basic/send.html", "</html>", &done),
            ("/zh-CN/index.html", "</html>", &done),
            ("/index.html", "</html>", &done),
            (&*first_style, "", &is_old), // what a page that was opened before has still to load
        ] {
            let (served, answers) = (&served, &answers);
            scope.spawn(move || {
                while !done.load(SeqCst) {
                    let (status, answer) = served.request(&format!("GET {path}"), &[], "");
                    assert!(status == 200 && answer.contains(end), "{path}: {answer}");
                    answers.fetch_add(1, SeqCst);
                }
            });
        }
        let build_again = |change: &str| {
            let mut news = served.news();
            news.wait_for("event: whole");
            // The name of a style has a hash of what is in it.
            fs::write(&style, fs::read_to_string(&style).unwrap() + change).unwrap();
            news.wait_for("event: built");
            let so_far = answers.load(SeqCst);
            wait_until("all have asked after the build", || answers.load(SeqCst) > so_far + 20);
        };
        build_again("/* new */\n");
        let (_, page) = served.request("GET /en/basic/send.html", &[], "");
        assert!(!page.contains(address), "the style has its old name");
        is_old.store(true, SeqCst);
        build_again("/* newer */\n");
        build_again("/* newest */\n");
    });
}

/// Sets a flag when it is dropped.
struct Set<'a>(&'a AtomicBool);

impl Drop for Set<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

#[test]
fn a_build_that_fails_leaves_the_pages_and_is_told_to_those_who_come_later() {
    let project = Project::copy();
    let served = project.serve();
    let mut news = served.news();
    news.wait_for(r#""failure":null"#);
    let text = fs::read_to_string(project.page()).unwrap();
    fs::write(project.page(), text.clone() + "\n{{#include nothing.rs}}\n").unwrap();
    news.wait_for("event: failed");
    assert_eq!(served.request("GET /en/basic/send.html", &[], "").0, 200);
    let mut later = served.news();
    later.wait_for(r#""failure":"the book has mistakes"#);
    fs::write(project.page(), text).unwrap();
    news.wait_for("event: built");
    let mut latest = served.news();
    latest.wait_for(r#""failure":null"#);
}

#[test]
fn what_a_killed_build_leaves_the_next_one_removes() {
    let project = Project::copy();
    let dest = project.0.path().join("site/book");
    let build = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_workbook"));
        project.prepare(&mut command);
        command.args(["build", "--dest"]).arg(&dest).stdout(Stdio::null()).spawn().unwrap()
    };
    let mut killed = build();
    wait_until("it has begun", || dest.parent().is_some_and(Path::exists) && temporary(&dest) > 0);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(!dest.exists() && temporary(&dest) > 0, "it was killed too late");
    assert!(build().wait().unwrap().success());
    assert!(dest.join("en/index.html").exists());
    assert_eq!(temporary(&dest), 0, "a folder stays behind");
}
