//! The three editions of the book, loaded from the one source tree.

use crate::{
    address::Address, blocks::shared_path, comments::ChineseComments, drawings, glossary::Glossary,
    listings::mark_blocks, pictures, twins, twins::Pair,
};
use anyhow::{Context, Result, ensure};
use mdbook_driver::{
    MDBook,
    book::BookItem,
    config::{Config, HtmlConfig},
};
use mdbook_summary::{Summary, SummaryItem, parse_summary};
use std::{fs, path::Path};

/// What `book.toml` says as `description`, in Chinese.
const CHINESE_DESCRIPTION: &str = "用 Rust 学 RabbitMQ 消息通信：从寄出第一封信开始，一直学到工作中真正用得上的东西";

/// One of the books that are built from the same pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// English alone.
    English,
    /// Chinese alone.
    Chinese,
    /// Each block beside its twin (对照).
    SideBySide,
}

impl Edition {
    /// All three.
    pub const ALL: [Self; 3] = [Self::English, Self::Chinese, Self::SideBySide];

    /// The edition's folder in the built book.
    pub fn folder(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
            Self::SideBySide => "en-zh",
        }
    }

    /// The languages in which it speaks, as HTML calls them.
    pub fn languages(self) -> &'static [&'static str] {
        match self {
            Self::English => &["en"],
            Self::Chinese => &["zh-CN"],
            Self::SideBySide => &["en", "zh-CN"],
        }
    }

    /// Loads this edition of the book in `root`, to be built into `dest`, with the pages' text in its language.
    ///
    /// # Errors
    /// When a page or its twin is missing, twins differ in structure, or `book.toml` or a summary is wrong; the
    /// message names the file.
    pub fn load(self, root: &Path, dest: &Path) -> Result<MDBook> {
        let src = root.join("src");
        let mut config = Config::from_disk(root.join("book.toml")).context("can't read book.toml")?;
        // mdBook would log a mistake there and go on with its defaults.
        config.get::<HtmlConfig>("output.html").context("[output.html] in book.toml is wrong")?;
        config.build.build_dir = dest.join(self.folder());
        let read = |name: &str| -> Result<Summary> {
            let text = fs::read_to_string(src.join(name)).with_context(|| format!("can't read src/{name}"))?;
            parse_summary(&shared_path(&text))
                .with_context(|| format!("src/{name} is not a summary that mdBook can read"))
        };
        let english = read("SUMMARY.md")?;
        let summary = match self {
            Self::English => english,
            Self::Chinese => read("SUMMARY.zh-CN.md")?,
            Self::SideBySide => in_both(english, read("SUMMARY.zh-CN.md")?)?,
        };
        if self != Self::English {
            config.book.title = summary.title.clone();
            config.book.description = Some(match (self, config.book.description) {
                (Self::SideBySide, Some(english)) => format!("{english} · {CHINESE_DESCRIPTION}"),
                _ => CHINESE_DESCRIPTION.into(),
            });
        }
        if self == Self::Chinese {
            config.book.language = Some("zh-CN".into());
        }
        if self == Self::SideBySide {
            add(&mut config, "output.html.additional-css", "assets/side-by-side.css")?;
        }
        // The picker leads to the sibling editions, which plain `mdbook build` doesn't make.
        add(&mut config, "output.html.additional-js", "assets/editions.js")?;

        let mut book = MDBook::load_with_config_and_summary(root, config, summary)?;
        if self == Self::Chinese {
            book.with_preprocessor(ChineseComments);
        }
        let glossary = Glossary::read(&src, self.languages())?;
        let mut failure = Ok(());
        book.book.for_each_mut(|item| {
            if let (BookItem::Chapter(chapter), Ok(())) = (item, &failure)
                && let Some(path) = &chapter.path
            {
                match self.text(&src, &Pair::of(path), &glossary) {
                    Ok(text) => chapter.content = text,
                    Err(error) => failure = Err(error),
                }
            }
        });
        failure.map(|()| book)
    }

    /// Has each page of this edition lead to the repository and to its own file there, to suggest an edit.
    ///
    /// # Errors
    /// When mdBook doesn't take the settings.
    pub fn link_to(self, repository: &Address, book: &mut MDBook) -> Result<()> {
        let repository = repository.as_str();
        book.config.set("output.html.git-repository-url", repository)?;
        book.config.set("output.html.edit-url-template", format!("{repository}/edit/main/{{path}}"))?;
        if self == Self::Chinese {
            book.book.for_each_mut(|item| {
                if let BookItem::Chapter(chapter) = item {
                    chapter.source_path = chapter.path.as_deref().map(|path| Pair::of(path).chinese);
                }
            });
        }
        Ok(())
    }

    fn text(self, src: &Path, pair: &Pair, glossary: &Glossary) -> Result<String> {
        let [english, chinese] = pair.read(src)?;
        let text = match self {
            Self::English => english,
            Self::Chinese => chinese,
            Self::SideBySide => twins::side_by_side(pair, &english, &chinese)?,
        };
        let text = glossary.linked(&pair.english, &text);
        let text = drawings::drawn(src, &pair.english, self.languages(), &mark_blocks(&text))?;
        pictures::with_sizes(&src.join(pair.english.with_file_name("")), &text)
    }
}

/// Adds a file to a list of `book.toml`.
fn add(config: &mut Config, list: &str, file: &str) -> Result<()> {
    let mut files: Vec<String> = config.get(list)?.unwrap_or_default();
    files.push(file.to_owned());
    config.set(list, files)
}

/// The summary whose titles are in both languages.
fn in_both(english: Summary, chinese: Summary) -> Result<Summary> {
    let mut both = english;
    both.title = both.title.zip(chinese.title).map(|(en, zh)| format!("{en} · {zh}"));
    join_items(&mut both.prefix_chapters, chinese.prefix_chapters)?;
    join_items(&mut both.numbered_chapters, chinese.numbered_chapters)?;
    join_items(&mut both.suffix_chapters, chinese.suffix_chapters)?;
    Ok(both)
}

fn join_items(english: &mut [SummaryItem], chinese: Vec<SummaryItem>) -> Result<()> {
    let differ = "src/SUMMARY.md and src/SUMMARY.zh-CN.md differ: both need the same pages in the same order";
    ensure!(english.len() == chinese.len(), differ);
    for (ours, theirs) in english.iter_mut().zip(chinese) {
        match (ours, theirs) {
            (SummaryItem::Separator, SummaryItem::Separator) => {}
            (SummaryItem::PartTitle(ours), SummaryItem::PartTitle(theirs)) => *ours = format!("{ours} · {theirs}"),
            (SummaryItem::Link(ours), SummaryItem::Link(theirs)) if ours.location == theirs.location => {
                ours.name = format!("{} · {}", ours.name, theirs.name);
                join_items(&mut ours.nested_items, theirs.nested_items)?;
            }
            _ => ensure!(false, differ),
        }
    }
    Ok(())
}
