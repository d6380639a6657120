//! The listings: which there are, which page blocks show them, and how they are built, as they stand or as a reader has
//! edited them.

use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// A program of the book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// Its package's name, which is its folder's: `send`. A program `listings/python/send.py` is `python-send`.
    pub name: String,
    /// Whether it does something with arguments, so that a page should offer a field for them.
    pub takes_arguments: bool,
    /// Whether its arguments are options (`--prefetch 1`), and no text: a page splits them into words.
    pub takes_options: bool,
    /// The environment variables that it reads, of those that a page should offer a field for.
    pub environment: Vec<String>,
    /// Whether it is a Python program, which is no package.
    pub is_python: bool,
}

/// How the names of Python programs begin.
const PYTHON: &str = "python-";
/// The environment variables that a page offers.
const ENVIRONMENT: [&str; 1] = ["AMQP_ADDR"];

impl Listing {
    /// All listings of the book in `root`, by name.
    ///
    /// # Errors
    /// When a folder or a program's source can't be read.
    pub fn all(root: &Path) -> Result<Vec<Self>> {
        let folder = root.join("listings");
        let mut listings = Vec::new();
        for entry in fs::read_dir(&folder).with_context(|| format!("can't read {}", folder.display()))? {
            let entry = entry?;
            if !entry.path().join("Cargo.toml").is_file() {
                continue; // listings/python is no package
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            listings.push(Self::read(name, &entry.path().join("src/main.rs"), false)?);
        }
        for entry in fs::read_dir(folder.join("python")).into_iter().flatten() {
            let path = entry?.path();
            if let (Some(stem), Some("py")) = (path.file_stem(), path.extension().and_then(|end| end.to_str())) {
                listings.push(Self::read(format!("{PYTHON}{}", stem.display()), &path, true)?);
            }
        }
        listings.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(listings)
    }

    fn read(name: String, file: &Path, is_python: bool) -> Result<Self> {
        let source = fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
        let environment = ENVIRONMENT.into_iter().filter(|name| source.contains(name)).map(str::to_owned).collect();
        let takes_arguments = ["env::args", "Options::parse()", "sys.argv"].iter().any(|way| source.contains(way));
        let takes_options = source.contains("Options::parse()");
        Ok(Self { name, takes_arguments, takes_options, environment, is_python })
    }

    /// The file of a Python program, from the project's folder.
    pub fn script(name: &str) -> Option<String> {
        name.strip_prefix(PYTHON).map(|stem| format!("listings/python/{stem}.py"))
    }

    /// The command that runs it in a terminal.
    pub fn command(&self) -> String {
        match Self::script(&self.name) {
            Some(script) => format!("target/python/bin/python {script}"),
            None => format!("cargo run -p {}", self.name),
        }
    }

    /// The command that builds `listings`. Not `--workspace`: a student's `cargo run -p send` asks for the listings'
    /// features alone, and so reuses what this has built.
    pub fn build_arguments<'a>(listings: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let mut arguments = vec!["build".to_owned()];
        for name in listings {
            arguments.extend(["--package".into(), name.to_owned()]);
        }
        arguments
    }

    /// Where cargo puts the program `name`.
    pub fn program(target: &Path, name: &str) -> PathBuf {
        target.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}

/// The name of the package that holds a reader's version of a listing.
pub fn edited_name(name: &str) -> String {
    format!("edited-{name}")
}

/// Writes a reader's version of the listing `name` into a workspace of its own below `target`, so that the book's own
/// files stay as they are. It has the book's dependencies, versions and profile, and with the same target folder cargo
/// compiles nothing but the edited file.
///
/// # Errors
/// When a file can't be read or written.
pub fn write_edited(root: &Path, target: &Path, name: &str, source: &str) -> Result<PathBuf> {
    let workspace = target.join("edited").join(name);
    let package = workspace.join(edited_name(name));
    fs::create_dir_all(package.join("src"))?;

    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let members =
        manifest.lines().find(|line| line.starts_with("members = ")).context("Cargo.toml lists no members")?;
    let manifest = manifest.replace(members, &format!("members = [{:?}]", edited_name(name)));
    write_if_changed(&workspace.join("Cargo.toml"), &manifest)?;
    let (lock, own_lock) = (root.join("Cargo.lock"), workspace.join("Cargo.lock"));
    let changed = |file: &Path| fs::metadata(file).and_then(|data| data.modified()).ok();
    if changed(&own_lock) < changed(&lock) {
        fs::copy(&lock, &own_lock)?; // cargo then drops from it what a listing doesn't need
    }

    let manifest = fs::read_to_string(root.join("listings").join(name).join("Cargo.toml"))?;
    let own_name = format!("name = {name:?}");
    if !manifest.contains(&own_name) {
        bail!("listings/{name}/Cargo.toml has no line `{own_name}`");
    }
    let manifest = manifest.replacen(&own_name, &format!("name = {:?}", edited_name(name)), 1);
    write_if_changed(&package.join("Cargo.toml"), &manifest)?;
    fs::write(package.join("src/main.rs"), source)?;
    Ok(workspace)
}

/// Leaves a file alone that says the same already: cargo goes by the time of the last write.
pub(crate) fn write_if_changed(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text).with_context(|| format!("can't write {}", path.display()))
}

/// Marks the code blocks that include a listing, so that the page can offer to run it: ` ```rust,no_run ` before
/// `{{#rustdoc_include …/listings/send/src/main.rs:…}}` becomes ` ```rust,no_run,listing-send `; where the block is the
/// whole program, also `whole-listing`; and one block of each listing, the whole program or else the last one, is
/// `run-here`. A block that includes a recorded run of the page's own folder is a `transcript`.
pub fn mark_blocks(page: &str) -> String {
    let lines: Vec<_> = page.lines().collect();
    let mut marks: BTreeMap<usize, String> = BTreeMap::new(); // by the number of the block's first line
    let mut places: BTreeMap<String, (usize, bool)> = BTreeMap::new(); // where each listing is run, and whether that is all of it
    for (number, pair) in lines.windows(2).enumerate() {
        if !pair[0].starts_with("```") {
            continue;
        }
        if pair[0] == "```console" && pair[1].ends_with(".term}}") && !pair[1].contains('/') {
            marks.insert(number, ",transcript".into());
        }
        let Some((name, is_whole)) = included(pair[1]) else { continue };
        marks.insert(number, format!(",listing-{name}{}", if is_whole { ",whole-listing" } else { "" }));
        if is_whole || places.get(&name).is_none_or(|(_, is_whole)| !is_whole) {
            places.insert(name, (number, is_whole));
        }
    }
    for (number, _) in places.into_values() {
        marks.entry(number).or_default().push_str(",run-here");
    }
    let mark = |number| marks.get(&number).map_or("", String::as_str);
    lines.iter().enumerate().map(|(number, line)| format!("{line}{}\n", mark(number))).collect()
}

/// The listing that a line includes, and whether all of it.
fn included(line: &str) -> Option<(String, bool)> {
    let (name, anchor) =
        line.split_once("/listings/")?.1.split_once(':').unwrap_or((line.split_once("/listings/")?.1, "all}}"));
    let name = match name.strip_prefix("python/") {
        Some(script) => format!("{PYTHON}{}", script.split_once(".py")?.0),
        None => name.split_once("/src/main.rs")?.0.to_owned(),
    };
    Some((name, anchor.starts_with("all}}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_include_a_listing_are_marked_and_one_of_them_is_run() {
        let page = "a\n\n```rust,no_run\n{{#rustdoc_include ../../listings/send/src/main.rs:publish}}\n```\n\n\
                    ```rust,no_run\n{{#include ../../listings/send/src/main.rs:all}}\n```\n\n```rust\nfn a() {}\n```\n\
                    ```rust\n{{#rustdoc_include ../../listings/send/src/main.rs:close}}\n```\n\
                    ```python\n{{#include ../../listings/python/send.py:a}}\n```\n\
                    ```python\n{{#include ../../listings/python/send.py:b}}\n```\n\
                    ```console\n{{#include send.term}}\n```\n```console\n{{#include basic/send.term}}\n```\n";
        let marked = mark_blocks(page);
        let fences: Vec<_> = marked.lines().filter(|line| line.starts_with("```") && line.len() > 3).collect();
        assert_eq!(
            fences,
            [
                "```rust,no_run,listing-send",
                "```rust,no_run,listing-send,whole-listing,run-here",
                "```rust",
                "```rust,listing-send",
                "```python,listing-python-send",
                "```python,listing-python-send,run-here",
                "```console,transcript",
                "```console",
            ]
        );
    }

    #[test]
    fn the_listings_of_the_book_are_found() {
        let root = crate::root();
        let all = Listing::all(&root).unwrap();
        let listing = |name: &str| all.iter().find(|listing| listing.name == name).unwrap();
        assert!(listing("send").takes_arguments && !listing("receive").takes_arguments, "{all:?}");
        assert!(listing("worker").takes_options && !listing("send").takes_options, "{all:?}");
        assert_eq!(listing("send").environment, ["AMQP_ADDR"]);
        assert_eq!(listing("python-send").command(), "target/python/bin/python listings/python/send.py");
    }
}
