//! mdBook's search box as readers use it: they type what they want to know, from a folder of files, with no server.

#![cfg(unix)]

#[allow(dead_code)] // each test file uses its part
mod reader;
#[allow(dead_code)] // each test file uses its part
mod served;

use chromiumoxide::cdp::browser_protocol::page::AddScriptToEvaluateOnNewDocumentParams;
use reader::{Reader, files};
use std::{fs, sync::LazyLock};

static BOOK: LazyLock<String> = LazyLock::new(files);

/// What a student types, and the page, or the place on it, that has to come first or second.
const CHINESE: [(&str, &str); 16] = [
    ("队列", "basic/look.html#look"),
    ("消息代理是什么", "basic/broker.html#broker"),
    ("消费者崩溃了怎么办", "basic/interviews.html#about-receive"),
    ("消息会丢吗", "basic/model.html#predict"),
    ("怎么看队列里有什么", "basic/look.html#look"),
    ("自动确认", "basic/receive.html#ack"),
    ("重新投递", "basic/receive.html#ack"),
    ("声明 队列", "basic/send.html#declare"),
    ("rabbitmq 队列", "basic/look.html#rabbitmqctl"),
    ("队列，消费者", "basic/model.html#model"),
    ("ｇｕｅｓｔ 密码", "welcome.html#broker"),
    ("queue_declare", "basic/python.html#counterparts"),
    ("AMQP_ADDR", "errors.html#address"),
    ("no_ack", "basic/receive.html#ack"),
    ("秒杀", "patterns/flash-sale.html"),
    ("超卖", "patterns/flash-sale.html#"),
];

const ENGLISH: [(&str, &str); 13] = [
    ("queue", "basic/look.html#look"),
    ("what is a message broker", "basic/broker.html#broker"),
    ("why is my message lost", "basic/send.html#sent"),
    ("acknowledged", "basic/get.html#"),
    ("default exchange", "patterns/publish-subscribe.html#exchange"),
    ("durable queues", "basic/send.html#declare"),
    ("redelivered", "basic/look.html"),
    ("rabbitmqctl list_queues", "basic/look.html#rabbitmqctl"),
    ("precondition_failed", "errors.html#"),
    ("guest password", "welcome.html#broker"),
    ("flash sale", "patterns/flash-sale.html"),
    ("pika", "basic/python.html#python"),
    ("install rabbitmq", "welcome.html#broker"),
];

/// Messages as they are copied from a terminal; they are the same in each edition.
const PASTED: [(&str, &str); 2] = [
    ("Error: the broker cancelled our subscription: was the queue deleted?", "basic/receive.html#ended"),
    (
        "no broker answers at localhost:5672 (IO error: Connection refused (os error 111)); start one with `cargo run -p postoffice`",
        "basic/send.html#robust",
    ),
];

/// A result as the reader sees it.
#[derive(Debug)]
struct Hit {
    place: String,
    teaser: String,
    marked: Vec<String>,
}

/// Opens the box with its key, types, and reads the list.
#[track_caller]
fn search(reader: &Reader, query: &str) -> Vec<Hit> {
    let before = reader.eval("document.getElementById('mdbook-searchresults-header').textContent");
    reader.eval("document.activeElement.blur()");
    reader.press("/");
    reader.wait_for("document.activeElement.id === 'mdbook-searchbar'"); // its old text is selected
    reader.type_text(query);
    reader.wait_for(&format!(
        "document.getElementById('mdbook-searchbar').value === {query:?} \
         && document.getElementById('mdbook-searchresults-header').textContent !== {before:?}"
    ));
    hits(reader)
}

fn hits(reader: &Reader) -> Vec<Hit> {
    let separated = reader.eval(
        "[...document.querySelectorAll('#mdbook-searchresults li')].map(item => [
            item.querySelector('a').href.split(/\\/(?:en|zh-CN|en-zh)\\//).pop().replace(/[?][^#]*/, ''),
            item.querySelector('.teaser').textContent,
            ...[...item.querySelectorAll('.teaser em')].map(hit => hit.textContent),
        ].join('\\t').replaceAll('\\n', ' ')).join('\\n')",
    );
    separated
        .lines()
        .map(|line| {
            let mut fields = line.split('\t').map(str::to_owned);
            Hit { place: fields.next().unwrap(), teaser: fields.next().unwrap(), marked: fields.collect() }
        })
        .collect()
}

#[track_caller]
fn finds(reader: &Reader, query: &str, place: &str) -> Vec<Hit> {
    let hits = search(reader, query);
    let places: Vec<_> = hits.iter().map(|hit| hit.place.as_str()).collect();
    assert!(
        places.iter().take(2).any(|found| found.starts_with(place)),
        "{query}: wanted {place} first or second in {places:#?}"
    );
    hits
}

#[test]
fn students_questions_find_their_page_in_chinese() {
    let Some(reader) = Reader::open("zh-CN") else { return };
    reader.go(&format!("{}/zh-CN/basic/model.html", *BOOK));
    for (query, place) in CHINESE.into_iter().chain(PASTED) {
        finds(&reader, query, place);
    }
    reader.nothing_went_wrong();
}

#[test]
fn students_questions_find_their_page_in_english() {
    let Some(reader) = Reader::open("en") else { return };
    reader.go(&format!("{}/en/basic/model.html", *BOOK));
    for (query, place) in ENGLISH.into_iter().chain(PASTED) {
        finds(&reader, query, place);
    }
    reader.nothing_went_wrong();
}

#[test]
fn the_edition_in_both_languages_finds_in_both() {
    let Some(reader) = Reader::open("en") else { return };
    reader.go(&format!("{}/en-zh/basic/model.html", *BOOK));
    for (query, place) in CHINESE.into_iter().take(8).chain(ENGLISH.into_iter().take(8)).chain(PASTED) {
        finds(&reader, query, place);
    }
    reader.nothing_went_wrong();
}

#[test]
fn a_chinese_word_is_found_in_one_piece_and_shown_in_its_sentence() {
    let Some(reader) = Reader::open("zh-CN") else { return };
    reader.go(&format!("{}/zh-CN/basic/model.html", *BOOK));
    for (query, place, sentence) in [
        ("邮递员", "basic/receive.html#consume", "邮递员会来按门铃"),
        ("没有确认", "basic/look.html#counter", "还没有确认的消息"),
        ("unacked", "basic/look.html#remember", "Unacked 是在消费者手里的"),
    ] {
        let hits = search(&reader, query);
        let hit = hits.iter().find(|hit| hit.place == place).unwrap_or_else(|| panic!("{query} not in {place}"));
        assert!(hit.teaser.contains(sentence), "{query}: {hit:?}");
        assert!(hit.marked.iter().any(|marked| marked.to_lowercase() == query), "{query}: {hit:?}");
        for hit in &hits {
            assert!(hit.teaser.chars().count() < 160, "{query}: a teaser is a part, not the whole: {hit:?}");
        }
    }
    let header = || reader.eval("document.getElementById('mdbook-searchresults-header').textContent");
    let count = search(&reader, "邮递员").len();
    assert_eq!(header(), format!("“邮递员”：找到 {count} 处"));
    for character in ["道", "路"] {
        assert!(search(&reader, character).len() > 3);
    }
    assert!(search(&reader, "道路").is_empty(), "characters apart are no word");
    assert_eq!(header(), "没有找到“道路”");
    reader.nothing_went_wrong();
}

#[test]
fn a_result_leads_to_its_place_and_marks_the_words_there() {
    let Some(reader) = Reader::open("zh-CN") else { return };
    for (edition, query, place, marked) in [
        ("zh-CN", "自动确认，风险", "basic/receive.html#ack", "自动确认"),
        ("zh-CN", "消费者崩溃怎么办", "basic/interviews.html#traps", "消费者崩溃"),
        ("en", "why was it acknowledged", "basic/receive.html#ack", "acknowledged"),
        ("en-zh", "路由键", "basic/send.html#publish", "路由键"),
    ] {
        reader.go(&format!("{}/{edition}/basic/model.html", *BOOK));
        let at = search(&reader, query).iter().position(|hit| hit.place == place);
        let at = at.unwrap_or_else(|| panic!("{query} doesn't find {place}"));
        // With the keys alone: down to the result, then Enter.
        for _ in 0..=at {
            reader.press("ArrowDown");
        }
        reader.press("Enter");
        let (page, id) = place.split_once('#').unwrap();
        reader.wait_for(&format!("location.pathname.endsWith('/{edition}/{page}') && location.hash === '#{id}'"));
        let marks = "[...document.querySelectorAll('main mark')].map(mark => mark.textContent.toLowerCase())";
        reader.wait_for(&format!("{marks}.includes({marked:?})"));
        let all = reader.eval(&format!("[...new Set({marks})].join()"));
        assert!(!all.split(',').any(|word| ["is", "was", "it", "the", "why"].contains(&word)), "{query} marks {all}");
    }
    // A click does the same.
    let first = search(&reader, "信道").swap_remove(0);
    reader.click("#mdbook-searchresults li:first-child a");
    reader.wait_for(&format!("location.href.includes({:?})", first.place.split('#').next().unwrap()));
    reader.wait_for("document.querySelector('main mark')?.textContent === '信道'");
    reader.nothing_went_wrong();
}

#[test]
fn an_address_with_a_question_answers_it() {
    let Some(reader) = Reader::open("zh-CN") else { return };
    for edition in ["zh-CN", "en-zh"] {
        let question = "?search=%E8%87%AA%E5%8A%A8%E7%A1%AE%E8%AE%A4"; // 自动确认
        reader.go(&format!("{}/{edition}/basic/model.html{question}", *BOOK));
        reader.wait_for("document.querySelector('#mdbook-searchresults li')");
        assert_eq!(hits(&reader)[0].place, "basic/receive.html#ack", "{edition}");
    }
    reader.nothing_went_wrong();
}

/// The index may be there before our script: mdBook loads it on the side when the address has a question.
#[test]
fn an_address_with_a_question_is_answered_by_a_script_that_comes_late_too() {
    let folder = format!("{}/zh-CN/basic", BOOK.strip_prefix("file://").unwrap());
    let page = fs::read_to_string(format!("{folder}/model.html")).unwrap();
    let (before, rest) = page.split_once("<script src=\"../assets/search-").unwrap();
    let (name, after) = rest.split_once("\"></script>").unwrap();
    fs::write(format!("{folder}/late.html"), format!("{before}{after}")).unwrap();
    let Some(reader) = Reader::open("zh-CN") else { return };
    reader.go(&format!("{}/zh-CN/basic/late.html?search=%E4%BF%A1%E9%81%93", *BOOK)); // 信道
    let header = "document.getElementById('mdbook-searchresults-header').textContent";
    reader.wait_for(&format!("{header} !== ''"));
    assert!(hits(&reader).is_empty(), "mdBook alone finds Chinese: is our script needed any more?");
    reader.eval(&format!(
        "document.head.append(Object.assign(document.createElement('script'), {{ src: '../assets/search-{name}' }}))"
    ));
    reader.wait_for("document.querySelector('#mdbook-searchresults li')");
    assert_eq!(hits(&reader)[0].place, "basic/send.html#channel");
    reader.nothing_went_wrong();
}

#[test]
fn text_that_the_mouse_or_an_input_method_puts_in_is_searched() {
    let Some(reader) = Reader::open("zh-CN") else { return };
    // The page of all pages has the box too. It prints itself when it opens, and whoever types meanwhile isn't heard.
    reader.ask(AddScriptToEvaluateOnNewDocumentParams::new("window.print = () => {}"));
    reader.go(&format!("{}/zh-CN/print.html", *BOOK));
    reader.press("/");
    reader.wait_for("document.activeElement.id === 'mdbook-searchbar'");
    reader.eval("document.execCommand('insertText', false, '信道')"); // no key is pressed
    reader.wait_for("document.querySelector('#mdbook-searchresults li')");
    assert_eq!(hits(&reader)[0].place, "basic/send.html#channel");

    // An input method shows Latin letters on the way; they are no question yet.
    let box_ = "document.getElementById('mdbook-searchbar')";
    reader.eval(&format!(
        "({box_}.value = 'jie ou', {box_}.dispatchEvent(new InputEvent('input', {{ isComposing: true }})))"
    ));
    assert_eq!(hits(&reader)[0].place, "basic/send.html#channel");
    reader.eval(&format!("({box_}.value = '解耦', {box_}.dispatchEvent(new CompositionEvent('compositionend')))"));
    assert_eq!(hits(&reader)[0].place, "basic/broker.html#decoupling");
    reader.nothing_went_wrong();
}
