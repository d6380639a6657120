//! A reader with a real browser: headless Chromium with one page, whose troubles are written down.

use crate::served;
use headless_chrome::{
    Browser, LaunchOptions, Tab,
    protocol::cdp::{Network, types::Event},
};
use std::{
    env,
    ffi::OsStr,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};
use workbook::publish;

/// Two browsers and their servers at once are enough for two cores.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A browser of our own with one page, and what went wrong in it.
pub struct Reader {
    pub tab: Arc<Tab>,
    troubles: Arc<Mutex<Vec<String>>>,
    _browser: Browser,
    _turn: std::sync::MutexGuard<'static, ()>,
}

impl Reader {
    /// `None`, said on stderr, without Chromium; with `CI=true` that is a failure.
    pub fn open(language: &str) -> Option<Self> {
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

    /// Opens a page and waits until it is there.
    pub fn go(&self, url: &str) {
        // Not `wait_until_navigated`: it waits in vain when the page is there before the library begins to wait.
        self.tab.navigate_to(url).unwrap();
        self.wait_for("document.readyState === 'complete'");
    }

    /// What an expression gives in the page, as text.
    #[track_caller]
    pub fn eval(&self, expression: &str) -> String {
        let value = self.tab.evaluate(&format!("String({expression})"), true).unwrap().value;
        value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Waits until an expression holds in the page.
    #[track_caller]
    pub fn wait_for(&self, expression: &str) {
        let start = Instant::now();
        while self.tab.evaluate(&format!("Boolean({expression})"), true).ok().and_then(|found| found.value)
            != Some(true.into())
        {
            let page = self.eval("location.href + '\\n' + (document.querySelector('#workbook-dock')?.innerText ?? '')");
            assert!(start.elapsed() < served::DEADLINE, "waited in vain for {expression} in {page}");
            thread::park_timeout(Duration::from_millis(20)); // between two looks
        }
    }

    /// Clicks on the first element that matches, once it is there.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        self.tab.wait_for_element(selector).unwrap().click().unwrap();
    }

    /// Waits until the pane with this title shows a text.
    #[track_caller]
    pub fn wait_for_pane(&self, title: &str, text: &str) {
        self.wait_for(&format!(
            "[...document.querySelectorAll('.pane')].some(pane => pane.ariaLabel === {title:?} && pane.innerText.includes({text:?}))"
        ));
    }

    /// What went wrong since the last time that somebody asked.
    pub fn take_troubles(&self) -> Vec<String> {
        std::mem::take(&mut *self.troubles.lock().unwrap())
    }

    /// Fails if the console said something, a script broke, or a request went elsewhere.
    #[track_caller]
    pub fn nothing_went_wrong(&self) {
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

/// The book as files, as a hosted copy or a download has it; built once for each test program.
pub fn files() -> String {
    static BOOK: LazyLock<PathBuf> = LazyLock::new(|| {
        let dest = Path::new(env!("CARGO_TARGET_TMPDIR")).join(env!("CARGO_CRATE_NAME")).join("book");
        publish::build(served::root(), &dest).unwrap();
        dest
    });
    format!("file://{}", BOOK.display())
}
