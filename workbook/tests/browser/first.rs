//! The first page: a message sent and received with two presses, on a broker or as it was recorded.

use crate::{
    enter,
    reader::{Reader, files},
    served::{self, Served, belongings},
};
use std::io::Write;

const STEP: &str = "document.querySelector('first-message').dataset.step";

fn press(reader: &Reader, words: &str, next: &str) {
    assert_eq!(reader.eval("document.querySelector('.first-act').textContent"), words);
    reader.click(".first-act");
    reader.wait_for(&format!("{STEP} === {next:?}"));
}

#[test]
fn two_presses_send_and_receive_a_message() {
    for (language, send, receive) in
        [("en", "Send your first message", "Receive it"), ("zh-CN", "发出你的第一条消息", "接收")]
    {
        let Some(reader) = Reader::open(language) else { return };
        let served = Served::start(None);
        served::wait_until("all listings are compiled", || belongings(served.process.id())[1] == 0);
        let book = enter(&reader, &served);
        reader.go(&format!("{book}/{language}/index.html"));
        reader.wait_for("document.querySelector('.flow[data-queue=hello]')");
        // How long each step takes, from the press on.
        reader.eval(&format!(
            "(window.took = {{}}, document.querySelector('.first-act').addEventListener('click', () => {{ window.pressed = performance.now(); }}, true),
            new MutationObserver(() => {{ took[{STEP}] = performance.now() - pressed; }}).observe(document.querySelector('first-message'), {{ attributeFilter: ['data-step'] }}))"
        ));
        press(&reader, send, "waiting");
        reader.wait_for("document.querySelectorAll('first-message .flow-queue .flow-message').length === 1");
        press(&reader, receive, "arrived");
        reader.wait_for("document.querySelectorAll('first-message .flow-queue .flow-message').length === 0");
        reader.wait_for_pane("receive", "Received: Life is short, I use Rust!");
        reader.wait_for("document.querySelector('.pane[aria-label=receive]').dataset.state === 'ended'"); // it is stopped
        let took = reader.eval("Math.round(took.waiting) + ' ms, ' + Math.round(took.arrived)");
        let _ = writeln!(
            std::io::stderr(),
            "{language}: a press to the message in the queue, and to its consumer: {took} ms"
        ); // a figure
        assert_eq!(
            reader.eval("took.waiting < 2000 && took.arrived < 2000"),
            "true",
            "{language}: {took} ms is too long"
        );
        reader.nothing_went_wrong();
    }
}

#[test]
fn without_the_server_the_recorded_run_is_shown() {
    let book = files();
    for (edition, send, receive) in [
        ("en", "Send your first message", "Receive it"),
        ("zh-CN", "发出你的第一条消息", "接收"),
        ("en-zh", "Send your first message 发出你的第一条消息", "Receive it 接收"),
    ] {
        let Some(reader) = Reader::open("en") else { return };
        reader.go(&format!("{book}/{edition}/welcome.html"));
        reader.wait_for("document.querySelector('.flow[data-queue=hello]')");
        press(&reader, send, "waiting");
        assert_eq!(reader.eval("document.querySelectorAll('first-message .flow-queue .flow-message').length"), "1");
        press(&reader, receive, "arrived");
        reader.wait_for(
            "document.querySelector('.first-output').textContent.includes('Received: Life is short, I use Rust!')",
        );
        reader.wait_for("document.querySelector('first-message .flow').dataset.consumers === '0'");
        let before = reader.eval(
            "(() => {
                const words = []; // what stands before the button
                const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
                while (walk.nextNode() && !document.querySelector('first-message').contains(walk.currentNode)) words.push(walk.currentNode.data);
                return words.join(' ').trim().split(/\\s+/).length;
            })()",
        );
        assert!(before.parse::<u32>().unwrap() < 60, "{edition}: {before} words stand before the first button");
        reader.nothing_went_wrong();
    }
}
