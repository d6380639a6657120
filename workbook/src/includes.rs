//! The pieces of code and recorded output that pages include: each names a file and an anchor that exist.
//!
//! mdBook itself builds a page with a missing file or a wrong anchor and exits with 0.

use crate::twins;
use anyhow::{Context, Result};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};

/// What the pages include, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Includes {
    /// `{{#include}}`s of files or anchors that don't exist: a sentence each, with page and line.
    pub broken: Vec<String>,
    used: BTreeMap<PathBuf, BTreeSet<String>>,
}

impl Includes {
    /// Reads every page below `root/src`.
    ///
    /// # Errors
    /// When a page can't be read.
    pub fn read(root: &Path) -> Result<Self> {
        let mut includes = Self::default();
        for page in twins::pairs(root)?.into_iter().flat_map(|pair| [pair.english, pair.chinese]) {
            let page = Path::new("src").join(page);
            let text =
                fs::read_to_string(root.join(&page)).with_context(|| format!("can't read {}", page.display()))?;
            for (number, line) in text.lines().enumerate() {
                for directive in directives(line) {
                    if let Err(problem) = includes.take(root, &page, directive) {
                        includes.broken.push(format!("{}:{}: {problem}", page.display(), number + 1));
                    }
                }
            }
        }
        Ok(includes)
    }

    fn take(&mut self, root: &Path, page: &Path, directive: &str) -> Result<(), String> {
        let (kind, target) = directive.split_once(' ').unwrap_or((directive, ""));
        if !["include", "rustdoc_include"].contains(&kind) {
            return Err(format!("{{{{#{directive}}}}} is no include: use include or rustdoc_include"));
        }
        let (file, anchor) = target.split_once(':').unwrap_or((target, ""));
        let path = normal(&page.with_file_name("").join(file));
        let text = fs::read_to_string(root.join(&path))
            .map_err(|_| format!("includes {}, which does not exist", path.display()))?;
        if anchor.starts_with(|c: char| c.is_ascii_digit()) || anchor.contains(':') {
            return Err(format!("includes line numbers of {}: name an anchor, lines move", path.display()));
        }
        let anchors = self.used.entry(path.clone()).or_default();
        if anchor.is_empty() {
            return Ok(());
        }
        for mark in ["ANCHOR", "ANCHOR_END"] {
            if !anchors_marked(&text, mark).any(|name| name == anchor) {
                return Err(format!("includes {}:{anchor}, but that file has no `{mark}: {anchor}`", path.display()));
            }
        }
        anchors.insert(anchor.to_owned());
        Ok(())
    }

    /// Anchors that no page includes, in every file that some page includes.
    ///
    /// # Errors
    /// When a file can't be read.
    pub fn unused(&self, root: &Path) -> Result<Vec<String>> {
        let mut unused = Vec::new();
        for (path, used) in &self.used {
            let text = fs::read_to_string(root.join(path))?;
            for anchor in anchors_marked(&text, "ANCHOR").filter(|anchor| !used.contains(*anchor)) {
                unused.push(format!("{}: no page includes the anchor {anchor}: use it or delete it", path.display()));
            }
        }
        Ok(unused)
    }

    /// Every included file, as a path below the root.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.used.keys().map(PathBuf::as_path)
    }
}

/// The directives on a line, without braces and `#`; escaped ones (`\{{#`) are text.
fn directives(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("{{#")
        .filter(|(at, _)| !line[..*at].ends_with('\\'))
        .map(|(at, _)| line[at + 3..].split("}}").next().unwrap_or_default().trim())
}

fn anchors_marked<'a>(text: &'a str, mark: &str) -> impl Iterator<Item = &'a str> {
    let mark = format!("{mark}: ");
    text.lines().filter_map(move |line| {
        let at = line.find(&mark)?;
        line[at + mark.len()..].split_whitespace().next()
    })
}

/// The path without `..`, as far as that goes without looking at the disk.
pub fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            part => normal.push(part),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_found_and_escaped_ones_are_not() {
        let line = r"a {{#include x.rs:one}} b \{{#include y.rs}} {{ #no }} {{#title T}}";
        assert_eq!(directives(line).collect::<Vec<_>>(), ["include x.rs:one", "title T"]);
    }

    #[test]
    fn paths_lose_their_dots() {
        assert_eq!(normal(Path::new("src/basic/../../listings/a.rs")), Path::new("listings/a.rs"));
    }
}
