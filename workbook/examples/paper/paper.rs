//! The editions as PDF and EPUB. Chromium turns mdBook's print page into a book; it prints the PDF, and the pages of the
//! EPUB are what it has made of the chapters, so that they are well-formed.

#[allow(dead_code)] // nobody types here
#[path = "../../tests/reader/chromium.rs"]
mod chromium;

use anyhow::{Context, Result, ensure};
use base64::prelude::{BASE64_STANDARD, Engine};
use chromium::Chromium;
use chromiumoxide::cdp::browser_protocol::page::PrintToPdfParams;
use epub_builder::{EpubBuilder, EpubContent, EpubVersion, MetadataOpfV3, ReferenceType, TocElement, ZipLibrary};
use lopdf::Document;
use mdbook_driver::{MDBook, book::BookItem};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use workbook::{edition::Edition, publish};

/// A4, in inches.
const PAPER: (f64, f64) = (8.27, 11.69);
const FOOTER: &str =
    r#"<div style="font-size: 8px; width: 100%; text-align: center"><span class="pageNumber"></span></div>"#;

/// Prints each edition into a folder, and names the files.
///
/// # Errors
/// When the book has mistakes, Chromium isn't there or can't do it, or the folder can't be written.
pub fn pdf(root: &Path, dest: &Path) -> Result<Vec<PathBuf>> {
    Press::open(root)?.each(dest, "pdf", |browser, _, _| {
        // Only a printed book knows on which page a chapter begins. Its numbers then go into the contents: they are as wide.
        let first = Document::load_mem(&print(browser)?)?;
        let starts = starts(&first)?;
        let fill = format!(
            "((starts) => document.querySelectorAll('.paper-number').forEach((e, at) => {{ e.textContent = starts[at]; }}))({})",
            json!(starts)
        );
        browser.evaluate(&fill)?;
        print(browser)
    })
}

/// Writes each edition as an e-book into a folder, and names the files.
///
/// # Errors
/// As of [`pdf`].
pub fn epub(root: &Path, dest: &Path) -> Result<Vec<PathBuf>> {
    Press::open(root)?.each(dest, "epub", |browser, book, folder| {
        let taken: Taken = serde_json::from_value(browser.evaluate(include_str!("pages.js"))?)?;
        bind(book, folder, taken)
    })
}

/// What an edition is called, and what chapters it has.
struct Book {
    edition: Edition,
    title: String,
    description: String,
    authors: Vec<String>,
    entries: Vec<Value>,
}

impl Book {
    fn of(root: &Path, dest: &Path, edition: Edition) -> Result<Self> {
        let MDBook { book, config, .. } = edition.load(root, dest)?;
        let entries = book.items.iter().filter_map(|item| match item {
            BookItem::Chapter(chapter) => Some(json!({ "chapter": chapter.name })),
            BookItem::PartTitle(title) => Some(json!({ "part": title })),
            BookItem::Separator => None,
        });
        let text = |text: Option<String>| text.context("book.toml has no title or no description");
        Ok(Self {
            edition,
            entries: entries.collect(),
            title: text(config.book.title)?,
            description: text(config.book.description)?,
            authors: config.book.authors,
        })
    }

    /// A few words in the edition's languages.
    fn words(&self, english: &str, chinese: &str) -> String {
        let all = [("en", english), ("zh-CN", chinese)].into_iter();
        let ours = all.filter(|(language, _)| self.edition.languages().contains(language));
        ours.map(|(_, words)| words).collect::<Vec<_>>().join(" · ")
    }
}

/// The built book and a browser to print it with.
struct Press {
    root: PathBuf,
    built: TempDir,
    browser: Chromium,
}

impl Press {
    fn open(root: &Path) -> Result<Self> {
        let browser = Chromium::open((800, 1100), &[])?;
        let built = tempfile::tempdir()?;
        publish::build(root, &built.path().join("book"))?;
        Ok(Self { root: root.to_owned(), built, browser })
    }

    fn each(
        self,
        dest: &Path,
        extension: &str,
        make: impl Fn(&Chromium, &Book, &Path) -> Result<Vec<u8>>,
    ) -> Result<Vec<PathBuf>> {
        fs::create_dir_all(dest).with_context(|| format!("can't make the folder {}", dest.display()))?;
        let mut written = Vec::new();
        for edition in Edition::ALL {
            let folder = self.built.path().join("book").join(edition.folder());
            let book = Book::of(&self.root, self.built.path(), edition)?;
            self.lay_out(&book, &folder)?;
            let file = dest.join(format!("rabbitmq-workbook.{}.{extension}", edition.folder()));
            let bytes = make(&self.browser, &book, &folder)?;
            fs::write(&file, bytes).with_context(|| format!("can't write {}", file.display()))?;
            written.push(file);
        }
        Ok(written)
    }

    /// Opens the print page as a book.
    fn lay_out(&self, book: &Book, folder: &Path) -> Result<()> {
        let html = without_scripts(&fs::read_to_string(folder.join("print.html"))?);
        let style = format!("<style>{}</style></head>", include_str!("paper.css"));
        let page = folder.join("paper.html");
        fs::write(&page, html.replacen("</head>", &style, 1))?;
        self.browser.go(&format!("file://{}", page.display()))?;
        let words = json!({
            "title": book.title,
            "description": book.description,
            "contents": book.words("Contents", "目录"),
            "answers": book.words("Answers to the quizzes", "小测验的答案"),
        });
        let script = include_str!("paper.js");
        self.browser.evaluate(&format!("({script})({}, {words})", json!(book.entries)))?;
        self.browser
            .wait_for("[...document.images].every((image) => image.complete)", std::time::Duration::from_secs(60))
    }
}

/// A page that nothing rearranges any more.
fn without_scripts(html: &str) -> String {
    let mut parts = html.split("<script");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, part| kept + part.split_once("</script>").map_or("", |(_, rest)| rest))
}

fn print(browser: &Chromium) -> Result<Vec<u8>> {
    let params = PrintToPdfParams {
        display_header_footer: Some(true),
        header_template: Some("<span></span>".into()),
        footer_template: Some(FOOTER.into()),
        paper_width: Some(PAPER.0),
        paper_height: Some(PAPER.1),
        print_background: Some(true),
        generate_document_outline: Some(true),
        generate_tagged_pdf: Some(true),
        ..Default::default()
    };
    Ok(BASE64_STANDARD.decode(browser.ask(params)?.data)?)
}

/// On which pages, counted from 1, the chapters begin, by the outline: those on its first level, without the title and the contents.
fn starts(pdf: &Document) -> Result<Vec<usize>> {
    let outline = pdf.get_toc()?;
    let top = outline.toc.iter().map(|entry| entry.level).min().context("the PDF has no outline")?;
    let starts: Vec<_> =
        outline.toc.iter().filter(|entry| entry.level == top).map(|entry| entry.page).skip(2).collect();
    ensure!(!starts.is_empty(), "the PDF's outline has no chapters");
    Ok(starts)
}

/// What `pages.js` gives.
#[derive(Deserialize)]
struct Taken {
    drawings: Vec<String>,
    pictures: Vec<String>,
    pages: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    name: String,
    title: String,
    /// The title as XML.
    head: String,
    parts: Vec<Part>,
    body: String,
}

#[derive(Deserialize)]
struct Part {
    id: String,
    title: String,
}

/// Makes an e-book of pages.
fn bind(book: &Book, folder: &Path, taken: Taken) -> Result<Vec<u8>> {
    let languages = book.edition.languages();
    let mut epub = EpubBuilder::new(ZipLibrary::new()?)?;
    epub.epub_version(EpubVersion::V33);
    epub.set_title(&book.title);
    for author in &book.authors {
        // `add_author` gives the author the id that the language has already.
        epub.add_metadata_opf(Box::new(MetadataOpfV3::new("dcterms:creator".into(), author.clone())));
    }
    epub.add_description(&book.description);
    epub.set_license("CC BY 4.0");
    epub.set_languages(languages.iter().map(|language| (*language).to_owned()).collect());
    epub.set_toc_name(book.words("Contents", "目录"));
    epub.stylesheet(include_str!("paper.css").as_bytes())?;
    for (number, drawing) in (1..).zip(&taken.drawings) {
        epub.add_resource(format!("drawing-{number}.svg"), drawing.as_bytes(), "image/svg+xml")?;
    }
    for picture in &taken.pictures {
        let file = fs::read(folder.join(picture)).with_context(|| format!("the picture {picture} is missing"))?;
        epub.add_resource(picture, &file[..], format!("image/{}", picture.rsplit('.').next().unwrap_or_default()))?;
    }
    for (number, page) in taken.pages.iter().enumerate() {
        let html = page.xhtml(languages[0]);
        let mut content = EpubContent::new(&page.name, html.as_bytes()).title(&page.title).reftype(if number == 0 {
            ReferenceType::TitlePage
        } else {
            ReferenceType::Text
        });
        for part in &page.parts {
            content = content.child(TocElement::new(format!("{}#{}", page.name, part.id), &part.title));
        }
        epub.add_content(content)?;
    }
    let mut bytes = Vec::new();
    epub.generate(&mut bytes)?;
    Ok(bytes)
}

impl Page {
    fn xhtml(&self, language: &str) -> String {
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" lang="{language}" xml:lang="{language}">
<head><title>{}</title><link rel="stylesheet" type="text/css" href="stylesheet.css"/></head>
<body>{}</body>
</html>
"#,
            self.head, self.body
        )
    }
}
