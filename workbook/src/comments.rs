//! Comments of listings in Chinese. A listing's code has one source; `listings/NAME/comments.zh-CN.toml` has its comments in
//! Chinese by their English words, and the Chinese edition shows those.

use crate::listings::Listing;
use anyhow::{Context, Result};
use mdbook_driver::book::{Book, BookItem};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// English to Chinese, as a listing's file has it; empty where there is no such file.
type Table = BTreeMap<String, String>;

/// Puts the Chinese comments into the pages, when the listings have been included.
pub struct ChineseComments;

impl Preprocessor for ChineseComments {
    fn name(&self) -> &str {
        "chinese-comments"
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let mut tables = BTreeMap::new();
        for Listing { name, .. } in Listing::all(&context.root)? {
            let table = table(&context.root, &name)?;
            tables.insert(name, table);
        }
        book.for_each_mut(|item| {
            if let BookItem::Chapter(chapter) = item {
                chapter.content = in_chinese(&chapter.content, &tables);
            }
        });
        Ok(book)
    }
}

fn table(root: &Path, listing: &str) -> Result<Table> {
    let path = root.join("listings").join(listing).join("comments.zh-CN.toml");
    if !path.exists() {
        return Ok(Table::new());
    }
    let text = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is no table of comments", path.display()))
}

/// The page with the comments in its blocks of listings (` ```rust,no_run,listing-send `) replaced.
fn in_chinese(page: &str, tables: &BTreeMap<String, Table>) -> String {
    let mut table = None;
    let lines = page.split_inclusive('\n').map(|line| {
        if line.starts_with("```") {
            let listing = line.trim().split(',').find_map(|word| word.strip_prefix("listing-"));
            table = listing.and_then(|name| tables.get(name));
        }
        let chinese = comment(line).zip(table).and_then(|(comment, table)| Some((comment, table.get(comment)?)));
        match chinese {
            Some((comment, chinese)) => {
                line.trim_end().strip_suffix(comment).unwrap_or(line).to_owned() + chinese + "\n"
            }
            None => line.to_owned(),
        }
    });
    lines.collect()
}

/// The words of the comment on a line of Rust, if there is one that somebody reads.
pub fn comment(line: &str) -> Option<&str> {
    let at = ["// ", "/// ", "//! "].iter().filter_map(|mark| {
        let at = line.find(mark)?;
        (at == 0 || line[..at].ends_with(' ')).then_some(at + mark.len())
    });
    let words = line[at.min()?..].trim_end();
    (!words.starts_with("ANCHOR")).then_some(words)
}

/// Every comment of a Rust listing that has no Chinese, and all Chinese that belongs to no comment.
///
/// # Errors
/// When a listing or its table can't be read.
pub fn problems(root: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for Listing { name, .. } in Listing::all(root)?.into_iter().filter(|listing| !listing.is_python) {
        let source = root.join("listings").join(&name).join("src/main.rs");
        let source = fs::read_to_string(&source).with_context(|| format!("can't read {}", source.display()))?;
        let table = table(root, &name)?;
        let comments: BTreeSet<_> = source.lines().filter_map(comment).collect();
        let file = format!("listings/{name}/comments.zh-CN.toml");
        let missing = comments.iter().filter(|comment| !table.contains_key(**comment));
        problems.extend(missing.map(|comment| format!("{file} lacks the comment {comment:?}")));
        let unused = table.keys().filter(|comment| !comments.contains(comment.as_str()));
        problems.extend(unused.map(|comment| format!("{file}: no comment of the listing is {comment:?}")));
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_what_stands_behind_two_strokes() {
        for (line, words) in [
            ("    let a = 1; // one\n", Some("one")),
            ("/// Says one.", Some("Says one.")),
            ("# //! The producer.", Some("The producer.")), // a line that a page hides
            ("    let addr = \"amqp://127.0.0.1:5672\";", None),
            ("    // ANCHOR: one", None),
            ("//!", None),
        ] {
            assert_eq!(comment(line), words, "{line}");
        }
    }

    #[test]
    fn only_a_listings_own_comments_are_replaced() {
        let table = Table::from([("one".into(), "一".into())]);
        let tables = BTreeMap::from([("send".to_owned(), table)]);
        let page = "```rust,no_run,listing-send\nf(); // one\ng(); // two\n```\n\n```rust\nf(); // one\n```\n";
        let chinese = page.replacen("// one", "// 一", 1);
        assert_eq!(in_chinese(page, &tables), chinese);
    }
}
