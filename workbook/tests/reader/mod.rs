//! A reader with a real browser: headless Chromium with one page, whose troubles are written down.

pub mod chromium;

use crate::served;
use chromium::Chromium;
use chromiumoxide::{
    Command,
    cdp::{
        browser_protocol::{
            log::{self, EventEntryAdded},
            network::{self, EventRequestWillBeSent},
        },
        js_protocol::runtime::{self, EventExceptionThrown},
    },
};
use futures_lite::{Stream, StreamExt, future, stream};
use std::{
    path::{Path, PathBuf},
    pin::Pin,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};
use workbook::publish;

/// Two browsers and their servers at once are enough for two cores.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

type Troubles = Pin<Box<dyn Stream<Item = String> + Send>>;

/// A browser of our own with one page, and what went wrong in it.
pub struct Reader {
    browser: Chromium,
    troubles: Mutex<Troubles>,
    _turn: MutexGuard<'static, ()>,
}

impl Reader {
    /// `None`, said on stderr, without Chromium; with `CI=true` that is a failure.
    pub fn open(language: &str) -> Option<Self> {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        if chromium::executable().is_none() {
            rabbitmq_node::skip("chromium is not installed");
            return None;
        }
        let browser = Chromium::open((1280, 900), &[&format!("accept-lang={language}")]).unwrap();
        let said = browser.events::<EventEntryAdded>().unwrap().map(|event| {
            let entry = &event.entry;
            format!("{:?} {:?}", entry.text, entry.url)
        });
        let thrown =
            browser.events::<EventExceptionThrown>().unwrap().map(|event| format!("{:?}", event.exception_details));
        let strange = browser.events::<EventRequestWillBeSent>().unwrap().filter_map(|event| {
            let url = &event.request.url;
            let ours = ["http://127.0.0.1:", "file://", "data:", "blob:", "chrome:", "about:"];
            (!ours.iter().any(|prefix| url.starts_with(prefix))).then(|| format!("a request to {url}"))
        });
        browser.ask(log::EnableParams::default()).unwrap();
        browser.ask(runtime::EnableParams::default()).unwrap();
        browser.ask(network::EnableParams::default()).unwrap();
        let troubles = Mutex::new(stream::or(said, stream::or(thrown, strange)).boxed());
        Some(Self { browser, troubles, _turn: turn })
    }

    /// Opens a page and waits until it is there.
    #[track_caller]
    pub fn go(&self, url: &str) {
        self.browser.go(url).unwrap();
    }

    /// Calls a method of the Chrome DevTools Protocol.
    #[track_caller]
    pub fn ask<C: Command>(&self, command: C) -> C::Response {
        let method = command.identifier();
        self.browser.ask(command).unwrap_or_else(|error| panic!("{method}: {error:#}"))
    }

    /// What an expression gives in the page, as text.
    #[track_caller]
    pub fn eval(&self, expression: &str) -> String {
        let value = self.browser.evaluate(&format!("String({expression})")).unwrap();
        value.as_str().unwrap().to_owned()
    }

    /// Waits until an expression holds in the page.
    #[track_caller]
    pub fn wait_for(&self, expression: &str) {
        if let Err(error) = self.browser.wait_for(expression, served::DEADLINE) {
            panic!("{error:#}\n{:#?}", self.take_troubles()); // a script that broke may be why
        }
    }

    /// Clicks on the first element that matches, once it is there.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        self.wait_for(&format!("document.querySelector({selector:?})"));
        self.browser.click(selector).unwrap();
    }

    /// Presses a key, named as in the DOM: `a`, `Enter`, `ArrowDown`.
    #[track_caller]
    pub fn press(&self, key: &str) {
        self.browser.press(key, 0).unwrap();
    }

    /// Presses a key while Ctrl is held down.
    #[track_caller]
    pub fn press_with_ctrl(&self, key: &str) {
        self.browser.press(key, 2).unwrap();
    }

    /// Presses a key while Shift is held down.
    #[track_caller]
    pub fn press_with_shift(&self, key: &str) {
        self.browser.press(key, 8).unwrap();
    }

    /// Types a text where the focus is.
    #[track_caller]
    pub fn type_text(&self, text: &str) {
        self.browser.type_text(text).unwrap();
    }

    /// Runs a script for what it does, and gives what it gives.
    #[track_caller]
    pub fn run(&self, script: &str) -> serde_json::Value {
        self.browser.evaluate(script).unwrap()
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
        let mut troubles = self.troubles.lock().unwrap();
        let next = || future::block_on(future::poll_once(troubles.next())).flatten(); // what has come, not what will
        std::iter::from_fn(next).collect()
    }

    /// Fails if the console said something, a script broke, or a request went elsewhere.
    #[track_caller]
    pub fn nothing_went_wrong(&self) {
        let troubles = self.take_troubles();
        assert!(troubles.is_empty(), "{troubles:#?}");
    }
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
