//! The pages as they are written, and the three editions as they are built.

use scraper::{ElementRef, Html, Selector};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{LazyLock, OnceLock},
};
use workbook::{
    blocks::code_blocks,
    comments,
    edition::Edition,
    includes::{Includes, normal},
    publish, twins,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The editions, built once for all tests.
static BUILT: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
    let dest = Path::new(env!("CARGO_TARGET_TMPDIR")).join("book");
    publish::build(root(), &dest).map(|()| dest).map_err(|error| format!("{error:#}"))
});

#[track_caller]
fn book() -> &'static Path {
    BUILT.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

/// Every page of the built book, by its path below the book's folder.
fn pages() -> &'static BTreeMap<PathBuf, String> {
    static PAGES: OnceLock<BTreeMap<PathBuf, String>> = OnceLock::new();
    let book = book();
    PAGES.get_or_init(|| read_pages(book))
}

fn read_pages(book: &Path) -> BTreeMap<PathBuf, String> {
    let mut pages = BTreeMap::new();
    let mut folders = vec![book.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "html") {
                let html = fs::read_to_string(&path).unwrap();
                pages.insert(path.strip_prefix(book).unwrap().to_owned(), html);
            }
        }
    }
    pages
}

/// The pages that hold a chapter: not those that mdBook makes of all chapters, or of none.
fn chapters() -> impl Iterator<Item = (&'static Path, &'static str)> {
    let others = ["print.html", "404.html", "toc.html"];
    pages()
        .iter()
        .filter(move |(path, _)| {
            path.parent() != Some(Path::new("")) && !others.iter().any(|other| path.ends_with(other))
        })
        .map(|(path, html)| (path.as_path(), html.as_str()))
}

fn select<'a>(html: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    html.select(&Selector::parse(selector).unwrap()).collect()
}

#[track_caller]
fn assert_none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn twins_have_the_same_skeleton() {
    assert_none(twins::problems(root()).unwrap());
}

#[test]
fn twins_change_together() {
    assert_none(twins::unlocked(root()).unwrap());
}

#[test]
fn includes_name_files_and_anchors_that_exist() {
    assert_none(Includes::read(root()).unwrap().broken);
}

#[test]
fn every_anchor_is_used() {
    assert_none(Includes::read(root()).unwrap().unused(root()).unwrap());
}

#[test]
fn each_comment_of_a_listing_has_its_chinese() {
    assert_none(comments::problems(root()).unwrap());
    let page = |folder: &str| &pages()[&Path::new(folder).join("basic/send.html")];
    assert!(page("en").contains("the default exchange…") && !page("zh-CN").contains("the default exchange…"));
    assert!(page("zh-CN").contains("// 默认交换机"));
}

#[test]
fn every_listing_and_every_recorded_run_is_in_the_book() {
    let includes = Includes::read(root()).unwrap();
    let included: BTreeSet<_> = includes.files().map(Path::to_owned).collect();
    let mut missing = Vec::new();
    for entry in fs::read_dir(root().join("listings")).unwrap() {
        let entry = entry.unwrap();
        let listing = Path::new("listings").join(entry.file_name());
        if entry.path().is_dir() && !included.iter().any(|file| file.starts_with(&listing)) {
            missing.push(format!("{} is in no page", listing.display()));
        }
    }
    let players = [
        ("src/basic", include_str!("scenes.rs")),
        (
            "src/patterns",
            concat!(
                include_str!("patterns/work_queues.rs"),
                include_str!("patterns/publish_subscribe.rs"),
                include_str!("patterns/python.rs"),
                include_str!("patterns/routing.rs"),
                include_str!("patterns/request_reply.rs"),
                include_str!("patterns/confirms.rs"),
                include_str!("patterns/flash_sale.rs"),
            ),
        ),
        ("src/errors", include_str!("errors/mod.rs")),
        ("src/teaching", include_str!("class.rs")),
    ];
    for (folder, scenes) in players {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let record = Path::new(folder).join(entry.unwrap().file_name());
            if record.extension().is_none_or(|extension| extension != "term") {
                continue;
            }
            if !included.contains(&record) {
                missing.push(format!("{} is in no page", record.display()));
            }
            let name = record.file_name().unwrap().to_string_lossy();
            if !scenes.contains(&format!("{name:?}")) {
                missing.push(format!("{}: no scene plays it, so nobody knows whether it is true", record.display()));
            }
        }
    }
    assert_none(missing);
}

#[test]
fn code_and_output_come_from_listings_and_recorded_runs() {
    let mut problems = Vec::new();
    for page in twins::pairs(root()).unwrap().into_iter().flat_map(|pair| [pair.english, pair.chinese]) {
        for (info, code) in code_blocks(&fs::read_to_string(root().join("src").join(&page)).unwrap()) {
            let is_include = code.lines().count() == 1 && code.starts_with("{{#") && code.trim_end().ends_with("}}");
            // Something to type, with nothing that it prints.
            let is_command = info == "powershell" || info == "sh" && !code.contains('$');
            if !is_include && !is_command {
                problems.push(format!("src/{}: typed by hand, include it instead:\n{code}", page.display()));
            }
            if info.split(',').any(|word| word == "ignore") {
                problems.push(format!("src/{}: a block marked {info:?} is checked by nobody", page.display()));
            }
        }
    }
    assert_none(problems);
}

/// The post office introduces a concept; then its standard term takes over.
#[test]
fn after_the_first_third_of_a_page_the_standard_terms_lead() {
    let mut problems = Vec::new();
    for pair in twins::pairs(root()).unwrap().iter().filter(|pair| pair.english.starts_with("basic")) {
        let text = fs::read_to_string(root().join("src").join(&pair.english)).unwrap().to_lowercase();
        // Names in code, links to pages and the names of exercises are no prose.
        let prose: Vec<_> =
            text.split('`').step_by(2).flat_map(|part| part.split(|c: char| !c.is_alphabetic())).collect();
        let rest = &prose[prose.len() / 3..];
        let count = |stems: &[&str]| rest.iter().filter(|word| stems.iter().any(|stem| word.starts_with(stem))).count();
        for (standard, everyday) in [("message", "letter"), ("queue", "mailbox"), ("acknowledge", "sign")] {
            let (ours, theirs) = (count(&[standard]), count(&[everyday]));
            if ours <= theirs && theirs > 0 {
                problems.push(format!("src/{}: {standard} {ours}, {everyday} {theirs}", pair.english.display()));
            }
        }
    }
    assert_none(problems);
}

/// Words that mean something else to a Chinese developer.
#[test]
fn chinese_pages_use_the_words_of_the_field() {
    let mut problems = Vec::new();
    for pair in twins::pairs(root()).unwrap().into_iter().filter(|pair| pair.english != Path::new("welcome.md")) {
        let text = fs::read_to_string(root().join("src").join(&pair.chinese)).unwrap();
        for (number, line) in text.lines().enumerate() {
            let console = line.matches("控制台").count() > line.matches("管理控制台").count();
            for (wrong, right) in [("邮箱", "信箱"), ("忘掉", "删除"), ("道别", "关闭连接")] {
                if line.contains(wrong) {
                    problems.push(format!("src/{}:{}: {wrong}, write {right}", pair.chinese.display(), number + 1));
                }
            }
            if console {
                problems.push(format!("src/{}:{}: 控制台, write 管理控制台", pair.chinese.display(), number + 1));
            }
        }
    }
    assert_none(problems);
}

#[test]
fn no_include_is_left_unexpanded_and_no_block_is_hidden_whole() {
    let mut problems = Vec::new();
    for (path, text) in chapters() {
        if text.contains("{{#") || text.contains("ANCHOR") {
            problems.push(format!("{}: an include or an anchor shows", path.display()));
        }
        for block in select(&Html::parse_document(text), "pre > code") {
            let hidden: String = block.select(&Selector::parse(".boring").unwrap()).flat_map(|e| e.text()).collect();
            let all: String = block.text().collect();
            if all.trim().is_empty() || all.trim() == hidden.trim() {
                problems.push(format!("{}: a code block shows nothing", path.display()));
            }
        }
    }
    assert_none(problems);
}

#[test]
fn links_inside_the_book_lead_somewhere() {
    let ids: BTreeMap<&Path, BTreeSet<String>> = pages()
        .iter()
        .map(|(path, text)| {
            let html = Html::parse_document(text);
            let ids = select(&html, "[id]").iter().filter_map(|e| e.attr("id")).map(str::to_owned).collect();
            (path.as_path(), ids)
        })
        .collect();
    let mut problems = Vec::new();
    let mut checked = 0;
    for (page, text) in chapters().chain([(Path::new("index.html"), pages()[Path::new("index.html")].as_str())]) {
        let html = Html::parse_document(text);
        for element in select(&html, "a[href], img[src], script[src], link[href]") {
            let link = element.attr("href").or(element.attr("src")).unwrap();
            if ["http:", "https:", "data:"].iter().any(|scheme| link.starts_with(scheme)) {
                continue;
            }
            checked += 1;
            let (file, id) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.to_owned() } else { normal(&page.with_file_name("").join(file)) };
            if !book().join(&target).is_file() {
                problems.push(format!("{}: links to {link}, which is not in the book", page.display()));
            } else if !id.is_empty() && !ids[target.as_path()].contains(id) {
                problems.push(format!("{}: links to {link}, but that page has no such place", page.display()));
            }
        }
    }
    assert!(checked > 500, "only {checked} links were found");
    assert_none(problems);
}

#[test]
fn with_a_repository_each_page_leads_to_its_own_file_there() {
    let folder = tempfile::tempdir().unwrap();
    let repository = "https://example.org/us/book/".parse().unwrap();
    publish::build_for(root(), &folder.path().join("book"), None, Some(&repository)).unwrap();
    for (edition, file) in [("en", "send.md"), ("zh-CN", "send.zh-CN.md"), ("en-zh", "send.md")] {
        let page = fs::read_to_string(folder.path().join("book").join(edition).join("basic/send.html")).unwrap();
        let edit = format!("<a href=\"https://example.org/us/book/edit/main/src/basic/{file}\"");
        assert!(page.contains(&edit), "{edition}: no {edit}");
    }
}

#[test]
fn the_same_place_has_the_same_address_in_each_edition() {
    let places = |edition: Edition| -> BTreeSet<(PathBuf, String)> {
        let mut places = BTreeSet::new();
        for (path, text) in chapters().filter(|(path, _)| path.starts_with(edition.folder())) {
            for heading in select(&Html::parse_document(text), "main :is(h1, h2, h3, h4, h5, h6)") {
                let id = heading.attr("id").unwrap_or_else(|| panic!("{}: a heading without id", path.display()));
                places.insert((path.strip_prefix(edition.folder()).unwrap().to_owned(), id.to_owned()));
            }
        }
        places
    };
    let english = places(Edition::English);
    assert!(english.contains(&(PathBuf::from("basic/send.html"), "publish".into())));
    assert_eq!(english, places(Edition::Chinese));
    assert_eq!(english, places(Edition::SideBySide));
}

#[test]
fn each_edition_speaks_its_language() {
    let text_of = |path: &str, selector: &str| -> String {
        let html = Html::parse_document(&pages()[Path::new(path)]);
        select(&html, selector).iter().flat_map(|e| e.text()).collect()
    };
    for (folder, lang) in [("en", "en"), ("zh-CN", "zh-CN"), ("en-zh", "en")] {
        let html = Html::parse_document(&pages()[&Path::new(folder).join("basic/send.html")]);
        assert_eq!(select(&html, "html")[0].attr("lang"), Some(lang), "{folder}");
    }
    assert_eq!(text_of("en/basic/send.html", "main h1"), "Sending");
    assert_eq!(text_of("zh-CN/basic/send.html", "main h1"), "发送");
    assert_eq!(text_of("en-zh/basic/send.html", "main h1"), "Sending 发送");
    assert!(!text_of("en/basic/send.html", "main p").contains('的'));
    let both = Html::parse_document(&pages()[Path::new("en-zh/basic/send.html")]);
    let count = |selector: &str| select(&both, selector).len();
    assert!(count(".pair") > 20);
    assert_eq!(count(".pair > [lang=en]"), count(".pair > [lang='zh-CN']"));
    assert_eq!(count("pre > code.language-rust"), 10, "code stands once beside two texts");
}

#[test]
fn what_is_published_is_the_commit_that_has_passed_and_knows_its_address() {
    let workflow = fs::read_to_string(root().join(".github/workflows/pages.yml")).unwrap();
    assert!(workflow.contains("ref: ${{ github.event.workflow_run.head_sha }}"), "{workflow}");
    assert!(workflow.contains("URL: ${{ steps.pages.outputs.base_url }}"), "{workflow}");
    assert!(workflow.contains("cargo workbook build --url \"$URL\""), "{workflow}");
}

/// A closing `**` between a full-width sign and a letter is none, by CommonMark's rules.
#[test]
fn no_emphasis_mark_shows_as_a_star() {
    let mut problems = Vec::new();
    for (path, text) in chapters() {
        let html = Html::parse_document(text);
        for element in select(&html, "main :is(p, li, td, th, summary, figcaption, h1, h2, h3)") {
            let in_code: String = element.select(&Selector::parse("code").unwrap()).flat_map(|e| e.text()).collect();
            let all: String = element.text().collect();
            if all.matches('*').count() > in_code.matches('*').count() {
                problems.push(format!("{}: {all}", path.display()));
            }
        }
    }
    assert_none(problems);
}

#[test]
fn plain_mdbook_builds_the_english_book() {
    let mut config = mdbook_driver::config::Config::from_disk(root().join("book.toml")).unwrap();
    let dest = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plain");
    config.build.build_dir = dest.clone();
    mdbook_driver::MDBook::load_with_config(root(), config).unwrap().build().unwrap();
    let page = fs::read_to_string(dest.join("basic/model.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("assets/workbook"), "no picture or no style");
    assert!(!page.contains("assets/editions"), "a picker of editions that were not built");
}
