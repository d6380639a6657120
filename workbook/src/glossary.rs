//! The glossary's words where they are used: the first time that a page uses a term it leads to the section that explains it,
//! and has the meaning in its title, which `assets/glossary.js` shows on hover and focus.
//!
//! The pages' sources stay free of it; `src/glossary.md` and its twin are the only place where meanings stand.

use crate::{blocks::shared_path, twins::Pair};
use anyhow::Result;
use mdbook_markdown::{
    MarkdownOptions, new_cmark_parser,
    pulldown_cmark::{Event, Tag},
};
use std::{
    collections::HashSet,
    ops::Range,
    path::{Component, Path},
};

/// The glossary's page, below `src`.
const PAGE: &str = "glossary.md";

/// Terms that are everyday words, or words of Rust, too: where they stand on a page tells nothing of what they mean there.
const EVERYDAY: [&str; 12] =
    ["body", "pull", "push", "ready", "returned", "stream", "就绪", "拉取", "推送", "流", "消费", "退回"];

/// A word with a meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    /// As it stands on a page, in lower case.
    word: String,
    /// In plain text.
    meaning: String,
    /// The page and section that explain it, below `src`: `basic/model.md#parts`.
    explained: String,
}

/// The terms of one edition.
#[derive(Debug)]
pub struct Glossary {
    terms: Vec<Term>,
}

impl Glossary {
    /// The terms in these languages (`en`, `zh-CN`).
    ///
    /// # Errors
    /// When a glossary's page can't be read.
    pub fn read(src: &Path, languages: &[&str]) -> Result<Self> {
        let [english, chinese] = Pair::of(Path::new(PAGE)).read(src)?;
        let mut terms = Vec::new();
        for (language, page, column) in [("en", &english, 0), ("zh-CN", &chinese, 1)] {
            if languages.contains(&language) {
                terms.extend(page.lines().filter_map(|row| rows(row, column)).flatten());
            }
        }
        // A word of two rows has two meanings, and which one a sentence has in mind can't be seen.
        let all: Vec<_> = terms.iter().map(|term: &Term| term.word.clone()).collect();
        terms.retain(|term| all.iter().filter(|word| **word == term.word).count() == 1);
        terms.sort_by_key(|term| usize::MAX - term.word.len());
        Ok(Self { terms })
    }

    /// The text of `page` (below `src`) with the first use of each term led to where it is explained.
    ///
    /// Only running text is touched: no headings, tables, quotes, links, code or quizzes, and nothing emphasized: Markdown doesn't
    /// end an emphasis between a link's bracket and a Chinese character, and a term in bold is being explained there. A page that explains a term itself
    /// doesn't lead to itself.
    pub fn linked(&self, page: &Path, text: &str) -> String {
        if page == Path::new(PAGE) {
            return text.to_owned();
        }
        let here = shared_path(&page.to_string_lossy().replace('\\', "/"));
        let explains = |term: &Term| term.explained.split('#').next() == Some(here.as_str());
        let mut done: HashSet<&str> =
            self.terms.iter().filter(|term| explains(term)).map(|term| term.word.as_str()).collect();
        done.extend(EVERYDAY);
        let mut linked = String::with_capacity(text.len());
        let mut copied = 0;
        for range in prose(text) {
            let mut at = range.start;
            while let Some((found, term)) = self.next(&text[..range.end], at) {
                at = found.end;
                if done.insert(&term.word) {
                    linked += &text[copied..found.start];
                    let (to, title) = (from_page(page, &term.explained), term.meaning.replace('"', "\\\""));
                    linked += &format!("[{}]({to} \"{title}\")", &text[found.clone()]);
                    copied = found.end;
                }
            }
        }
        linked + &text[copied..]
    }

    /// The first term in `text` from `start` on, the longest where several begin.
    fn next(&self, text: &str, start: usize) -> Option<(Range<usize>, &Term)> {
        text[start..]
            .char_indices()
            .map(|(i, _)| start + i)
            .find_map(|at| self.terms.iter().find_map(|term| Some((at..at + term.length_in(text, at)?, term))))
    }
}

impl Term {
    /// How long the term is that stands at this place, with an English ending; `None` if another word stands there.
    fn length_in(&self, text: &str, at: usize) -> Option<usize> {
        const ENDINGS: [&str; 5] = ["", "s", "es", "d", "ed"];
        let is_latin = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | '{' | '#');
        let found = text.get(at..at + self.word.len())?;
        if !found.eq_ignore_ascii_case(&self.word) {
            return None;
        }
        if !self.word.is_ascii() {
            // 发布/订阅 is one name.
            return (!text[at + found.len()..].starts_with('/') && !text[..at].ends_with('/')).then_some(found.len());
        }
        if text[..at].chars().next_back().is_some_and(is_latin) {
            return None;
        }
        let rest = &text[at + found.len()..];
        ENDINGS.iter().find_map(|ending| {
            let after = rest.strip_prefix(ending)?;
            // A full stop ends a sentence, or stands inside a name.
            let mut following = after.trim_start_matches('.').chars();
            let is_name = after.starts_with('.') && following.clone().next().is_some_and(|c| c.is_ascii_alphanumeric());
            (!is_name && (after.starts_with('.') || !following.next().is_some_and(is_latin)))
                .then_some(found.len() + ending.len())
        })
    }
}

/// The terms of one line of the glossary's table: `| words | words | meaning | [title](page) |`.
fn rows(line: &str, column: usize) -> Option<Vec<Term>> {
    let cells: Vec<_> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
    let [_, _, meaning, page] = cells[..] else { return None };
    let explained = shared_path(page.split_once("](")?.1.strip_suffix(')')?);
    let words =
        cells[column].split([',', '、']).map(|word| word.split('（').next().unwrap_or(word).trim().to_lowercase());
    let meaning: String = meaning.chars().filter(|c| !matches!(c, '*' | '`')).collect();
    let term = |word| Term { word, meaning: meaning.clone(), explained: explained.clone() };
    Some(words.map(term).collect())
}

/// Boxes that are read at one glance, before the text: what a chapter needs and gives, and the book's promise.
const BOXES: [&str; 2] = ["<div class=\"start\">", "<div class=\"promise\">"];

/// Where the running text of a chapter stands: the words of its paragraphs and of its plain lists.
fn prose(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut depth, mut closed) = (0, 0); // how deep we are in blocks and spans, and in how many that are left alone
    let mut block = Vec::new();
    let mut is_quiz = false;
    let mut boxed = 0; // how many elements deep in a box
    for (event, range) in new_cmark_parser(text, &MarkdownOptions::default()).into_offset_iter() {
        match event {
            Event::Start(tag) => {
                depth += 1;
                let is_open = matches!(tag, Tag::Paragraph | Tag::List(_) | Tag::Item);
                closed += usize::from(closed > 0 || !is_open);
            }
            Event::End(_) => {
                depth -= 1;
                closed = closed.saturating_sub(1);
                if depth == 0 {
                    if !is_quiz {
                        found.append(&mut block);
                    }
                    block.clear();
                    is_quiz = false;
                }
            }
            Event::TaskListMarker(_) => is_quiz = true,
            Event::Html(html) if boxed > 0 || BOXES.iter().any(|start| html.contains(start)) => {
                boxed += html.matches("<div").count();
                boxed = boxed.saturating_sub(html.matches("</div").count());
            }
            Event::Text(words) if closed == 0 && boxed == 0 && !words.contains("{{") => block.push(range),
            _ => {}
        }
    }
    found
}

/// The link from one page to a place on another, both below `src`.
fn from_page(page: &Path, to: &str) -> String {
    let depth =
        page.parent().map_or(0, |folder| folder.components().filter(|c| matches!(c, Component::Normal(_))).count());
    "../".repeat(depth) + to
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const ENGLISH: &str = "# Glossary {#glossary}\n\n| term | 中文 | meaning | page |\n|---|---|---|---|\n\
        | direct exchange | 直连交换机 | compares, *exactly* | [Routing](patterns/routing.md#direct) |\n\
        | exchange | 交换机 | the \"sorting\" room | [Sending](basic/send.md#publish) |\n\
        | queue | 队列 | a mailbox | [Model](basic/model.md#parts) |\n\
        | ready | 就绪 | waiting | [Look](basic/look.md#ready) |\n";
    const CHINESE: &str = "# 术语表 {#glossary}\n\n| English | 术语 | 含义 | 页 |\n|---|---|---|---|\n\
        | direct exchange | 直连交换机 | 完全相同 | [路由](patterns/routing.zh-CN.md#direct) |\n\
        | exchange | 交换机 | 分拣室 | [发送](basic/send.zh-CN.md#publish) |\n\
        | durable | 持久化 | 还在 | [甲](a.zh-CN.md#a) |\n\
        | persistent | 持久化（消息） | 写盘 | [甲](a.zh-CN.md#a) |\n";

    fn linked(languages: &[&str], page: &str, text: &str) -> String {
        let src = tempfile::tempdir().unwrap();
        fs::write(src.path().join("glossary.md"), ENGLISH).unwrap();
        fs::write(src.path().join("glossary.zh-CN.md"), CHINESE).unwrap();
        Glossary::read(src.path(), languages).unwrap().linked(Path::new(page), text)
    }

    #[test]
    fn the_first_use_of_a_term_leads_to_where_it_is_explained() {
        assert_eq!(
            linked(
                &["en"],
                "patterns/topics.md",
                "Queues wait; a **direct exchange** is *ready*.\n\n- One direct exchange, an exchange.\n"
            ),
            "[Queues](../basic/model.md#parts \"a mailbox\") wait; a **direct exchange** is *ready*.\n\n\
             - One [direct exchange](../patterns/routing.md#direct \"compares, exactly\"), \
             an [exchange](../basic/send.md#publish \"the \\\"sorting\\\" room\").\n"
        );
    }

    #[test]
    fn only_running_text_is_touched() {
        let untouched = "# The queue {#queue}\n\n`queue` and [a queue](x.md) and queue.rs, my-queue, queueing.\n\n```\nqueue\n```\n\n\
            | queue |\n|---|\n| queue |\n\n> a queue\n\n1. A queue?\n\n   - [x] a queue\n   - [ ] none\n\n{{#include queue}}\n\n<p>queue</p>\n\n\
            <div class=\"start\">\n\n<div>\n\n- A queue\n\n</div>\n\nA queue\n\n</div>\n";
        assert_eq!(linked(&["en"], "a.md", untouched), untouched);
        assert_eq!(linked(&["en"], "basic/model.md", "A queue."), "A queue.", "it is explained there");
        assert_eq!(linked(&["en"], "glossary.md", "A queue."), "A queue.");
    }

    #[test]
    fn chinese_terms_are_found_between_other_characters_and_the_longest_wins() {
        assert_eq!(
            linked(&["zh-CN"], "a.md", "这个直连交换机和别的交换机，持久化。"),
            "这个[直连交换机](patterns/routing.md#direct \"完全相同\")和别的[交换机](basic/send.md#publish \"分拣室\")，持久化。"
        );
    }

    #[test]
    fn an_edition_in_both_languages_has_the_terms_of_both() {
        let both = linked(&["en", "zh-CN"], "a.md", "An exchange.\n\n一个交换机。\n");
        assert!(both.contains("the \\\"sorting\\\" room") && both.contains("分拣室"), "{both}");
    }
}
