//! Hands the Rust blocks of the book, as the reader sees them, to skeptic: from both languages, with includes expanded
//! and hidden lines in place. A program that stands in several blocks (whole, in pieces, in two languages) is compiled once.

use anyhow::{Context, Result};
use mdbook_html::HtmlHandlebars;
use std::{
    collections::HashSet,
    env, fs,
    path::{Path, PathBuf},
    time::SystemTime,
};
use workbook::{blocks::code_blocks, comments::comment, edition::Edition};

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the package stands in the project")?;
    for input in ["src", "listings", "assets", "book.toml", "Cargo.toml"] {
        println!("cargo:rerun-if-changed={}", root.join(input).display());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    let mut seen = HashSet::new();
    let mut pages = Vec::new();
    for edition in [Edition::English, Edition::Chinese] {
        let (book, _) = edition.load(root, &out)?.preprocess_book(&HtmlHandlebars::new())?;
        for chapter in book.chapters() {
            let mut page = String::new();
            for (info, code) in code_blocks(&chapter.content) {
                if info.split(',').next() == Some("rust") && seen.insert((info.clone(), without_hiding(&code))) {
                    page += &format!("```{info}\n{code}```\n\n");
                }
            }
            if page.is_empty() {
                continue;
            }
            // skeptic names its tests after the file.
            let path = chapter.path.as_ref().context("a chapter with code has a path")?.with_extension("");
            let name = format!("{}_{}.md", edition.folder(), path.to_string_lossy().replace(['/', '\\'], "_"));
            let file = out.join(name);
            fs::write(&file, page)?;
            // skeptic asks cargo to run this again when the file is newer than the build; it always would be.
            fs::File::options().write(true).open(&file)?.set_modified(SystemTime::UNIX_EPOCH)?;
            pages.push(file);
        }
    }
    anyhow::ensure!(!pages.is_empty(), "the book has no Rust blocks: something is wrong with how they are found");
    skeptic::generate_doc_tests(&pages);
    Ok(())
}

/// The code with its hidden lines (`# …`) as ordinary ones, and without comments, which are in the page's language.
fn without_hiding(code: &str) -> String {
    let lines = code.lines().map(|line| match line.trim_start() {
        "#" => "",
        hidden => hidden.strip_prefix("# ").unwrap_or(line),
    });
    let code = lines.map(|line| comment(line).map_or(line, |comment| line.trim_end().trim_end_matches(comment)));
    code.map(|line| line.trim().to_owned() + "\n").collect()
}
