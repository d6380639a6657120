//! The pages in a real browser, as their readers use them: headless Chromium presses the buttons.

#![cfg(unix)]

#[allow(dead_code)] // each test file uses its part
mod served;

use headless_chrome::{
    Browser, LaunchOptions, Tab,
    protocol::cdp::{Network, types::Event},
};
use rabbitmq_node::Node;
use served::Served;
use std::{
    env,
    ffi::OsStr,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};
use workbook::publish;

/// Two browsers and their servers at once are enough for two cores.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A browser of our own with one page, and what went wrong in it.
struct Reader {
    tab: Arc<Tab>,
    troubles: Arc<Mutex<Vec<String>>>,
    _browser: Browser,
    _turn: std::sync::MutexGuard<'static, ()>,
}

impl Reader {
    /// `None`, said on stderr, without Chromium; with `CI=true` that is a failure.
    fn open(language: &str) -> Option<Self> {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(path) = chromium() else {
            assert!(env::var("CI").as_deref() != Ok("true"), "chromium is not installed");
            let _ = writeln!(std::io::stderr(), "skipped: chromium is not installed"); // shown although the test passes
            return None;
        };
        let language = format!("--accept-lang={language}");
        let quiet =
            ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
        let options = LaunchOptions {
            path: Some(path),
            sandbox: false,
            window_size: Some((1280, 900)),
            idle_browser_timeout: Duration::from_secs(600),
            args: quiet.iter().map(OsStr::new).chain([OsStr::new(&language)]).collect(),
            ..LaunchOptions::default()
        };
        let browser = Browser::new(options).expect("chromium starts");
        let tab = browser.new_tab().unwrap();
        tab.set_default_timeout(Duration::from_secs(60));
        let troubles = Arc::new(Mutex::new(Vec::new()));
        let seen = troubles.clone();
        tab.enable_log().unwrap().enable_runtime().unwrap();
        tab.call_method(network()).unwrap();
        let listener = move |event: &Event| {
            let trouble = match event {
                Event::LogEntryAdded(entry) => format!("{:?} {:?}", entry.params.entry.text, entry.params.entry.url),
                Event::RuntimeExceptionThrown(thrown) => format!("{:?}", thrown.params.exception_details),
                Event::NetworkRequestWillBeSent(request) => {
                    let url = &request.params.request.url;
                    let ours = ["http://127.0.0.1:", "file://", "data:", "blob:", "chrome:", "about:"];
                    if ours.iter().any(|prefix| url.starts_with(prefix)) {
                        return;
                    }
                    format!("a request to {url}")
                }
                _ => return,
            };
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(trouble);
        };
        tab.add_event_listener(Arc::new(listener)).unwrap();
        Some(Self { tab, troubles, _browser: browser, _turn: turn })
    }

    fn go(&self, url: &str) {
        self.tab.navigate_to(url).unwrap().wait_until_navigated().unwrap();
    }

    /// What an expression gives in the page, as text.
    #[track_caller]
    fn eval(&self, expression: &str) -> String {
        let value = self.tab.evaluate(&format!("String({expression})"), true).unwrap().value;
        value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }

    #[track_caller]
    fn wait_for(&self, expression: &str) {
        let start = Instant::now();
        while self.tab.evaluate(&format!("Boolean({expression})"), true).ok().and_then(|found| found.value)
            != Some(true.into())
        {
            let page = self.eval("location.href + '\\n' + (document.querySelector('#workbook-dock')?.innerText ?? '')");
            assert!(start.elapsed() < served::DEADLINE, "waited in vain for {expression} in {page}");
            thread::park_timeout(Duration::from_millis(20)); // between two looks
        }
    }

    #[track_caller]
    fn click(&self, selector: &str) {
        self.tab.wait_for_element(selector).unwrap().click().unwrap();
    }

    /// Waits until the pane with this title shows a text.
    #[track_caller]
    fn wait_for_pane(&self, title: &str, text: &str) {
        self.wait_for(&format!(
            "[...document.querySelectorAll('.pane')].some(pane => pane.ariaLabel === {title:?} && pane.innerText.includes({text:?}))"
        ));
    }

    #[track_caller]
    fn nothing_went_wrong(&self) {
        let troubles = self.troubles.lock().unwrap();
        assert!(troubles.is_empty(), "{troubles:#?}");
    }
}

fn network() -> Network::Enable {
    Network::Enable {
        max_total_buffer_size: None,
        max_resource_buffer_size: None,
        max_post_data_size: None,
        report_direct_socket_traffic: None,
        enable_durable_messages: None,
    }
}

fn chromium() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    env::split_paths(&path).flat_map(|dir| names.map(|name| dir.join(name))).find(|file| file.is_file())
}

/// The book as files, as a hosted copy or a download has it.
fn files() -> String {
    let dest = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser/book");
    publish::build(served::root(), &dest).unwrap();
    format!("file://{}", dest.display())
}

#[test]
fn the_first_page_sends_each_reader_to_their_language() {
    let book = files();
    for (language, edition) in [("zh-TW,en", "zh-CN"), ("de,en", "en"), ("de,fr", "en"), ("en,zh-CN", "en")] {
        let Some(reader) = Reader::open(language) else { return };
        reader.go(&format!("{book}/index.html"));
        reader.wait_for(&format!("location.pathname.endsWith('/{edition}/index.html')"));
        reader.nothing_went_wrong();
    }
}

#[test]
fn the_picker_leads_to_the_same_place_and_is_remembered() {
    let book = files();
    let Some(reader) = Reader::open("en") else { return };
    reader.go(&format!("{book}/en/basic/send.html#publish"));
    reader.wait_for("document.querySelectorAll('.editions a').length === 3");
    assert_eq!(reader.eval("document.querySelector('.editions [aria-current]').textContent"), "EN");
    // The reader goes on from there, without the address telling.
    reader
        .eval("(document.getElementById('close').scrollIntoView(), history.replaceState(null, '', location.pathname))");
    reader.click(".editions a[hreflang='zh-CN']");
    reader.wait_for("location.pathname.endsWith('/zh-CN/basic/send.html')");
    reader.wait_for("location.hash === '#close'");
    reader.wait_for("document.querySelector('main h1')?.textContent === '发送'");
    reader.go(&format!("{book}/index.html"));
    reader.wait_for("location.pathname.endsWith('/zh-CN/index.html')");
    reader.nothing_went_wrong();
}

#[test]
fn without_the_server_run_shows_the_command() {
    let book = files();
    let Some(reader) = Reader::open("zh-CN") else { return };
    reader.go(&format!("{book}/zh-CN/basic/receive.html"));
    reader.click(".listing-bar .run");
    reader.wait_for("!document.querySelector('.run-hint').hidden");
    let bar = reader.eval("document.querySelector('.listing-bar').innerText");
    assert!(bar.contains("cargo run -p receive") && bar.contains("cargo workbook"), "{bar}");
    for page in ["en/basic/send.html", "en-zh/basic/model.html", "en-zh/welcome.html", "zh-CN/glossary.html"] {
        reader.go(&format!("{book}/{page}"));
    }
    reader.nothing_went_wrong();
}

#[test]
fn a_letter_travels_between_two_pages_of_the_book() {
    let Some(reader) = Reader::open("zh-CN") else { return };
    let served = Served::start(None);
    a_letter_travels(&reader, &served);
    // The post office's journal also knows who is there and what has passed.
    reader.wait_for("document.querySelector('.flow[data-queue=hello]')?.dataset.delivered === '1'");
    reader.nothing_went_wrong();
}

#[test]
fn a_letter_travels_through_rabbitmq_too() {
    let Some(node) = Node::start_or_skip(env!("CARGO_TARGET_TMPDIR"), &[]) else { return };
    let Some(reader) = Reader::open("zh-CN") else { return };
    let served = Served::start(Some(&node.amqp_addr()));
    a_letter_travels(&reader, &served);
    reader.nothing_went_wrong();
}

fn a_letter_travels(reader: &Reader, served: &Served) {
    let book = format!("http://127.0.0.1:{}", served.port);
    reader.go(&format!("{book}/?token={}", served.token));
    reader.wait_for("location.pathname === '/zh-CN/index.html' && location.search === ''");

    reader.go(&format!("{book}/zh-CN/basic/receive.html"));
    reader.click(".listing-bar[data-ready] .run");
    reader.wait_for_pane("receive", "Waiting for letters.");
    reader.wait_for("document.querySelector('.flow[data-queue=hello]')?.dataset.consumers === '1'");

    reader.go(&format!("{book}/en-zh/basic/send.html"));
    reader.wait_for_pane("receive", "Waiting for letters."); // the pane has come along
    reader.click(".listing-bar[data-ready] .argument");
    reader.tab.type_str("Hello, 兔子!").unwrap();
    reader.tab.press_key("Enter").unwrap();
    reader.wait_for_pane("send", "Sent: Hello, 兔子!");
    reader.wait_for_pane("receive", "Received: Hello, 兔子!");

    reader.tab.reload(false, None).unwrap();
    reader.wait_for_pane("receive", "Received: Hello, 兔子!");
    reader.click(".pane[aria-label=receive] .stop");
    reader.wait_for("document.querySelector('.pane[aria-label=receive]').dataset.state === 'ended'");
    assert!(reader.eval("document.querySelector('.pane[aria-label=receive] .state').textContent").contains('0'));
    reader.wait_for("document.querySelector('.flow[data-queue=hello]')?.dataset.consumers === '0'");

    // Without a consumer, letters wait, and the strip shows them.
    reader.click(".listing-bar[data-ready] .run");
    reader.wait_for("document.querySelector('.flow[data-queue=hello]')?.dataset.ready === '1'");
}

#[test]
fn a_reader_edits_breaks_repairs_and_resets_a_listing() {
    let Some(reader) = Reader::open("en") else { return };
    let served = Served::start(None);
    let book = format!("http://127.0.0.1:{}", served.port);
    reader.go(&format!("{book}/?token={}", served.token));
    reader.go(&format!("{book}/en/basic/send.html"));
    reader.click(".listing-bar[data-ready] .edit");
    let whole = ".listing-bar:has(.edit)";
    let editor = "ace.edit(document.querySelector('.editor'))";
    assert!(reader.eval(&format!("{editor}.getValue()")).starts_with("//! The producer"));

    reader.eval(&format!("{editor}.setValue({editor}.getValue().replace('println!', 'printn!'))"));
    reader.click(&format!("{whole} .run"));
    reader.wait_for_pane("send", "cannot find macro `printn`");
    reader.eval(&format!("{editor}.setValue({editor}.getValue().replace('printn!(\"Sent', 'println!(\"Posted'))"));
    reader.click(&format!("{whole} .run"));
    reader.wait_for_pane("send (2)", "Posted: Life is short, I use Rust!");

    // The edit outlives the page, in every edition.
    reader.go(&format!("{book}/zh-CN/basic/send.html"));
    reader.wait_for(&format!("document.querySelector('.editor') && {editor}.getValue().includes('Posted')"));
    reader.click(&format!("{whole} .reset"));
    reader.wait_for("!document.querySelector('.editor')");
    reader.click(&format!("{whole} .run"));
    reader.wait_for_pane("send (3)", "Sent: Life is short, I use Rust!");
    reader.nothing_went_wrong();
}

#[test]
fn everything_can_be_done_with_the_keyboard() {
    let Some(reader) = Reader::open("en") else { return };
    let served = Served::start(None);
    let book = format!("http://127.0.0.1:{}", served.port);
    reader.go(&format!("{book}/?token={}", served.token));
    reader.go(&format!("{book}/en/basic/receive.html"));
    reader.wait_for("document.querySelector('.listing-bar[data-ready]')");
    let press_tab_until = |selector: &str| {
        for _ in 0..200 {
            reader.tab.press_key("Tab").unwrap();
            if reader.eval(&format!("document.activeElement.matches({selector:?})")) == "true" {
                return;
            }
        }
        panic!("Tab never comes to {selector}");
    };
    press_tab_until(".listing-bar .run");
    reader.tab.press_key("Enter").unwrap();
    reader.wait_for_pane("receive", "Waiting for letters.");
    press_tab_until(".pane .stop");
    reader.tab.press_key("Enter").unwrap();
    reader.wait_for("document.querySelector('.pane').dataset.state === 'ended'");
    reader.tab.press_key("Escape").unwrap();
    reader.wait_for("document.querySelector('#workbook-dock').hidden");
    assert_eq!(reader.eval("document.activeElement.className"), "run", "the focus goes back to where the run began");
    assert!(reader.eval("location.pathname").ends_with("/en/basic/receive.html"), "a key has turned the page");
    reader.nothing_went_wrong();
}
