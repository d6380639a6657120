//! Twin pages: `send.md` is English, `send.zh-CN.md` says the same in Chinese, and neither changes alone.
//!
//! Two checks keep them equal. The *skeleton*: both have the same blocks in the same order, with the same ids, code,
//! links and pictures. The *lock* (`src/twins.lock`): both are as they were when somebody last read them against each
//! other; this catches a changed sentence, which no skeleton shows.

use crate::{
    beside::{list_items, table_in_both},
    blocks::{Block, Kind, blocks, shared_path},
};
use anyhow::{Context, Result, bail};
use mdbook_markdown::{
    MarkdownOptions, new_cmark_parser,
    pulldown_cmark::{Event, LinkType, Tag},
};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fmt::Write,
    fs, iter,
    path::{Path, PathBuf},
};

const LOCK_HEAD: &str = "\
# Each pair of pages as it was when both were last read against each other.
# You changed a page? Change its twin, read both, then run `cargo workbook twins`.
";

/// A page's path below `src/` in both languages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// `basic/send.md`
    pub english: PathBuf,
    /// `basic/send.zh-CN.md`
    pub chinese: PathBuf,
}

impl Pair {
    /// The pair to which the English page `english` belongs.
    pub fn of(english: &Path) -> Self {
        Self { english: english.to_owned(), chinese: english.with_extension("zh-CN.md") }
    }

    /// The text of both pages, English first; the Chinese one links to the paths that both share.
    ///
    /// # Errors
    /// Names the page that is missing or not UTF-8.
    pub fn read(&self, src: &Path) -> Result<[String; 2]> {
        let read = |page: &Path| {
            fs::read_to_string(src.join(page)).with_context(|| {
                format!(
                    "can't read src/{}: each page needs its twin; write it, or delete the page in both languages",
                    page.display()
                )
            })
        };
        Ok([read(&self.english)?, with_shared_links(&read(&self.chinese)?)])
    }

    fn shown(&self) -> [String; 2] {
        [&self.english, &self.chinese].map(|page| format!("src/{}", page.display()))
    }
}

/// All pairs of pages below `src/`, the two summaries among them, sorted.
///
/// # Errors
/// When the folder can't be read, or a page has no twin.
pub fn pairs(root: &Path) -> Result<Vec<Pair>> {
    let src = root.join("src");
    let mut english = Vec::new();
    let mut chinese = Vec::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("can't read {}", folder.display()))? {
            let path = entry?.path();
            let name = path.to_string_lossy();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".zh-CN.md") {
                chinese.push(path.strip_prefix(&src)?.to_owned());
            } else if name.ends_with(".md") {
                english.push(path.strip_prefix(&src)?.to_owned());
            }
        }
    }
    english.sort();
    let pairs: Vec<_> = english.iter().map(|page| Pair::of(page)).collect();
    if let Some(pair) = pairs.iter().find(|pair| !chinese.contains(&pair.chinese)) {
        let [english, chinese] = pair.shown();
        bail!("{english} has no Chinese twin: write {chinese} (or delete the page in both languages)");
    }
    if let Some(page) = chinese.iter().find(|page| !pairs.iter().any(|pair| &pair.chinese == *page)) {
        let page = page.display().to_string();
        bail!(
            "src/{page} has no English twin: write src/{} (or delete the page in both languages)",
            shared_path(&page)
        );
    }
    Ok(pairs)
}

/// Every place where twins differ in more than their words, and every heading without an id.
///
/// # Errors
/// As [`pairs`], or when a page can't be read.
pub fn problems(root: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for pair in pairs(root)? {
        let [english, chinese] = pair.read(&root.join("src"))?;
        let is_summary = pair.english == Path::new("SUMMARY.md");
        let (ours, theirs) = (blocks(&english), blocks(&chinese));
        problems.extend(difference(&pair, &ours, &theirs));
        for (page, blocks) in pair.shown().iter().zip([&ours, &theirs]) {
            for block in blocks.iter().filter(|_| !is_summary) {
                if let Kind::Heading { id: None, text, .. } = &block.kind {
                    problems.push(format!("{page}:{}: the heading “{text}” has no id: add {{#an-id}}", block.line));
                }
            }
        }
        problems.extend(chinese_links_to_english(&pair, &fs::read_to_string(root.join("src").join(&pair.chinese))?));
    }
    Ok(problems)
}

/// The first place where the skeletons part; what follows it would differ only because of it.
fn difference(pair: &Pair, english: &[Block], chinese: &[Block]) -> Option<String> {
    let [en, zh] = pair.shown();
    for (ours, theirs) in english.iter().zip(chinese) {
        let end = "nothing more";
        let features = ours.skeleton.iter().map(String::as_str).chain(iter::repeat(end));
        let mut both = features.zip(theirs.skeleton.iter().map(String::as_str).chain(iter::repeat(end)));
        let longest = ours.skeleton.len().max(theirs.skeleton.len());
        if let Some((we, they)) = both.by_ref().take(longest).find(|(we, they)| we != they) {
            return Some(format!(
                "{en}:{} has {we}, its twin {zh}:{} has {they}: both pages need the same blocks, code, links, pictures and right answers",
                ours.line, theirs.line
            ));
        }
    }
    let (page, block, other) = match (english.get(chinese.len()), chinese.get(english.len())) {
        (Some(block), _) => (&en, block, &zh),
        (_, Some(block)) => (&zh, block, &en),
        _ => return None,
    };
    Some(format!("{page}:{}: from here on nothing stands in its twin {other}: translate it or delete it", block.line))
}

fn chinese_links_to_english(pair: &Pair, chinese: &str) -> Vec<String> {
    let page = pair.shown()[1].clone();
    links(chinese)
        .filter(|(_, dest)| {
            let file = dest.split('#').next().unwrap_or_default();
            file.ends_with(".md") && !file.ends_with(".zh-CN.md") && !file.contains("://")
        })
        .map(|(range, dest)| {
            let line = chinese[..range.start].matches('\n').count() + 1;
            format!("{page}:{line}: links to the English page {dest}: link to its twin, …zh-CN.md")
        })
        .collect()
}

fn links(text: &str) -> impl Iterator<Item = (std::ops::Range<usize>, String)> {
    let events = new_cmark_parser(text, &MarkdownOptions::default()).into_offset_iter();
    events.filter_map(|(event, range)| match event {
        Event::Start(Tag::Link { link_type: LinkType::Inline, dest_url, .. }) => Some((range, dest_url.into_string())),
        _ => None,
    })
}

/// The page with its links to Chinese twins turned into links to the paths that all editions share.
fn with_shared_links(chinese: &str) -> String {
    let mut text = chinese.to_owned();
    let found: Vec<_> = links(chinese).collect();
    for (range, dest) in found.into_iter().rev() {
        let link = &chinese[range.clone()];
        let at = range.start + link.rfind(&dest).unwrap_or(0);
        text.replace_range(at..at + dest.len(), &shared_path(&dest));
    }
    text
}

/// Every pair that changed since the lock was written.
///
/// # Errors
/// As [`pairs`], or when a page can't be read.
pub fn unlocked(root: &Path) -> Result<Vec<String>> {
    let lock = fs::read_to_string(root.join("src/twins.lock")).unwrap_or_default();
    let mut locked: BTreeMap<&str, [&str; 2]> = BTreeMap::new();
    for line in lock.lines().filter(|line| !line.starts_with('#')) {
        if let [page, english, chinese] = line.split(' ').collect::<Vec<_>>()[..] {
            locked.insert(page, [english, chinese]);
        }
    }
    let then = "read both, then run `cargo workbook twins`";
    let mut problems = Vec::new();
    for pair in pairs(root)? {
        let [en, zh] = pair.shown();
        let now = hashes(root, &pair)?;
        problems.extend(match locked.remove(en.as_str()) {
            None => Some(format!("{en} and {zh} are new: {then}")),
            Some(was) => match [was[0] == now[0], was[1] == now[1]] {
                [true, true] => None,
                [false, true] => Some(format!("{en} changed and its twin {zh} did not: change that too, {then}")),
                [true, false] => Some(format!("{zh} changed and its twin {en} did not: change that too, {then}")),
                [false, false] => Some(format!("{en} and {zh} changed: {then}")),
            },
        });
    }
    problems.extend(locked.keys().map(|page| format!("{page} is gone but src/twins.lock names it: {then}")));
    Ok(problems)
}

/// Writes `src/twins.lock`: from now on the pages count as read against each other.
///
/// # Errors
/// When a page can't be read or the lock can't be written.
pub fn lock(root: &Path) -> Result<()> {
    let mut lock = LOCK_HEAD.to_owned();
    for pair in pairs(root)? {
        let [english, chinese] = hashes(root, &pair)?;
        writeln!(lock, "{} {english} {chinese}", pair.shown()[0])?;
    }
    fs::write(root.join("src/twins.lock"), lock).context("can't write src/twins.lock")
}

/// A short hash of each page: enough to notice a change, short enough for a readable diff.
fn hashes(root: &Path, pair: &Pair) -> Result<[String; 2]> {
    let hash = |page: &Path| -> Result<String> {
        let text = fs::read_to_string(root.join("src").join(page))?.replace("\r\n", "\n");
        Ok(Sha256::digest(text)[..8].iter().map(|byte| format!("{byte:02x}")).collect())
    };
    Ok([hash(&pair.english)?, hash(&pair.chinese)?])
}

/// The page with each block beside its twin (对照). Code and pictures, which are the same in both, stand once.
///
/// # Errors
/// When the two pages don't have the same skeleton.
pub fn side_by_side(pair: &Pair, english: &str, chinese: &str) -> Result<String> {
    let (ours, theirs) = (blocks(english), blocks(chinese));
    if let Some(difference) = difference(pair, &ours, &theirs) {
        bail!(difference);
    }
    let both = ours.iter().zip(&theirs).map(|(ours, theirs)| match (&ours.kind, &theirs.kind) {
        _ if ours.source == theirs.source => ours.source.to_owned(),
        (Kind::Heading { level, id, text }, Kind::Heading { text: other, .. }) => {
            let id = id.as_ref().map_or(String::new(), |id| format!(" {{#{id}}}"));
            let both = format!("<span lang=\"en\">{text}</span> <span lang=\"zh-CN\">{other}</span>");
            format!("{} {both}{id}", "#".repeat(*level))
        }
        (Kind::Html, _) => html_in_both(ours.source, theirs.source),
        (Kind::Picture { alt }, Kind::Picture { alt: other }) => {
            ours.source.replacen(alt, &format!("{alt} · {other}"), 1)
        }
        _ => table_in_both(ours.source, theirs.source).unwrap_or_else(|| halves(ours.source, theirs.source)),
    });
    Ok(both.collect::<Vec<_>>().join("\n\n") + "\n")
}

/// Two blocks as the halves of a pair; a list says how many rows they share.
fn halves(english: &str, chinese: &str) -> String {
    let kind = match list_items(english) {
        Some(items) => format!("\"pair items\" style=\"--items: {items}\""),
        None => "\"pair\"".into(),
    };
    format!(
        "<div class={kind}>\n<div lang=\"en\">\n\n{english}\n\n</div>\n<div lang=\"zh-CN\">\n\n{chinese}\n\n</div>\n</div>"
    )
}

/// HTML whose tags are the same and whose words differ: the tags once, the words in both languages. What is one sentence stays
/// one, with the code in it.
fn html_in_both(english: &str, chinese: &str) -> String {
    for element in ["summary", "figcaption"] {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        let inside = |html: &str| {
            let start = html.find(&open)? + open.len();
            Some((start, start + html[start..].find(&close)?))
        };
        if let (Some((start, end)), Some((other_start, other_end))) = (inside(english), inside(chinese)) {
            let before = html_in_both(&english[..start], &chinese[..other_start]);
            let sentence = in_both(&english[start..end], &chinese[other_start..other_end]);
            return before + &sentence + &html_in_both(&english[end..], &chinese[other_end..]);
        }
    }
    let mut html = String::new();
    for (ours, theirs) in english.split_inclusive('>').zip(chinese.split_inclusive('>')) {
        let (word, tag) = ours.split_at(ours.find('<').unwrap_or(ours.len()));
        html += &in_both(word, &theirs[..theirs.find('<').unwrap_or(theirs.len())]);
        html += tag;
    }
    html
}

/// Words in both languages, or once if they are the same.
fn in_both(english: &str, chinese: &str) -> String {
    if english.trim() == chinese.trim() {
        return english.to_owned();
    }
    format!("<span lang=\"en\">{}</span> <span lang=\"zh-CN\">{}</span>", english.trim(), chinese.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> Pair {
        Pair::of(Path::new("basic/send.md"))
    }

    #[test]
    fn side_by_side_shows_words_twice_and_code_once() {
        let english = "# Send {#send}\n\nOne *letter*.\n\n```sh\nls\n```\n\n<details>\n<summary>More</summary>\n\n- a\n\n</details>\n";
        let chinese = "# 发送 {#send}\n\n一封*信*。\n\n```sh\nls\n```\n\n<details>\n<summary>更多</summary>\n\n- 甲\n\n</details>\n";
        let both = side_by_side(&pair(), english, chinese).unwrap();
        assert!(
            both.starts_with("# <span lang=\"en\">Send</span> <span lang=\"zh-CN\">发送</span> {#send}\n"),
            "{both}"
        );
        assert!(
            both.contains("<div lang=\"en\">\n\nOne *letter*.\n\n</div>\n<div lang=\"zh-CN\">\n\n一封*信*。\n\n</div>")
        );
        assert_eq!(both.matches("```sh").count(), 1);
        assert!(
            both.contains("<summary><span lang=\"en\">More</span> <span lang=\"zh-CN\">更多</span></summary>"),
            "{both}"
        );
        assert_eq!(both.matches("<details>").count(), 1);
    }

    #[test]
    fn a_question_with_code_in_it_stays_in_one_piece() {
        let english =
            "<details>\n<summary>What do <code>*</code> and <code>#</code> mean?</summary>\n\nx\n\n</details>\n";
        let chinese = "<details>\n<summary><code>*</code> 和 <code>#</code> 是什么？</summary>\n\nx\n\n</details>\n";
        let both = side_by_side(&pair(), english, chinese).unwrap();
        let expected = "<summary><span lang=\"en\">What do <code>*</code> and <code>#</code> mean?</span> \
                        <span lang=\"zh-CN\"><code>*</code> 和 <code>#</code> 是什么？</span></summary>";
        assert!(both.contains(expected), "{both}");
    }

    #[test]
    fn a_difference_names_both_places() {
        let error = side_by_side(&pair(), "# A {#a}\n\nb\n\n- c\n", "# 甲 {#a}\n\n乙\n\n丙\n").unwrap_err().to_string();
        assert!(error.contains("src/basic/send.md:5") && error.contains("src/basic/send.zh-CN.md:5"), "{error}");
        assert!(error.contains("a list") && error.contains("a paragraph"), "{error}");
    }

    #[test]
    fn twins_that_tick_different_answers_are_told_which() {
        let quiz = |ticks: [&str; 3]| {
            format!(
                "1. Why?\n\n   - [x] a\n   - [ ] b\n\n2. How?\n\n   - [{}] c\n   - [{}] d\n   - [{}] e\n",
                ticks[0], ticks[1], ticks[2]
            )
        };
        let error = side_by_side(&pair(), &quiz([" ", "x", " "]), &quiz([" ", " ", "x"])).unwrap_err().to_string();
        assert!(error.contains("has [x] before answer 2 of item 2, its twin"), "{error}");
        assert!(error.contains("has [ ] before answer 2 of item 2:"), "{error}");
    }

    #[test]
    fn a_page_that_ends_early_is_a_difference() {
        let error = side_by_side(&pair(), "a\n\nb\n", "甲\n").unwrap_err().to_string();
        assert!(error.starts_with("src/basic/send.md:3"), "{error}");
    }

    #[test]
    fn links_to_twins_become_links_that_all_editions_share() {
        let text = "看[发送](send.zh-CN.md#publish)和 `send.zh-CN.md`。";
        assert_eq!(with_shared_links(text), "看[发送](send.md#publish)和 `send.zh-CN.md`。");
        assert_eq!(chinese_links_to_english(&pair(), text), Vec::<String>::new());
        assert_eq!(chinese_links_to_english(&pair(), "看\n[发送](send.md)").len(), 1);
    }
}
