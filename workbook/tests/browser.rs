//! The pages in a real browser, as their readers use them: headless Chromium presses the buttons.

#![cfg(unix)]

#[allow(dead_code)] // each test file uses its part
mod reader;
#[allow(dead_code)] // each test file uses its part
mod served;

use rabbitmq_node::Node;
use reader::{Reader, files};
use served::Served;

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
