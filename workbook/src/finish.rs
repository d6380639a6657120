//! What is left to do when mdBook has rendered an edition, in one pass over its pages: words that mdBook says in English only,
//! HTML that it gets wrong, and what pages with an address on the web tell others.

use crate::{address::Address, edition::Edition};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The titles that mdBook gives to callouts, and what a Chinese reader expects there.
const CALLOUTS: [(&str, &str); 5] =
    [("Note", "说明"), ("Tip", "提示"), ("Important", "重点"), ("Warning", "注意"), ("Caution", "警告")];

/// Finishes the pages of one edition, which mdBook has put into `folder`, for their address on the web if they will have one.
///
/// # Errors
/// When a page can't be read or written.
pub fn finish(edition: Edition, folder: &Path, address: Option<&Address>) -> Result<()> {
    // Nobody is sent to an edition's own page for what isn't there: a server asks for the one of the whole book.
    fs::remove_file(folder.join("404.html")).context("mdBook made no 404.html")?;
    for path in pages(folder)? {
        let html = fs::read_to_string(&path)?;
        let mut finished = if path.ends_with("toc.html") {
            contents(edition, &html)
        } else {
            labels(&flags(&whole(&page(edition, &html))))
        };
        let name = path.strip_prefix(folder)?.to_string_lossy().replace('\\', "/");
        if let Some(announced) = address.and_then(|address| address.announced(edition, &name, &finished)) {
            finished = announced;
        }
        fs::write(&path, finished).with_context(|| format!("can't write {}", path.display()))?;
    }
    Ok(())
}

/// The HTML files in a folder and those in it.
fn pages(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut folders, mut pages) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "html") {
                pages.push(path);
            }
        }
    }
    Ok(pages)
}

fn page(edition: Edition, html: &str) -> String {
    match edition {
        Edition::English => chinese_cells(html),
        Edition::Chinese => chinese_callouts(html),
        // Each half of a pair is one block, which has no other `div` inside.
        Edition::SideBySide => {
            let mut finished = String::new();
            let half = "<div lang=\"zh-CN\">";
            for (i, part) in chinese_cells(html).split_inclusive(half).enumerate() {
                let (inside, rest) = part.split_at(if i == 0 { 0 } else { part.find("</div>").unwrap_or(0) });
                finished += &without_places(&chinese_callouts(inside));
                finished += rest;
            }
            finished
        }
    }
}

/// Without the places that a page has given a name by a `span`: the English half beside it has the same.
fn without_places(html: &str) -> String {
    let mut parts = html.split("<span id=\"");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |html, part| html + "<span" + part.split_once('"').map_or(part, |(_, rest)| rest))
}

fn chinese_callouts(html: &str) -> String {
    CALLOUTS.iter().fold(html.to_owned(), |html, (english, chinese)| {
        html.replace(&format!("</svg>{english}</p>"), &format!("</svg>{chinese}</p>"))
    })
}

/// Keeps names in one piece that a browser would break at a hyphen: AMQP 0-9-1. Only text is touched, and no code.
fn whole(html: &str) -> String {
    const NAME: &str = "0-9-1";
    let Some((head, body)) = html.split_once("<main") else { return html.to_owned() };
    let mut finished = format!("{head}<main");
    let mut rest = body;
    while let Some(start) = rest.find(NAME) {
        let (before, after) = rest.split_at(start);
        finished += before;
        rest = &after[NAME.len()..];
        let last = |tag: &str| finished.rfind(tag);
        let is_in = |element: &str| last(&format!("<{element}")) > last(&format!("</{element}>"));
        let is_text = last("<") < last(">") && !["code", "script", "title", "desc", "text"].into_iter().any(is_in);
        finished += &if is_text { format!("<span class=\"nowrap\">{NAME}</span>") } else { NAME.to_owned() };
    }
    finished + rest
}

/// Each cell of a wide table names its column, for telephones, where a row stands as a card (`type.css`).
fn labels(html: &str) -> String {
    const TABLE: &str = "<table>";
    let mut tables = html.split(TABLE);
    let mut finished = tables.next().unwrap_or_default().to_owned();
    for table in tables {
        let (table, rest) = table.split_at(table.find("</table>").unwrap_or(0));
        let heads = table.split("</th>").filter_map(|cell| Some(cell.split_once("<th")?.1.split_once('>')?.1));
        let names: Vec<_> = heads.map(|head| words(head).replace('"', "&quot;")).collect();
        finished += if names.len() > 2 { "<table class=\"wide\">" } else { TABLE };
        for (i, row) in table.split("<tr>").enumerate() {
            let mut cells = row.split("<td");
            finished += if i == 0 { "" } else { "<tr>" };
            finished += cells.next().unwrap_or_default();
            for (cell, name) in cells.zip(names.iter().map(Some).chain(std::iter::repeat(None))) {
                finished += "<td";
                if let Some(name) = name.filter(|name| names.len() > 2 && !name.is_empty()) {
                    finished += &format!(" data-label=\"{name}\"");
                }
                finished += cell;
            }
        }
        finished += rest;
    }
    finished
}

/// The words of a piece of HTML.
fn words(html: &str) -> String {
    let (first, rest) = html.split_once('<').unwrap_or((html, ""));
    first.to_owned() + &rest.split('<').filter_map(|part| Some(part.split_once('>')?.1)).collect::<String>()
}

/// Keeps the flags of a command that stands in a sentence in one piece: a browser would break `-p` and `--yes` behind the dash.
fn flags(html: &str) -> String {
    const CODE: &str = "<code>"; // in a block it has a class, or stands in a `pre`
    let mut pieces = html.split(CODE);
    let mut finished = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (code, rest) = piece.split_at(piece.find("</code>").unwrap_or(0));
        let is_flag = |word: &str| word.starts_with('-') && word.len() > 1;
        let words = code.split(' ').map(|word| match is_flag(word) && !finished.ends_with("<pre>") {
            true => format!("<span class=\"nowrap\">{word}</span>"),
            false => word.to_owned(),
        });
        let words = words.collect::<Vec<_>>().join(" ");
        finished += CODE;
        finished += &words;
        finished += rest;
    }
    finished
}

/// A table's cell that holds a Chinese word and nothing else (as in the glossary) says so: it decides font and voice.
fn chinese_cells(html: &str) -> String {
    let is_han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    let mark = |html: &str, tag: &str| {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        let mut cells = html.split(&open);
        let mut finished = cells.next().unwrap_or_default().to_owned();
        for cell in cells {
            let text = &cell[..cell.find('<').unwrap_or(cell.len())];
            let is_chinese = text.contains(is_han) && cell[text.len()..].starts_with(&close);
            let lang = if is_chinese { " lang=\"zh-CN\"" } else { "" };
            finished += &format!("<{tag}{lang}>{cell}");
        }
        finished
    };
    mark(&mark(html, "td"), "th")
}

/// The frame that holds the table of contents where scripts are off: it has no title, and closes items twice.
fn contents(edition: Edition, html: &str) -> String {
    let title = if edition == Edition::Chinese { "目录" } else { "Table of contents" };
    html.replacen("<head>", &format!("<head>\n        <title>{title}</title>"), 1).replace("</li></li>", "</li>")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: &str = "<blockquote><p class=\"blockquote-tag-title\"><svg></svg>Note</p><p>x</p></blockquote>";

    #[test]
    fn a_callouts_title_is_in_the_language_of_its_text() {
        assert!(page(Edition::English, NOTE).contains("</svg>Note<"));
        assert!(page(Edition::Chinese, NOTE).contains("</svg>说明<"));
        let pair =
            format!("<div class=\"pair\"><div lang=\"en\">{NOTE}</div><div lang=\"zh-CN\">{NOTE}</div></div>{NOTE}");
        let both = page(Edition::SideBySide, &pair);
        let titles: Vec<_> = both.split("</svg>").skip(1).map(|part| &part[..part.find('<').unwrap()]).collect();
        assert_eq!(titles, ["Note", "说明", "Note"]);
    }

    #[test]
    fn a_place_with_a_name_is_there_once() {
        let half = "<ol><li><span id=\"a\">x</span> <span class=\"b\">y</span></li></ol>";
        let pair = format!("<div lang=\"en\">{half}</div><div lang=\"zh-CN\">{half}</div>{half}");
        let once =
            format!("<div lang=\"en\">{half}</div><div lang=\"zh-CN\">{}</div>{half}", half.replace(" id=\"a\"", ""));
        assert_eq!(page(Edition::SideBySide, &pair), once);
    }

    #[test]
    fn a_protocols_name_stays_in_one_line() {
        let html = "<title>0-9-1</title><main><p id=\"0-9-1\">AMQP 0-9-1, <code>0-9-1</code></p>";
        let kept = "<title>0-9-1</title><main><p id=\"0-9-1\">AMQP <span class=\"nowrap\">0-9-1</span>, <code>0-9-1</code></p>";
        assert_eq!(whole(html), kept);
    }

    #[test]
    fn the_cells_of_a_wide_table_name_their_columns() {
        let row = "<tr><td>1</td><td class=\"x\">2</td><td>3</td></tr>";
        let wide = |cells: &str| {
            format!(
                "a<table><thead><tr><th>A <code>b</code></th><th></th><th>\"C\"</th></tr></thead><tbody>{cells}</tbody></table>b"
            )
        };
        let labelled =
            "<tr><td data-label=\"A b\">1</td><td class=\"x\">2</td><td data-label=\"&quot;C&quot;\">3</td></tr>";
        assert_eq!(labels(&wide(row)), wide(labelled).replacen("<table>", "<table class=\"wide\">", 1));
        let narrow =
            "<table><thead><tr><th>A</th><th>B</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>";
        assert_eq!(labels(narrow), narrow);
    }

    #[test]
    fn a_flag_stays_in_one_line() {
        let html = "<code>cargo run -p send -- -1</code> a - b <pre><code>-p</code></pre> <code>a-b</code> <code>-";
        let kept = "<code>cargo run <span class=\"nowrap\">-p</span> send <span class=\"nowrap\">--</span> \
                    <span class=\"nowrap\">-1</span></code> a - b <pre><code>-p</code></pre> <code>a-b</code> <code>-";
        assert_eq!(flags(html), kept);
    }

    #[test]
    fn a_chinese_word_in_an_english_table_is_marked_as_chinese() {
        let html = page(Edition::English, "<td>ready</td><td>就绪</td><td>see <b>就绪</b></td>");
        assert_eq!(html, "<td>ready</td><td lang=\"zh-CN\">就绪</td><td>see <b>就绪</b></td>");
    }
}
