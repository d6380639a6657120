//! The pictures and drawings of the book: light, sized, told in words, and such as a real console shows them.

#[path = "../examples/pictures/camera.rs"]
mod camera;
#[path = "../examples/pictures/console.rs"]
mod console;

use rabbitmq_node::Error;
use scraper::{ElementRef, Html, Selector};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};
use workbook::{
    edition::Edition,
    pictures::{DENSITY, webp_size},
    publish,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The files below a folder, as paths below it, whose names end so.
fn files(folder: &Path, end: &str) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                found.insert(path.strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    found
}

/// The editions, built once for all tests.
static BOOK: LazyLock<PathBuf> = LazyLock::new(|| {
    let dest = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures/book");
    publish::build(root(), &dest).unwrap();
    dest
});

#[test]
fn every_picture_is_light_and_on_a_page() {
    let pictures = files(&root().join("src"), ".webp");
    assert!(!pictures.is_empty());
    let pages: Vec<_> = files(&BOOK.join("en"), ".html").into_iter().map(|page| BOOK.join("en").join(page)).collect();
    for picture in pictures {
        let bytes = fs::metadata(root().join("src").join(&picture)).unwrap().len();
        assert!(bytes <= camera::MOST_BYTES as u64, "{} has {bytes} bytes", picture.display());
        let name = picture.file_name().unwrap().to_str().unwrap();
        let shown = pages.iter().any(|page| {
            page.parent().unwrap().ends_with(picture.parent().unwrap())
                && fs::read_to_string(page).unwrap().contains(&format!("<img src=\"{name}\""))
        });
        assert!(shown, "{} is on no page", picture.display());
    }
}

#[test]
fn every_picture_has_its_size_and_words_in_the_languages_of_its_edition() {
    let is_han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    for edition in Edition::ALL {
        let book = BOOK.join(edition.folder());
        let mut seen = 0;
        for page in files(&book, ".html") {
            let html = Html::parse_document(&fs::read_to_string(book.join(&page)).unwrap());
            for picture in html.select(&Selector::parse("main img").unwrap()) {
                seen += 1;
                let source = picture.attr("src").unwrap();
                let place = format!("{}/{}: {source}", edition.folder(), page.display());
                let alt = picture.attr("alt").unwrap_or_default();
                let words = [alt.split(' ').count() > 8, alt.chars().filter(|c| is_han(*c)).count() > 15];
                let wanted = match edition {
                    Edition::English => words[0] && !alt.chars().any(is_han),
                    Edition::Chinese => words[1],
                    Edition::SideBySide => words[0] && words[1],
                };
                assert!(wanted, "{place} is told as {alt:?}");
                let file = fs::read(book.join(&page).with_file_name("").join(source)).unwrap();
                let (width, height) = webp_size(&file).unwrap();
                let shown = [width, height].map(|side| (side / DENSITY).to_string());
                assert_eq!(
                    [picture.attr("width"), picture.attr("height")],
                    shown.each_ref().map(|s| Some(&**s)),
                    "{place}"
                );
            }
        }
        assert!(seen >= 4, "{}: only {seen} pictures", edition.folder());
    }
}

/// Telephones show pages this wide; what is left for a drawing is 320 pixels.
#[test]
fn the_words_in_drawings_are_large_enough_for_a_telephone() {
    for drawing in files(&root().join("assets"), ".svg").into_iter().filter(|file| !file.starts_with("theme")) {
        let svg = Html::parse_fragment(&fs::read_to_string(root().join("assets").join(&drawing)).unwrap());
        let svg = svg.select(&Selector::parse("svg").unwrap()).next().unwrap();
        let width: f64 = svg.attr("viewBox").unwrap().split(' ').nth(2).unwrap().parse().unwrap();
        for text in svg.select(&Selector::parse("text").unwrap()) {
            let around = text.ancestors().filter_map(ElementRef::wrap).find_map(|element| element.attr("font-size"));
            let size = text.attr("font-size").or(around);
            let size: f64 = size.expect("a font-size").parse().unwrap();
            let words: String = text.text().collect();
            assert!(size * 320.0 / width >= 13.0, "{}: {words:?} is too small", drawing.display());
        }
    }
}

#[test]
fn every_drawing_has_its_words_and_ids_in_the_languages_of_its_edition() {
    let both: BTreeSet<_> = ["en", "zh-CN"].into();
    for edition in Edition::ALL {
        let spoken: BTreeSet<_> = edition.languages().iter().copied().collect();
        let book = BOOK.join(edition.folder());
        let mut seen = 0;
        for page in files(&book, ".html") {
            let html = Html::parse_document(&fs::read_to_string(book.join(&page)).unwrap());
            for drawing in html.select(&Selector::parse("main figure.drawing svg").unwrap()) {
                seen += 1;
                let place = format!("{}/{}", edition.folder(), page.display());
                let languages = |selector: &str| -> BTreeSet<&str> {
                    drawing.select(&Selector::parse(selector).unwrap()).filter_map(|e| e.attr("lang")).collect()
                };
                for part in ["title", "desc", "text[lang]"] {
                    assert_eq!(languages(part), spoken, "{place}: the languages of {part}");
                }
                for attribute in ["aria-labelledby", "aria-describedby"] {
                    let ids: Vec<_> = drawing.attr(attribute).unwrap_or_default().split(' ').collect();
                    assert_eq!(ids.len(), spoken.len(), "{place}: {attribute}");
                    for id in ids {
                        let count = html.select(&Selector::parse(&format!("[id=\"{id}\"]")).unwrap()).count();
                        assert_eq!(count, 1, "{place}: {attribute} is {id}");
                    }
                }
            }
        }
        assert!(seen > 10, "{}: only {seen} drawings", edition.folder());
    }
    for drawing in files(&root().join("assets"), ".svg").into_iter().filter(|file| !file.starts_with("theme")) {
        let svg = Html::parse_fragment(&fs::read_to_string(root().join("assets").join(&drawing)).unwrap());
        for part in ["title", "desc", "text[lang]"] {
            let parts: Vec<_> = svg.select(&Selector::parse(part).unwrap()).filter_map(|e| e.attr("lang")).collect();
            assert_eq!(parts.iter().copied().collect::<BTreeSet<_>>(), both, "{}: {part}", drawing.display());
        }
    }
}

#[test]
fn the_console_still_gives_the_pictures_that_the_book_shows() {
    let dest = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let missing = match camera::chromium::executable() {
        None => Some("chromium is not installed".to_owned()),
        Some(_) => match console::take(root(), dest.path()).map_err(|error| error.downcast::<Error>()) {
            Ok(_) => None,
            Err(Ok(error)) if error.is_missing() => Some(error.to_string()),
            Err(error) => panic!("{error:?}"),
        },
    };
    if let Some(missing) = missing {
        rabbitmq_node::skip(missing);
        return;
    }
    let (taken, shown) = (dest.path().join("src"), root().join("src"));
    assert_eq!(files(&taken, ".webp"), files(&shown, ".webp"));
    for picture in files(&taken, ".webp") {
        let size = |folder: &Path| webp_size(&fs::read(folder.join(&picture)).unwrap()).unwrap();
        let ((width, height), (was_wide, was_high)) = (size(&taken), size(&shown));
        // Other fonts make lines a little higher.
        let is_alike = width == was_wide && height.abs_diff(was_high) < was_high / 8;
        assert!(is_alike, "{}: {width}×{height}, in the book {was_wide}×{was_high}", picture.display());
    }
}
