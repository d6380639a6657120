//! The exercises: which there are, what a page shows of one, and how a reader's answer is built into a program that judges
//! it. The tests are the ones that Rustlings runs, whatever stands in the reader's file.

use crate::listings::write_if_changed;
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// How the name of an exercise begins where it stands beside listings.
pub const PREFIX: &str = "exercise-";
/// Where the tests of an exercise begin.
const TESTS: &str = "#[cfg(test)]";

/// An exercise as `info.toml` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exercise {
    /// Its file's name without `.rs`.
    pub name: String,
    hint: Words,
}

/// Words in both languages of the book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Words {
    en: String,
    #[serde(rename = "zh-CN")]
    zh: String,
}

/// What a page shows of an exercise.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Sheet {
    /// The program to complete, as it is in the project's folder: with what was written there for Rustlings.
    program: String,
    /// The program as the project gives it, to start over with.
    original: String,
    /// The tests that judge it.
    tests: String,
    hint: Words,
    /// A program that passes.
    solution: String,
}

impl Exercise {
    /// All exercises of the book in `root`, in their order.
    ///
    /// # Errors
    /// When `exercises/info.toml` can't be read, or isn't as Rustlings wants it.
    pub fn all(root: &Path) -> Result<Vec<Self>> {
        let info: toml::Table = read(root, "info.toml")?.parse().context("exercises/info.toml")?;
        let exercises = info.get("exercises").and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let text =
            |exercise: &toml::Value, key: &str| exercise.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        let read =
            |exercise| Some(Self { name: text(exercise, "name")?, hint: Words::apart(&text(exercise, "hint")?) });
        exercises
            .iter()
            .map(|exercise| read(exercise).context("an exercise in info.toml has no name or no hint"))
            .collect()
    }

    /// The names of those that are done in Rustlings, which keeps them in a file.
    pub fn done_in_rustlings(root: &Path) -> Vec<String> {
        let state = fs::read_to_string(root.join("exercises/.rustlings-state.txt")).unwrap_or_default(); // it may never have run
        let (_, done) = state.split_once("\n\n").and_then(|(_, rest)| rest.split_once("\n\n")).unwrap_or_default();
        done.lines().map(str::to_owned).collect()
    }

    /// What a page shows of it.
    ///
    /// # Errors
    /// When a file can't be read.
    pub fn sheet(&self, root: &Path) -> Result<Sheet> {
        let solved = read(root, &format!("solutions/{}.rs", self.name))?;
        let (solution, tests) = parts(&solved);
        let file = format!("exercises/{}.rs", self.name);
        let given = read(root, &file)?;
        let original = committed(root, &format!("exercises/{file}")).unwrap_or_else(|| given.clone());
        Ok(Sheet {
            program: parts(&given).0.to_owned(),
            original: parts(&original).0.to_owned(),
            tests: tests.to_owned(),
            hint: self.hint.clone(),
            solution: solution.to_owned(),
        })
    }

    /// The program that judges an answer to it.
    pub fn judge(&self) -> String {
        format!("judge-{}", self.name)
    }
}

impl Words {
    /// Takes paragraphs in one language and those in the other apart.
    fn apart(text: &str) -> Self {
        let is_chinese = |paragraph: &&str| paragraph.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        let (zh, en): (Vec<_>, Vec<_>) = text.trim().split("\n\n").partition(is_chinese);
        Self { en: en.join("\n\n"), zh: zh.join("\n\n") }
    }
}

fn read(root: &Path, file: &str) -> Result<String> {
    let path = root.join("exercises").join(file);
    fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))
}

/// A file of the project as Git has it, if the project is under Git: what Rustlings goes back to as well.
fn committed(root: &Path, file: &str) -> Option<String> {
    let shown = Command::new("git").arg("-C").arg(root).args(["show", &format!("HEAD:./{file}")]).output().ok()?;
    shown.status.success().then(|| String::from_utf8(shown.stdout).ok())?
}

/// What a student writes, and the tests.
fn parts(file: &str) -> (&str, &str) {
    file.rfind(TESTS).map_or((file, ""), |at| file.split_at(at))
}

/// Writes an answer with the exercise's own tests into a package below `target`, which is the exercises' own with other
/// programs: so its lock file is good there too, and what Rustlings has compiled needn't be compiled again. Gives the folder.
///
/// # Errors
/// When a file can't be read or written.
pub fn write_answer(root: &Path, target: &Path, exercise: &Exercise, answer: &str) -> Result<PathBuf> {
    let package = target.join("edited").join("exercises");
    fs::create_dir_all(package.join("src"))?;
    let mut manifest: toml::Table = read(root, "Cargo.toml")?.parse().context("exercises/Cargo.toml")?;
    let mut programs = Vec::new();
    for exercise in Exercise::all(root)? {
        let path = format!("src/{}.rs", exercise.name);
        if !package.join(&path).exists() {
            fs::write(package.join(&path), "fn main() {}\n")?; // cargo wants a file for each program
        }
        let program = [("name".to_owned(), exercise.judge().into()), ("path".to_owned(), path.into())];
        programs.push(toml::Value::Table(program.into_iter().collect()));
    }
    manifest.insert("bin".into(), programs.into());
    let beside = |path: &str| toml::Value::from(root.join(path).to_string_lossy().into_owned());
    for (keys, path) in [
        (["lib", "path"].as_slice(), "exercises/window/lib.rs"),
        (&["dependencies", "postoffice", "path"], "postoffice"),
    ] {
        let (last, tables) = keys.split_last().context("a key")?;
        let table = tables.iter().try_fold(&mut manifest, |table, key| table.get_mut(*key)?.as_table_mut());
        table
            .with_context(|| format!("exercises/Cargo.toml has no {}", keys.join(".")))?
            .insert((*last).into(), beside(path));
    }
    write_if_changed(&package.join("Cargo.toml"), &manifest.to_string())?;
    write_if_changed(&package.join("Cargo.lock"), &read(root, "Cargo.lock")?)?;
    let solved = read(root, &format!("solutions/{}.rs", exercise.name))?;
    let (answer, tests) = (parts(answer).0.trim_end(), parts(&solved).1);
    ensure!(!tests.is_empty(), "exercises/solutions/{}.rs has no tests: nothing could judge the answer", exercise.name);
    fs::write(package.join("src").join(format!("{}.rs", exercise.name)), format!("{answer}\n\n{tests}"))?;
    Ok(package)
}

/// The arguments with which cargo builds the judge of an exercise: a test that has the name of a program, and its place.
pub fn build_arguments(exercise: &Exercise, more: &str) -> Vec<String> {
    ["rustc", "--locked", "--bin", &exercise.judge(), more, "--", "--test"].map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_has_everything_in_its_place_and_the_hint_in_both_languages() {
        let root = crate::root();
        let all = Exercise::all(&root).unwrap();
        assert_eq!(all.first().map(|exercise| exercise.name.as_str()), Some("first_letter"));
        for exercise in all {
            let sheet = exercise.sheet(&root).unwrap();
            assert!(sheet.program.contains("fn main()") && !sheet.program.contains(TESTS), "{exercise:?}");
            assert!(sheet.solution.contains("fn main()") && !sheet.solution.contains(TESTS), "{exercise:?}");
            assert!(sheet.tests.starts_with(TESTS), "{exercise:?}");
            let Words { en, zh } = exercise.hint;
            assert!(
                !en.is_empty() && en.is_ascii() | !en.contains('，') && zh.contains(|c| c > '\u{4e00}'),
                "{en} {zh}"
            );
        }
    }

    #[test]
    fn starting_over_gives_the_projects_own_program_whatever_a_student_has_written() {
        let root = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let identity = ["-c", "user.name=student", "-c", "user.email=student@example.com"];
            let done = Command::new("git").arg("-C").arg(root.path()).args(identity).args(arguments).output().unwrap();
            assert!(done.status.success(), "{done:?}");
        };
        for folder in ["exercises", "solutions"] {
            fs::create_dir_all(root.path().join("exercises").join(folder)).unwrap();
        }
        let write = |file: &str, text: &str| fs::write(root.path().join("exercises").join(file), text).unwrap();
        write("solutions/one.rs", "// solved\n#[cfg(test)]\n");
        write("exercises/one.rs", "// TODO\n#[cfg(test)]\n");
        let exercise = Exercise { name: "one".into(), hint: Words::apart("Try. \n\n试试。") };
        let shown = || exercise.sheet(root.path()).map(|sheet| (sheet.program, sheet.original)).unwrap();
        let both = |program: &str, original: &str| (program.to_owned(), original.to_owned());
        // An archive of the project isn't under Git.
        assert_eq!(shown(), both("// TODO\n", "// TODO\n"));
        git(&["init", "-q"]);
        git(&["add", "."]);
        git(&["commit", "-qm", "The project"]);
        write("exercises/one.rs", "// mine\n#[cfg(test)]\n");
        assert_eq!(shown(), both("// mine\n", "// TODO\n"));
    }

    #[test]
    fn an_answer_is_judged_by_the_exercises_own_tests() {
        let (root, target) = (crate::root(), tempfile::tempdir().unwrap());
        let exercise = Exercise::all(&root).unwrap().swap_remove(0);
        let sneaky = "fn main() {}\n\n#[cfg(test)]\nmod tests {}\n";
        let package = write_answer(&root, target.path(), &exercise, sneaky).unwrap();
        let written = fs::read_to_string(package.join("src/first_letter.rs")).unwrap();
        assert!(
            written.starts_with("fn main() {}\n\n#[cfg(test)]\n") && written.contains("one_message_waits_in_hello")
        );
    }

    #[test]
    fn what_rustlings_remembers_is_read() {
        let root = tempfile::tempdir().unwrap();
        assert!(Exercise::done_in_rustlings(root.path()).is_empty());
        fs::create_dir(root.path().join("exercises")).unwrap();
        let state = "DON'T EDIT THIS FILE!\n\ntwo_letters\n\nfirst_letter\nname_the_queue\n";
        fs::write(root.path().join("exercises/.rustlings-state.txt"), state).unwrap();
        assert_eq!(Exercise::done_in_rustlings(root.path()), ["first_letter", "name_the_queue"]);
    }
}
