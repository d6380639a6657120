//! The pages in a real browser, as their readers use them: headless Chromium presses the buttons.

#![cfg(unix)]

#[path = "browser/first.rs"]
mod first;
#[allow(dead_code)] // each test file uses its part
mod reader;
#[path = "browser/running.rs"]
mod running;
#[allow(dead_code)] // each test file uses its part
mod served;

use chromiumoxide::cdp::browser_protocol::page::{AddScriptToEvaluateOnNewDocumentParams, ReloadParams};
use rabbitmq_node::Node;
use reader::{Reader, files};
use served::Served;
use std::net::TcpListener;

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
    reader.wait_for_pane("receive", "Waiting for messages.");
    reader.wait_for("document.querySelector('.flow[data-queue=hello]')?.dataset.consumers === '1'");

    reader.go(&format!("{book}/en-zh/basic/send.html"));
    reader.wait_for_pane("receive", "Waiting for messages."); // the pane has come along
    // A letter passes faster than a queue can be counted; the strip has to show it all the same.
    reader.eval(
        "(window.letters = 0, new MutationObserver(changes => changes.forEach(({ addedNodes }) => addedNodes.forEach(node => {
            letters += node.matches?.('.flow-message') ? 1 : 0;
        }))).observe(document.querySelector('.strip'), { subtree: true, childList: true }))",
    );
    reader.click(".listing-bar[data-ready] .argument");
    reader.type_text("Hello, 兔子!");
    reader.press("Enter");
    reader.wait_for_pane("send", "Sent: Hello, 兔子!");
    reader.wait_for_pane("receive", "Received: Hello, 兔子!");
    if served.has_own_post_office() {
        reader.wait_for("letters > 0");
    }

    reader.ask(ReloadParams::default());
    reader.wait_for_pane("receive", "Received: Hello, 兔子!");
    reader.click(".pane[aria-label=receive] .stop");
    reader.wait_for("document.querySelector('.pane[aria-label=receive]').dataset.state === 'ended'");
    assert!(reader.eval("document.querySelector('.pane[aria-label=receive] .state').textContent").contains('0'));
    reader.wait_for("document.querySelector('.flow[data-queue=hello]')?.dataset.consumers === '0'");

    // Without a consumer, letters wait, and the strip shows them.
    reader.click(".listing-bar[data-ready] .run");
    reader.wait_for("document.querySelector('.flow[data-queue=hello]')?.dataset.ready === '1'");
    reader.wait_for("document.querySelectorAll('.flow[data-queue=hello] .flow-queue .flow-message').length === 1");
}

#[test]
fn a_reader_edits_breaks_repairs_and_resets_a_listing() {
    let Some(reader) = Reader::open("en") else { return };
    let served = Served::start(None);
    let book = enter(&reader, &served);
    reader.go(&format!("{book}/en/basic/send.html"));
    let bars = "[...document.querySelectorAll('run-bar')].map(bar => bar.dataset.listing).join()";
    assert_eq!(reader.eval(bars), "send,send-robust", "one bar a listing");
    reader.click(".listing-bar[data-ready] .edit");
    let editor = "ace.edit(document.querySelector('.editor'))";
    let shown = |selector: &str| reader.eval(&format!("document.querySelector({selector:?}).checkVisibility()"));
    assert!(reader.eval(&format!("{editor}.getValue()")).starts_with("//! The producer"));
    assert_eq!(shown(".version"), "false");
    let gap = "document.querySelector('.listing-bar').getBoundingClientRect().top - document.querySelector('.editor').getBoundingClientRect().bottom";
    assert!(reader.eval(gap).parse::<f64>().unwrap() >= 0.0, "the editor covers its bar");

    // Errors first, warnings after; the first error is in sight, and marked in the gutter. Ctrl+Enter runs.
    let line =
        reader.eval(&format!("{editor}.getValue().split('\\n').findIndex(line => line.includes('println!')) + 1"));
    reader.eval(&format!("{editor}.setValue({editor}.getValue().replace('println!', 'let unused = 1; printn!'))"));
    reader.eval(&format!("{editor}.focus()"));
    reader.press_with_ctrl("Enter");
    reader.wait_for_pane("send", "cannot find macro `printn`");
    reader.wait_for(
        "[...document.querySelectorAll('.pane .from-compiler.bold.colour-9')].some(part => part.textContent === 'error')",
    );
    let says =
        |words: &str| reader.wait_for(&format!("document.querySelector('.pane .state').textContent === {words:?}"));
    says(&format!("run 1 · your version · does not compile: line {line}"));
    assert_eq!(reader.eval(&format!("{editor}.session.getAnnotations()[0].row + 1")), line);
    reader.wait_for("document.querySelector('.editor .ace_gutter-cell.ace_error')");
    assert_eq!(shown(".version"), "true");

    reader.eval(&format!(
        "{editor}.setValue({editor}.getValue().replace('let unused = 1; printn!(\"Sent', 'println!(\"Posted'))"
    ));
    reader.click(".listing-bar .run");
    reader.wait_for_pane("send", "Posted: Life is short, I use Rust!");
    reader.wait_for("/^run 2 · your version · \\d+(\\.\\d)? s · status 0$/.test(document.querySelector('.pane .state').textContent)");
    reader.click(".listing-bar .compare");
    assert_eq!(
        reader.eval(
            "[...document.querySelectorAll('.difference :is(.gone, .new)')].map(line => line.textContent.trim()).join()"
        ),
        "-     println!(\"Sent: {text}\");,+     println!(\"Posted: {text}\");"
    );

    // Every Run button of the listing runs the edit and says so, where the listing can't be edited too.
    reader.go(&format!("{book}/en/basic/again.html"));
    reader.wait_for("document.querySelector('[data-listing=send][data-ready] .version')?.checkVisibility()");
    reader.click("[data-listing=send] .run");
    reader.wait_for_pane("send", "Posted: Life is short, I use Rust!");

    // The edit outlives the page, in every edition; Reset can be undone.
    reader.go(&format!("{book}/zh-CN/basic/send.html"));
    reader.wait_for(&format!("document.querySelector('.editor') && {editor}.getValue().includes('Posted')"));
    reader.click(".listing-bar .reset");
    reader.wait_for("!document.querySelector('.editor')");
    reader.click(".listing-bar .undo");
    reader.wait_for(&format!("document.querySelector('.editor') && {editor}.getValue().includes('Posted')"));
    reader.click(".listing-bar .reset");
    reader.wait_for("!document.querySelector('.editor')");
    reader.click(".listing-bar .run");
    reader.wait_for_pane("send", "Sent: Life is short, I use Rust!");
    reader.nothing_went_wrong();
}

/// Opens the book as the person who has started the server.
fn enter(reader: &Reader, served: &Served) -> String {
    let book = format!("http://127.0.0.1:{}", served.port);
    reader.go(&format!("{book}/?token={}", served.token));
    book
}

#[test]
fn everything_can_be_done_with_the_keyboard() {
    let Some(reader) = Reader::open("en") else { return };
    let served = Served::start(None);
    let book = enter(&reader, &served);
    reader.go(&format!("{book}/en/basic/receive.html"));
    reader.wait_for("document.querySelector('.listing-bar[data-ready]')");
    let press_tab_until = |selector: &str| {
        for _ in 0..200 {
            reader.press("Tab");
            if reader.eval(&format!("document.activeElement.matches({selector:?})")) == "true" {
                return;
            }
        }
        panic!("Tab never comes to {selector}");
    };
    press_tab_until(".listing-bar .run");
    reader.press("Enter");
    reader.wait_for_pane("receive", "Waiting for messages.");
    press_tab_until(".pane .pin");
    reader.press("Enter");
    reader.wait_for("document.querySelector('run-dock .pane[aria-label=receive]')");
    assert_eq!(reader.eval("document.activeElement.matches('.pane .pin')"), "true", "the focus has come along");
    press_tab_until(".pane .stop");
    reader.press("Enter");
    reader.wait_for("document.querySelector('.pane').dataset.state === 'ended'");
    reader.wait_for("document.activeElement.matches('.pane pre')"); // the button is gone
    reader.press("Escape");
    reader.wait_for("document.querySelector('run-dock').matches('.is-folded')");
    assert_eq!(reader.eval("document.activeElement.className"), "dock-hide");
    reader.press("Enter");
    reader.wait_for("!document.querySelector('run-dock').matches('.is-folded')");
    let height = "document.querySelector('.dock-body').offsetHeight";
    let before: i64 = reader.eval(height).parse().unwrap();
    reader.eval("document.querySelector('.dock-handle').focus()");
    reader.press("ArrowUp");
    assert!(reader.eval(height).parse::<i64>().unwrap() > before, "an arrow key makes the dock higher");

    reader.click(".listing-bar .run");
    reader.wait_for("document.querySelector('.pane .state').textContent === 'run 2 · running'"); // not the one before
    reader.eval("document.querySelector('.pane pre').focus()");
    reader.press_with_ctrl("c");
    reader.wait_for("document.querySelector('.pane').dataset.state === 'ended'");
    reader.wait_for_pane("receive", "^C");
    assert!(reader.eval("location.pathname").ends_with("/en/basic/receive.html"), "a key has turned the page");
    reader.nothing_went_wrong();
}

#[test]
fn the_queues_page_shows_messages_without_taking_them_and_clears_up_when_asked() {
    let Some(reader) = Reader::open("zh-CN") else { return };
    let served = Served::start(None);
    let book = format!("http://127.0.0.1:{}", served.port);
    reader.go(&format!("{book}/?token={}", served.token));
    reader.go(&format!("{book}/queues"));
    reader.wait_for("document.querySelector('queue-board').innerText.includes('还没有队列。发送一条消息，就会有了。')");
    let send = |text: &str| {
        let order = serde_json::json!({ "listing": "send", "arguments": [text] });
        assert_eq!(served.post("/workbook/runs", &order.to_string()).0, 201);
    };
    let facts =
        |text: &str| reader.wait_for(&format!("document.querySelector('.board-facts')?.textContent === {text:?}"));

    let letter = "<img src=x onerror=alert(1)> 你好";
    send(letter);
    facts("就绪 1 · 未确认 0 · 消费者 0 · 持久化");
    assert_eq!(reader.eval("document.querySelector('td.body').textContent"), letter);
    reader.go(&format!("{book}/queues"));
    facts("就绪 1 · 未确认 0 · 消费者 0 · 持久化");
    assert_eq!(reader.eval("document.querySelector('td:last-child').textContent"), "否"); // the look has left no mark

    reader.eval("(window.asked = [], window.confirm = question => (asked.push(question), asked.length > 1))");
    reader.click("[aria-label='清空: hello']");
    reader.wait_for("asked.length === 1"); // a reader who says no
    send("another one");
    facts("就绪 2 · 未确认 0 · 消费者 0 · 持久化");
    reader.click("[aria-label='清空: hello']");
    facts("就绪 0 · 未确认 0 · 消费者 0 · 持久化");
    reader.click("[aria-label='删除队列: hello']");
    reader.wait_for("!document.querySelector('section')");
    send("a new one");
    facts("就绪 1 · 未确认 0 · 消费者 0 · 持久化");
    reader.click(".board-reset");
    reader.wait_for("!document.querySelector('section')");
    reader.nothing_went_wrong();
}

#[test]
fn with_rabbitmq_the_queues_page_leads_to_its_console() {
    let Some(node) = Node::start_or_skip(env!("CARGO_TARGET_TMPDIR"), &[]) else { return };
    let Some(reader) = Reader::open("en") else { return };
    let served = Served::start(Some(&node.amqp_addr()));
    let book = format!("http://127.0.0.1:{}", served.port);
    reader.go(&format!("{book}/?token={}", served.token));
    reader.go(&format!("{book}/queues"));
    reader.wait_for("document.querySelector('queue-board a')?.href.endsWith(':15672/')");
    assert_eq!(reader.eval("document.querySelector('.board-reset').checkVisibility()"), "false");
    reader.nothing_went_wrong();
}

#[test]
fn a_pane_shows_colours_and_rewritten_lines_and_does_nothing_else() {
    let Some(reader) = Reader::open("en") else { return };
    let served = Served::start(None);
    let book = format!("http://127.0.0.1:{}", served.port);
    reader.go(&format!("{book}/?token={}", served.token));
    reader.go(&format!("{book}/en/basic/send.html"));
    reader.eval("(import('/workbook/terminal.js').then(({ Terminal }) => { window.Terminal = Terminal; }), 0)");
    reader.wait_for("window.Terminal");
    // What a pane shows after these pieces of output, a style in brackets before each run of text.
    let shown = |pieces: &[[&str; 2]]| {
        reader.eval(&format!(
            "(() => {{
                const log = document.createElement('pre');
                const terminal = new Terminal(log);
                {pieces:?}.forEach(([from, text]) => terminal.write(from, text));
                return [...log.querySelectorAll('[class]')].map(run => `[${{run.className}}]${{run.textContent}}`).join('');
            }})()"
        ))
    };
    let esc = "\u{1b}";
    for (pieces, expected) in [
        (vec![["out", "a\u{1b}[1;31mb\u{1b}[0mc\n"]], "[from-out]a[from-out bold colour-1]b[from-out]c\n"),
        // Split anywhere; and each stream has its own colour.
        (
            vec![["out", "a\u{1b}"], ["err", "e"], ["out", "[9"], ["out", "2mb"], ["err", "f"]],
            "[from-out]a[from-err]e[from-out colour-10]b[from-err]f",
        ),
        (
            vec![["out", "\u{1b}[38;5;12mx\u{1b}[38;5;200my\u{1b}[38;2;1;31;1mz\u{1b}[48;5;1mw"]],
            "[from-out colour-12]x[from-out]yzw",
        ),
        (
            vec![
                ["cargo", "Building 1/9: serde"],
                ["cargo", "\rBuilding 2/9\u{1b}[K"],
                ["cargo", "\r\u{1b}[KFinished\n"],
            ],
            "[from-cargo]Finished\n",
        ),
        (vec![["out", "10%\r20%\r\nabc\rX\u{8}\u{7}Y\n"]], "[from-out]20%\nYbc\n"),
        // Titles, links, the cursor, the screen, control bytes: nothing of it. Markup is text.
        (
            vec![[
                "out",
                "\u{1b}]0;title\u{7}a\u{1b}]8;;http://x/\u{1b}\\b\u{1b}[2J\u{1b}[9;9H\u{1b}[?25lc\u{1b}cd\u{9b}31me\u{0}",
            ]],
            "[from-out]abcd31me",
        ),
        (vec![["out", "<img src=x onerror=alert(1)>"]], "[from-out]<img src=x onerror=alert(1)>"),
    ] {
        assert_eq!(shown(&pieces), expected, "{pieces:?}");
    }
    // A sequence without an end doesn't swallow what follows for ever.
    let endless = format!("{esc}]{}", "x".repeat(5000));
    assert_eq!(shown(&[["out", &endless], ["out", "seen"]]), "[from-out]seen");

    // Each colour can be read on the pane's ground, and on that of stderr (WCAG: 4.5 to 1).
    let worst = reader.eval(
        "(() => {
            const pane = document.body.appendChild(document.createElement('article'));
            pane.className = 'pane';
            const log = pane.appendChild(document.createElement('pre'));
            const light = colour => {
                const [r, g, b] = colour.match(/[\\d.]+/g).map(part => part / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const styles = ['out', 'err', 'cargo', 'workbook', 'prompt'].flatMap(from => ['', ...Array(16).keys()].map(n => `from-${from} colour-${n}`));
            return styles.map(style => {
                const run = log.appendChild(document.createElement('span'));
                run.className = style;
                const { color, backgroundColor } = getComputedStyle(run);
                const ground = backgroundColor === 'rgba(0, 0, 0, 0)' ? getComputedStyle(log).backgroundColor : backgroundColor;
                const [dark, bright] = [light(ground), light(color)].sort((a, b) => a - b);
                return [(bright + 0.05) / (dark + 0.05), style];
            }).sort((a, b) => a[0] - b[0])[0].join(' ');
        })()",
    );
    let contrast: f64 = worst.split(' ').next().unwrap().parse().unwrap();
    assert!((4.5..21.0).contains(&contrast), "the least readable is {worst}");
    reader.nothing_went_wrong();
}

/// A browser opens six connections to one server; what a page asks for by a seventh would wait for ever.
#[test]
fn nine_tabs_follow_what_runs_and_outlive_the_first_ones() {
    let Some(reader) = Reader::open("en") else { return };
    let served = Served::start(None);
    let book = format!("http://127.0.0.1:{}", served.port);
    reader.go(&format!("{book}/?token={}", served.token));
    let open = |name: &str| {
        reader.eval(&format!("(window.{name} = window.open('{book}/en/basic/receive.html', {name:?}), 0)"));
    };
    let tabs: Vec<_> = (1..=9).map(|number| format!("tab{number}")).collect();
    let shows = |tab: &str, what: &str| reader.wait_for(&format!("{tab}.document.querySelector('{what}')"));
    for tab in &tabs {
        open(tab);
    }
    for tab in &tabs {
        shows(tab, ".listing-bar[data-ready]");
    }
    // Tabs that came first leave; another one comes later.
    reader.eval("(tab1.close(), tab2.close(), tab3.location.reload(), 0)");
    reader.wait_for("tab1.closed && tab2.closed");
    assert_eq!(served.post("/workbook/runs", r#"{"listing":"receive"}"#).0, 201);
    open("late");
    for tab in tabs[2..].iter().map(String::as_str).chain(["late"]) {
        reader.wait_for(&format!(
            "[...{tab}.document.querySelectorAll('.pane')].map(pane => pane.innerText.match(/Waiting for messages/g)?.length).join() === '1'"
        ));
    }
    assert_eq!(served.post("/workbook/runs/1/stop", "{}").0, 204);
    for tab in tabs[2..].iter().map(String::as_str).chain(["late"]) {
        shows(tab, ".pane[data-state=ended]");
    }
    reader.nothing_went_wrong();
}

#[test]
fn without_shared_workers_a_page_follows_by_itself() {
    let Some(reader) = Reader::open("en") else { return };
    let served = Served::start(None);
    let book = format!("http://127.0.0.1:{}", served.port);
    reader.ask(AddScriptToEvaluateOnNewDocumentParams::new("delete window.SharedWorker"));
    reader.go(&format!("{book}/?token={}", served.token));
    reader.go(&format!("{book}/en/basic/receive.html"));
    assert_eq!(reader.eval("typeof SharedWorker"), "undefined");
    reader.click(".listing-bar[data-ready] .run");
    reader.wait_for_pane("receive", "Waiting for messages.");
    reader.nothing_went_wrong();
}

#[test]
fn a_broker_that_says_nothing_is_a_trouble_in_the_readers_language() {
    let Some(reader) = Reader::open("zh-CN") else { return };
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let served = Served::start(Some(&format!("amqp://{}", silent.local_addr().unwrap())));
    let book = format!("http://127.0.0.1:{}", served.port);
    reader.go(&format!("{book}/?token={}", served.token));
    for (page, trouble) in [("zh-CN", "那里有消息代理吗？"), ("en", "is a broker there?")] {
        reader.go(&format!("{book}/{page}/basic/send.html"));
        reader.wait_for(&format!("document.querySelector('.strip')?.textContent.includes({trouble:?})"));
    }
    reader.nothing_went_wrong();
}
