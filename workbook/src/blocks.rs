//! A chapter as a sequence of blocks: what makes twin pages comparable, and lets them stand side by side.
//!
//! Parses with mdBook's own options, so a block here is a block on the page.

use mdbook_markdown::{
    MarkdownOptions, new_cmark_parser,
    pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd},
};
use std::{collections::BTreeSet, ops::Range};

/// A top-level block of a chapter: a heading, a paragraph, a list, a code block, a piece of HTML…
#[derive(Debug, Clone)]
pub struct Block<'a> {
    /// The line on which the block starts; the first is 1.
    pub line: usize,
    /// The block's Markdown.
    pub source: &'a str,
    /// What kind of block it is.
    pub kind: Kind<'a>,
    /// What a translation must not change, one feature a line: the blocks inside, code, links, pictures, ids.
    pub skeleton: Vec<String>,
}

/// The kinds of block that side-by-side pages treat differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A heading.
    Heading {
        /// 1 to 6.
        level: usize,
        /// The id, where one is given as `{#id}`.
        id: Option<String>,
        /// The heading's Markdown without `#` and `{#id}`.
        text: &'a str,
    },
    /// A code block.
    Code {
        /// What stands behind the opening fence; nothing for an indented block.
        info: String,
    },
    /// Raw HTML.
    Html,
    /// A paragraph that is a picture and nothing else, perhaps with a link around it.
    Picture {
        /// The words for those who don't see it.
        alt: &'a str,
    },
    /// Anything else.
    Other,
}

/// The top-level blocks of a chapter, in order.
pub fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut depth = 0;
    let mut open: Option<Open> = None;
    for (event, range) in new_cmark_parser(text, &MarkdownOptions::default()).into_offset_iter() {
        let starts = matches!(event, Event::Start(_));
        let ends = matches!(event, Event::End(_));
        if depth == 0 {
            open = Some(Open::new(&event, range.clone()));
        }
        depth += usize::from(starts);
        depth -= usize::from(ends);
        if let Some(block) = &mut open {
            block.take(&event, range);
        }
        if depth == 0
            && let Some(block) = open.take()
        {
            blocks.push(block.close(text));
        }
    }
    blocks
}

/// The fenced code blocks of a chapter, those inside lists and quotes too: info string and code.
pub fn code_blocks(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for event in new_cmark_parser(text, &MarkdownOptions::default()) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                inside = true;
                found.push((info.into_string(), String::new()));
            }
            Event::End(TagEnd::CodeBlock) => inside = false,
            Event::Text(code) if inside => {
                if let Some((_, text)) = found.last_mut() {
                    text.push_str(&code);
                }
            }
            _ => {}
        }
    }
    found
}

/// A block that is still being read.
#[derive(Default)]
struct Open {
    range: Range<usize>,
    text: Option<Range<usize>>,
    heading: Option<(usize, Option<String>)>,
    code: Option<String>,
    html: bool,
    picture: Option<Range<usize>>, // its alternative text
    in_picture: bool,
    has_words: bool, // outside of pictures
    skeleton: Vec<String>,
    inline: BTreeSet<String>, // a translation may reorder these within a paragraph
    lists: usize,             // how many lists deep we are
    item: usize,              // which item of the outermost
    boxes: usize,             // how many boxes to tick it has had
}

impl Open {
    fn new(event: &Event, range: Range<usize>) -> Self {
        let heading = match event {
            Event::Start(Tag::Heading { level, id, .. }) => {
                Some((*level as usize, id.as_ref().map(ToString::to_string)))
            }
            _ => None,
        };
        let code = match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => Some(info.to_string()),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => Some(String::new()),
            _ => None,
        };
        let html = matches!(event, Event::Start(Tag::HtmlBlock));
        Self { range, heading, code, html, ..Self::default() }
    }

    fn take(&mut self, event: &Event, range: Range<usize>) {
        let is_inner = range != self.range;
        if is_inner {
            let text = self.text.get_or_insert(range.clone());
            *text = text.start.min(range.start)..text.end.max(range.end);
        }
        match event {
            Event::Start(Tag::Image { .. }) => {
                self.in_picture = true;
                self.has_words |= self.picture.is_some(); // a second picture
            }
            Event::End(TagEnd::Image) => self.in_picture = false,
            Event::Text(_) | Event::Code(_) if self.in_picture => {
                let alt = self.picture.get_or_insert(range.clone());
                alt.end = range.end;
            }
            Event::Text(_) | Event::Code(_) => self.has_words = true,
            Event::Start(Tag::List(_)) => self.lists += 1,
            Event::End(TagEnd::List(_)) => self.lists -= 1,
            Event::Start(Tag::Item) if self.lists == 1 => (self.item, self.boxes) = (self.item + 1, 0),
            Event::TaskListMarker(_) => self.boxes += 1,
            _ => {}
        }
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => self.note(format!("a link to {}", shared_path(dest_url))),
            Event::Start(Tag::Image { dest_url, .. }) => self.note(format!("the picture {dest_url}")),
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough) => {}
            Event::Start(tag) => {
                self.settle();
                self.skeleton.push(name(tag));
            }
            Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image) => {}
            Event::End(_) => self.settle(),
            Event::Code(code) => self.note(format!("`{code}`")),
            Event::Text(text) if self.code.is_some() => {
                self.skeleton.extend(text.lines().map(|l| format!("code {l:?}")))
            }
            Event::Html(html) => self.skeleton.extend(tags(html).map(|tag| format!("the tag {tag}"))),
            Event::InlineHtml(html) => self.note(format!("the tag {html}")),
            Event::FootnoteReference(name) => self.note(format!("the footnote {name}")),
            Event::Rule => self.skeleton.push("a line across".into()),
            Event::TaskListMarker(ticked) => {
                let mark = if *ticked { "[x]" } else { "[ ]" };
                self.skeleton.push(format!("{mark} before answer {} of item {}", self.boxes, self.item));
            }
            _ => {}
        }
    }

    fn note(&mut self, feature: String) {
        self.inline.insert(feature);
    }

    fn settle(&mut self) {
        self.skeleton.extend(std::mem::take(&mut self.inline));
    }

    fn close(mut self, text: &str) -> Block<'_> {
        self.settle();
        let kind = if let Some((level, id)) = self.heading {
            Kind::Heading { level, id, text: self.text.map_or("", |range| text[range].trim()) }
        } else if let Some(info) = self.code {
            Kind::Code { info }
        } else if self.html {
            Kind::Html
        } else if let (Some(alt), false) = (self.picture, self.has_words) {
            Kind::Picture { alt: &text[alt] }
        } else {
            Kind::Other
        };
        Block {
            line: text[..self.range.start].matches('\n').count() + 1,
            source: text[self.range].trim_end(),
            kind,
            skeleton: self.skeleton,
        }
    }
}

/// A block's name as a message to an author has it.
fn name(tag: &Tag) -> String {
    match tag {
        Tag::Paragraph => "a paragraph".into(),
        Tag::Heading { level, id, .. } => match id {
            Some(id) => format!("a heading of level {} with the id {id}", *level as usize),
            None => format!("a heading of level {} without an id", *level as usize),
        },
        Tag::BlockQuote(kind) => kind.map_or("a quote".into(), |kind| format!("a callout [!{kind:?}]")),
        Tag::CodeBlock(CodeBlockKind::Fenced(info)) => format!("a code block marked {info:?}"),
        Tag::CodeBlock(CodeBlockKind::Indented) => "an indented code block".into(),
        Tag::HtmlBlock => "a piece of HTML".into(),
        Tag::List(Some(_)) => "a numbered list".into(),
        Tag::List(None) => "a list".into(),
        Tag::Item => "a list item".into(),
        Tag::Table(columns) => format!("a table of {} columns", columns.len()),
        Tag::TableHead => "a table head".into(),
        Tag::TableRow => "a table row".into(),
        Tag::TableCell => "a table cell".into(),
        other => format!("{other:?}"),
    }
}

/// The tags in a piece of HTML, as written; not the text between them.
pub fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split_inclusive('>').filter_map(|part| part.find('<').map(|start| &part[start..]))
}

/// The path that both twins share: `send.zh-CN.md#publish` and `send.md#publish` are the same place.
pub fn shared_path(link: &str) -> String {
    link.replace(".zh-CN.md", ".md")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_knows_its_line_kind_and_source() {
        let found =
            blocks("# Hello *you* {#hello}\n\nOne `x`.\n\n```rust,no_run\nfn main() {}\n```\n\n<div>\n\n- a\n- b\n");
        let lines: Vec<_> = found.iter().map(|b| (b.line, b.source)).collect();
        assert_eq!(
            lines,
            [
                (1, "# Hello *you* {#hello}"),
                (3, "One `x`."),
                (5, "```rust,no_run\nfn main() {}\n```"),
                (9, "<div>"),
                (11, "- a\n- b")
            ]
        );
        assert_eq!(found[0].kind, Kind::Heading { level: 1, id: Some("hello".into()), text: "Hello *you*" });
        assert_eq!(found[2].kind, Kind::Code { info: "rust,no_run".into() });
        assert_eq!(found[3].kind, Kind::Html);
    }

    #[test]
    fn a_picture_alone_is_known_with_its_words() {
        let kind = |text| blocks(text).remove(0).kind;
        let alone = Kind::Picture { alt: "A `b` c" };
        assert_eq!(kind("![A `b` c](a.webp)"), alone);
        assert_eq!(kind("[![A `b` c](a.webp)](a.webp)"), alone);
        for more in ["See ![a](a.webp)", "![a](a.webp) there", "![a](a.webp)![b](b.webp)", "![](a.webp)"] {
            assert_eq!(kind(more), Kind::Other, "{more}");
        }
    }

    #[test]
    fn a_translation_may_reorder_what_stands_within_a_sentence() {
        let one = blocks("See `a`, [b](send.md#x) and **c**.");
        let other = blocks("先看 [b](send.zh-CN.md#x)，再看 `a`。");
        assert_eq!(one[0].skeleton, other[0].skeleton);
    }

    #[test]
    fn a_translation_may_not_change_code_links_or_structure() {
        for (one, other) in [
            ("Set `5`.", "设为 `6`。"),
            ("[x](a.md)", "[x](b.md)"),
            ("- a\n- b", "- a"),
            ("```sh\nls\n```", "```sh\nls -l\n```"),
            ("## A {#a}", "## A {#b}"),
            ("<details>", "<details open>"),
            ("> [!NOTE]\n> a", "> [!TIP]\n> a"),
            ("- [x] a\n- [ ] b", "- [ ] a\n- [x] b"),
            ("- [ ] a", "- a"),
        ] {
            assert_ne!(blocks(one)[0].skeleton, blocks(other)[0].skeleton, "{one} / {other}");
        }
    }
}
