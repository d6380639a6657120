//! Pictures on the pages: Markdown can't say how large one is, so an edition's pages say it, and nothing moves while
//! they load.

use anyhow::{Context, Result};
use mdbook_markdown::{
    MarkdownOptions, new_cmark_parser,
    pulldown_cmark::{Event, Tag, TagEnd},
};
use std::{fs, ops::Range, path::Path};

/// How many pixels of a file stand beside each other in one pixel of the page, so that screens with small pixels
/// show it sharp.
pub const DENSITY: u32 = 2;

/// The page's text with each of its WebP pictures as an `<img>` with width and height; `folder` is the page's own.
///
/// # Errors
/// Names the picture that is missing or no WebP.
pub fn with_sizes(folder: &Path, text: &str) -> Result<String> {
    let mut sized = text.to_owned();
    for picture in pictures(text).into_iter().rev() {
        let file = folder.join(&picture.file);
        let bytes = fs::read(&file).with_context(|| format!("can't read the picture {}", file.display()))?;
        let (width, height) = webp_size(&bytes).with_context(|| format!("{} is no WebP picture", file.display()))?;
        let tag = format!(
            r#"<img src="{}" alt="{}" width="{}" height="{}" loading="lazy">"#,
            picture.file,
            escaped(&picture.alt),
            width / DENSITY,
            height / DENSITY
        );
        sized.replace_range(picture.range, &tag);
    }
    Ok(sized)
}

/// A picture in a page's Markdown.
struct Picture {
    range: Range<usize>,
    file: String,
    alt: String,
}

/// The WebP pictures of a page, in order.
fn pictures(text: &str) -> Vec<Picture> {
    let mut found: Vec<Picture> = Vec::new();
    let mut inside = false;
    for (event, range) in new_cmark_parser(text, &MarkdownOptions::default()).into_offset_iter() {
        match event {
            Event::Start(Tag::Image { dest_url, .. }) if dest_url.ends_with(".webp") => {
                inside = true;
                found.push(Picture { range, file: dest_url.into_string(), alt: String::new() });
            }
            Event::End(TagEnd::Image) => inside = false,
            Event::Text(words) | Event::Code(words) if inside => {
                if let Some(picture) = found.last_mut() {
                    picture.alt.push_str(&words);
                }
            }
            _ => {}
        }
    }
    found
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

/// Width and height of a WebP picture in pixels, from the head of its first chunk (RFC 9649, sections 2.5 to 2.7).
pub fn webp_size(file: &[u8]) -> Option<(u32, u32)> {
    if file.get(..4)? != b"RIFF" || file.get(8..12)? != b"WEBP" {
        return None;
    }
    let chunk = file.get(20..30)?;
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
    match &file[12..16] {
        b"VP8 " => Some((number(&chunk[6..8]) & 0x3fff, number(&chunk[8..10]) & 0x3fff)),
        b"VP8L" => {
            let sizes = number(&chunk[1..5]);
            Some(((sizes & 0x3fff) + 1, (sizes >> 14 & 0x3fff) + 1))
        }
        b"VP8X" => Some((number(&chunk[4..7]) + 1, number(&chunk[7..10]) + 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of nothing but its head: chunk name, then the ten bytes that hold the size.
    fn head(chunk: &[u8; 4], data: [u8; 10]) -> Vec<u8> {
        [b"RIFF\0\0\0\0WEBP", chunk.as_slice(), b"\0\0\0\0", &data].concat()
    }

    #[test]
    fn each_kind_of_webp_tells_its_size() {
        let lossy = head(b"VP8 ", [0, 0, 0, 0x9d, 0x01, 0x2a, 0xe0, 0x45, 0x60, 0x43]); // the upper two bits are a scale
        assert_eq!(webp_size(&lossy), Some((1504, 864)));
        let lossless = head(b"VP8L", [0x2f, 0xdf, 0xc5, 0xd7, 0x10, 0, 0, 0, 0, 0]);
        assert_eq!(webp_size(&lossless), Some((1504, 864)));
        let extended = head(b"VP8X", [0, 0, 0, 0, 0xdf, 0x05, 0, 0x5f, 0x03, 0]);
        assert_eq!(webp_size(&extended), Some((1504, 864)));
        assert_eq!(webp_size(&lossy[..29]), None);
        assert_eq!(webp_size(b"\x89PNG\r\n\x1a\n and more than thirty bytes"), None);
    }

    #[test]
    fn a_picture_gets_its_size_and_keeps_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let file = head(b"VP8X", [0, 0, 0, 0, 0xdf, 0x05, 0, 0x5f, 0x03, 0]);
        fs::write(folder.path().join("a.webp"), file).unwrap();
        let page = "看[![A & in `hello`](a.webp)](a.webp)信";
        assert_eq!(
            with_sizes(folder.path(), page).unwrap(),
            "看[<img src=\"a.webp\" alt=\"A &amp; in hello\" width=\"752\" height=\"432\" \
             loading=\"lazy\">](a.webp)信"
        );
        let error = with_sizes(folder.path(), "![x](b.webp)").unwrap_err().to_string();
        assert!(error.contains("b.webp"), "{error}");
    }
}
