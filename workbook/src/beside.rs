//! Tables and lists that stand beside their twins (对照): row by row and item by item, so that the eye finds the other text.

use mdbook_markdown::{
    MarkdownOptions, new_cmark_parser,
    pulldown_cmark::{Alignment, Event, Tag, TagEnd},
};
use std::{iter, ops::Range};

/// One table out of two with the same shape: each cell in both languages, or once where both say the same.
///
/// `None` when `english` is no table.
pub fn table_in_both(english: &str, chinese: &str) -> Option<String> {
    let ours = Table::read(english)?;
    let theirs = Table::read(chinese)?;
    let mut rows = ours.rows.iter().zip(&theirs.rows).map(|(ours, theirs)| {
        let cells = ours.iter().zip(theirs).map(|(ours, theirs)| cell_in_both(ours, theirs));
        format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
    });
    let rule = ours.columns.iter().map(|alignment| match alignment {
        Alignment::None => "---",
        Alignment::Left => ":--",
        Alignment::Center => ":-:",
        Alignment::Right => "--:",
    });
    let rule = format!("| {} |", rule.collect::<Vec<_>>().join(" | "));
    let head = rows.next()?;
    Some([head, rule].into_iter().chain(rows).collect::<Vec<_>>().join("\n"))
}

fn cell_in_both(english: &str, chinese: &str) -> String {
    if english == chinese {
        return english.to_owned();
    }
    format!("<span lang=\"en\">{english}</span> <span lang=\"zh-CN\">{chinese}</span>")
}

/// How many items a list has, not counting those of lists within it; `None` when the text is no list.
pub fn list_items(source: &str) -> Option<usize> {
    let mut depth = 0;
    let mut items = 0;
    let mut events = new_cmark_parser(source, &MarkdownOptions::default());
    matches!(events.next(), Some(Event::Start(Tag::List(_)))).then_some(())?;
    for event in events {
        match event {
            Event::Start(Tag::List(_)) => depth += 1,
            Event::End(TagEnd::List(_)) => depth -= 1,
            Event::Start(Tag::Item) if depth == 0 => items += 1,
            _ => {}
        }
    }
    Some(items)
}

/// A table's Markdown, taken apart.
struct Table<'a> {
    columns: Vec<Alignment>,
    /// The head is the first row.
    rows: Vec<Vec<&'a str>>,
}

impl<'a> Table<'a> {
    fn read(source: &'a str) -> Option<Self> {
        let mut events = new_cmark_parser(source, &MarkdownOptions::default()).into_offset_iter();
        let Some((Event::Start(Tag::Table(columns)), _)) = events.next() else { return None };
        let mut rows: Vec<Vec<&str>> = Vec::new();
        let mut cell: Option<Range<usize>> = None;
        for (event, range) in events {
            match event {
                Event::Start(Tag::TableHead | Tag::TableRow) => rows.push(Vec::new()),
                Event::Start(Tag::TableCell) => cell = Some(range.start..range.start),
                Event::End(TagEnd::TableCell) => {
                    let text = cell.take().map_or("", |inside| source[inside].trim());
                    rows.last_mut()?.push(text);
                }
                _ => {
                    if let Some(inside) = &mut cell {
                        let start =
                            if inside.start == inside.end { range.start } else { inside.start.min(range.start) };
                        *inside = start..inside.end.max(range.end);
                    }
                }
            }
        }
        rows.iter_mut().for_each(|row| row.extend(iter::repeat_n("", columns.len().saturating_sub(row.len()))));
        Some(Self { columns, rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_both_tables_share_stands_once() {
        let english = "| a `x` | *b* |\n|---|--:|\n| `ls` | [one](a.md) \\| two |\n| | z |\n";
        let chinese = "| 甲 `x` | *乙* |\n|---|--:|\n| `ls` | [一](a.md) \\| 二 |\n| | z |\n";
        assert_eq!(
            table_in_both(english, chinese).unwrap(),
            "| <span lang=\"en\">a `x`</span> <span lang=\"zh-CN\">甲 `x`</span> | \
             <span lang=\"en\">*b*</span> <span lang=\"zh-CN\">*乙*</span> |\n\
             | --- | --: |\n\
             | `ls` | <span lang=\"en\">[one](a.md) \\| two</span> <span lang=\"zh-CN\">[一](a.md) \\| 二</span> |\n\
             |  | z |"
        );
        assert_eq!(table_in_both("no table", "没有表"), None);
    }

    #[test]
    fn only_a_lists_own_items_count() {
        assert_eq!(list_items("- a\n- b\n  - c\n  - d\n- e\n"), Some(3));
        assert_eq!(list_items("1. a\n\n   b\n2. c\n"), Some(2));
        assert_eq!(list_items("a\n\n- b\n"), None);
    }
}
