//! The listings: which there are, which page blocks show them, and how they are built, as they stand or as a reader has
//! edited them.

use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A program of the book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// Its package's name, which is its folder's: `send`.
    pub name: String,
    /// Whether it does something with arguments, so that a page should offer a field for them.
    pub takes_arguments: bool,
}

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
            let main = entry.path().join("src/main.rs");
            let source = fs::read_to_string(&main).with_context(|| format!("can't read {}", main.display()))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let takes_arguments = ["env::args()", "Options::parse()"].iter().any(|way| source.contains(way));
            listings.push(Self { name, takes_arguments });
        }
        listings.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(listings)
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
fn write_if_changed(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text).with_context(|| format!("can't write {}", path.display()))
}

/// Marks the code blocks that include a listing, so that the page can offer to run it: ` ```rust,no_run ` before
/// `{{#rustdoc_include …/listings/send/src/main.rs:…}}` becomes ` ```rust,no_run,listing-send `; where the block is the
/// whole program, also `whole-listing`.
pub fn mark_blocks(page: &str) -> String {
    let lines: Vec<_> = page.lines().collect();
    let mut marked = String::with_capacity(page.len() + 256);
    for (number, line) in lines.iter().enumerate() {
        marked += line;
        if let Some(next) = lines.get(number + 1)
            && line.starts_with("```rust")
            && let Some(name) = next.split_once("/listings/").and_then(|(_, path)| path.split_once("/src/main.rs"))
        {
            marked += &format!(",listing-{}", name.0);
            if name.1.starts_with(":all}}") {
                marked += ",whole-listing";
            }
        }
        marked.push('\n');
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_include_a_listing_are_marked() {
        let page = "a\n\n```rust,no_run\n{{#rustdoc_include ../../listings/send/src/main.rs:publish}}\n```\n\n\
                    ```rust,no_run\n{{#include ../../listings/send/src/main.rs:all}}\n```\n\n```rust\nfn a() {}\n```\n";
        let marked = mark_blocks(page);
        assert!(marked.contains("```rust,no_run,listing-send\n"), "{marked}");
        assert!(marked.contains("```rust,no_run,listing-send,whole-listing\n"), "{marked}");
        assert!(marked.contains("```rust\nfn a()"), "{marked}");
    }

    #[test]
    fn the_listings_of_the_book_are_found() {
        let root = crate::root();
        let all = Listing::all(&root).unwrap();
        assert!(all.contains(&Listing { name: "send".into(), takes_arguments: true }), "{all:?}");
        assert!(all.contains(&Listing { name: "receive".into(), takes_arguments: false }), "{all:?}");
    }
}
