//! Drawings on the pages: SVG files in `assets/`, written once with their words in both languages.
//!
//! An edition takes the words in its language, and gives each drawing ids of its own: a drawing may stand on two pages,
//! and the page for printing has all of them.

use anyhow::{Context, Result};
use std::{fs, path::Path};

/// The elements of a drawing that have words: its name, its description for those who don't see it, and what stands in it.
const WORDED: [&str; 3] = ["title", "desc", "text"];

/// The text of `page` (below `src`) with its included drawings in place, in the languages of an edition.
///
/// # Errors
/// Names the drawing that can't be read.
pub fn drawn(src: &Path, page: &Path, languages: &[&str], text: &str) -> Result<String> {
    let mut drawn = String::new();
    let mut count = 0;
    let place: String =
        page.with_extension("").to_string_lossy().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    for line in text.split_inclusive('\n') {
        let included = line.trim().strip_prefix("{{#include ").and_then(|rest| rest.strip_suffix("}}"));
        let Some(file) = included.filter(|file| file.ends_with(".svg")) else {
            drawn += line;
            continue;
        };
        let path = src.join(page.with_file_name(file));
        let svg = fs::read_to_string(&path).with_context(|| format!("can't read the drawing {}", path.display()))?;
        count += 1;
        drawn += &in_languages(&svg, languages, &format!("{place}-drawing-{count}"));
    }
    Ok(drawn)
}

/// A drawing with the words in these languages alone, named and described by ids that begin with `id`.
fn in_languages(svg: &str, languages: &[&str], id: &str) -> String {
    let mut kept = String::new();
    let (mut names, mut descriptions) = (Vec::new(), Vec::new());
    let mut rest = svg;
    while let Some(start) = rest.find('<') {
        kept += &rest[..start];
        rest = &rest[start..];
        let tag = &rest[1..rest.find('>').map_or(rest.len(), |end| end)];
        let element = WORDED.iter().find(|name| tag.strip_prefix(*name).is_some_and(|more| more.starts_with(' ')));
        let language = tag.split_once("lang=\"").and_then(|(_, value)| value.split('"').next());
        let (Some(element), Some(language)) = (element, language) else {
            kept += "<";
            rest = &rest[1..];
            continue;
        };
        let close = format!("</{element}>");
        let end = rest.find(&close).map_or(rest.len(), |at| at + close.len());
        if languages.contains(&language) {
            let own = format!("{id}-{element}-{language}");
            match *element {
                "title" => names.push(own.clone()),
                "desc" => descriptions.push(own.clone()),
                _ => {}
            }
            let with_id = if *element == "text" { String::new() } else { format!(" id=\"{own}\"") };
            kept += &format!("<{element}{with_id}{}", &rest[1 + element.len()..end]);
        }
        rest = &rest[end..];
    }
    kept += rest;
    let told = format!("<svg aria-labelledby=\"{}\" aria-describedby=\"{}\"", names.join(" "), descriptions.join(" "));
    // A line with nothing in it would end the block of HTML in which the drawing stands.
    let lines: Vec<_> = kept.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.join("\n").replacen("<svg", &told, 1) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const SVG: &str = "<svg viewBox=\"0 0 1 1\">\n<title lang=\"en\">Way</title><title lang=\"zh-CN\">路</title>\n\
        <desc lang=\"en\">A way.</desc>\n<desc lang=\"zh-CN\">一条路。</desc>\n\
        <text x=\"1\">P</text><text x=\"2\" lang=\"en\">letter</text>\n<text x=\"2\" lang=\"zh-CN\">信</text>\n</svg>\n";

    #[test]
    fn a_drawing_speaks_the_language_of_its_edition() {
        assert_eq!(
            in_languages(SVG, &["zh-CN"], "a-1"),
            "<svg aria-labelledby=\"a-1-title-zh-CN\" aria-describedby=\"a-1-desc-zh-CN\" viewBox=\"0 0 1 1\">\n\
             <title id=\"a-1-title-zh-CN\" lang=\"zh-CN\">路</title>\n<desc id=\"a-1-desc-zh-CN\" lang=\"zh-CN\">一条路。</desc>\n\
             <text x=\"1\">P</text>\n<text x=\"2\" lang=\"zh-CN\">信</text>\n</svg>\n"
        );
        let both = in_languages(SVG, &["en", "zh-CN"], "a-1");
        assert!(both.contains("aria-labelledby=\"a-1-title-en a-1-title-zh-CN\""), "{both}");
        assert!(both.contains("letter") && both.contains('信'), "{both}");
    }

    #[test]
    fn a_drawing_that_stands_twice_has_two_sets_of_ids() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("basic")).unwrap();
        fs::write(folder.path().join("way.svg"), SVG).unwrap();
        let text = "a\n{{#include ../way.svg}}\nb\n{{#include ../way.svg}}\n{{#include ../code.rs:x}}\n";
        let page = drawn(folder.path(), Path::new("basic/send.md"), &["en"], text).unwrap();
        assert!(page.starts_with("a\n<svg") && page.ends_with("</svg>\n{{#include ../code.rs:x}}\n"), "{page}");
        for id in ["basic-send-drawing-1-title-en", "basic-send-drawing-2-title-en"] {
            assert_eq!(page.matches(&format!(" id=\"{id}\"")).count(), 1, "{page}");
        }
        let error = drawn(folder.path(), Path::new("basic/send.md"), &["en"], "{{#include none.svg}}").unwrap_err();
        assert!(error.to_string().contains("none.svg"), "{error}");
    }
}
