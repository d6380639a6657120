//! The served book from outside: who is let in, what is refused, what runs, and how it ends.

#![cfg(unix)]

#[allow(dead_code)] // each test file uses its part
mod served;

use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions},
    types::FieldTable,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use postoffice::PostOffice;
use served::{DEADLINE, Served, belongings, root, wait_until};
use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    process::Stdio,
    sync::{Mutex, PoisonError},
};
use tokio::time::timeout;

/// Servers on one project build readers' versions in the same place; a person runs one server at a time.
static EDITING: Mutex<()> = Mutex::new(());

#[test]
fn the_book_can_be_read_without_the_token_and_nothing_can_be_run() {
    let served = Served::start(None);
    let (status, page) = served.request("GET /en/basic/send.html", &[], "");
    assert_eq!(status, 200);
    assert!(!page.contains("live.js"), "a stranger got the script that runs programs");
    assert!(page.to_lowercase().contains("content-security-policy: default-src 'none'"), "no policy");
    for path in ["/workbook/news", "/workbook/queues", "/workbook/live.js"] {
        let (status, answer) = served.request(&format!("GET {path}"), &[], "");
        assert_eq!(status, 403, "{path}");
        assert!(answer.contains("open the address that `cargo workbook` has printed"), "{answer}");
    }
    let json = "Content-Type: application/json";
    assert_eq!(served.request("POST /workbook/runs", &[json], r#"{"listing":"send"}"#).0, 403);
    let wrong = format!("Cookie: workbook-{}={}", served.port, "0".repeat(32));
    assert_eq!(served.request("POST /workbook/runs", &[json, &wrong], r#"{"listing":"send"}"#).0, 403);
}

#[test]
fn the_printed_address_gives_a_cookie_and_takes_the_token_out_of_sight() {
    let served = Served::start(None);
    let (status, answer) = served.request(&format!("GET /?token={}", served.token), &[], "");
    assert_eq!(status, 303);
    let answer = answer.to_lowercase();
    assert!(answer.contains("location: /\r\n"), "{answer}");
    assert!(answer.contains("httponly") && answer.contains("samesite=strict"), "{answer}");
    let (_, page) = served.request("GET /en/basic/send.html", &[&served.cookie()], "");
    assert!(page.contains("live.js"), "the person who started it can't run anything");
    assert_eq!(served.request("GET /?token=0", &[], "").0, 403);
}

#[test]
fn an_address_that_is_none_is_answered_in_both_languages_with_a_way_back() {
    let served = Served::start(None);
    for path in ["/en/basic/nothing.html", "/nothing"] {
        let (status, page) = served.request(&format!("GET {path}"), &[&served.cookie()], "");
        assert_eq!(status, 404, "{path}");
        assert!(page.contains("There is no such page") && page.contains("没有这一页"), "{page}");
        assert!(page.contains("en-zh/index.html") && !page.contains("live.js"), "{page}");
    }
}

#[test]
fn another_host_name_is_refused_even_for_reading() {
    let served = Served::start(None);
    let port = served.port;
    for host in
        ["rebound.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.localhost", "", "[::1", "::1"]
    {
        for host in [format!("Host: {host}"), format!("Host: {host}:{port}")] {
            let (status, why) = served.request("GET /en/basic/send.html", &[&host, &served.cookie()], "");
            assert_eq!(status, 421, "{host}");
            assert!(why.contains("127.0.0.1 or localhost, at any port") && why.contains("端口不限"), "{why}");
        }
    }
}

/// SSH and WSL forward the port, perhaps to another one; the browser then names that.
#[test]
fn a_forwarded_server_works_at_any_port_and_keeps_strangers_out() {
    let served = Served::start(None);
    let json = "Content-Type: application/json";
    for host in ["127.0.0.1:8080", "localhost:8080", "localhost", "LOCALHOST:1", "[::1]:8080"] {
        let (name, origin) = (format!("Host: {host}"), format!("Origin: http://{host}"));
        assert_eq!(served.request("GET /en/basic/send.html", &[&name], "").0, 200, "{host}");
        let (status, _) = served.request(&format!("GET /?token={}", served.token), &[&name], "");
        assert_eq!(status, 303, "{host}");
        let stop = |headers: &[&str]| served.request("POST /workbook/runs/1/stop", headers, "{}").0;
        assert_eq!(stop(&[&name, &origin, json, &served.cookie()]), 404, "{host}: let in, and there is no such run");
        assert_eq!(stop(&[&name, &origin, json]), 403, "{host}: without a cookie");
        let other = "Origin: http://localhost:9999";
        assert_eq!(stop(&[&name, other, json, &served.cookie()]), 403, "{host}: another server on this machine");
    }
}

#[test]
fn whatever_is_asked_is_answered() {
    let mut served = Served::start_with(None, |command| {
        command.stderr(Stdio::piped());
    });
    let (cookie, token) = (served.cookie(), format!("/?token={}", served.token));
    let (long, longer) = (format!("/{}", "a".repeat(300)), format!("/{}", "a/../".repeat(2000)));
    let targets = [
        "*",
        "/",
        "//",
        "///en/",
        "/en",
        "/enough",
        "/%",
        "/%00",
        "/%ff%fe",
        "/en/%2e%2e/%2e%2e/etc/passwd",
        "/?",
        "/?token",
        "/?token=",
        "?",
        "127.0.0.1:1",
        "http://127.0.0.1:1/en/",
        "http://evil.example/en/",
        "/en/index.html?a=%zz",
        "/workbook/",
        "/workbook/runs/x/stop",
        "/workbook/runs/99999999999999999999/stop",
        "/workbook/queues/",
        "/workbook/queues/%ff",
        "/counter/",
        &token,
        &long,
        &longer,
        "//evil.example/?token=",
    ];
    let headers: [&[&str]; 8] = [
        &[],
        &[&cookie],
        &["Range: bytes=9-1"],
        &["Range: bytes=-0,0-"],
        &["If-Modified-Since: never"],
        &["Cookie: ==;;=\u{ff}"],
        &["Accept-Encoding: gzip, br, ;q=x", &cookie],
        &["Origin: ::", "Content-Type: application/json; charset=\u{ff}", &cookie],
    ];
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH", "BREW", "M-SEARCH"] {
        for target in targets {
            for headers in headers {
                let (status, _) = served.request(&format!("{method} {target}"), headers, "");
                assert!((200..500).contains(&status), "{method} {target} {headers:?}: {status}");
            }
        }
    }
    let (_, answer) = served.request(&format!("GET //evil.example{token}"), &[], "");
    assert!(answer.to_lowercase().contains("location: /evil.example"), "{answer}");
    let mut said = String::new();
    let mut stderr = served.process.stderr.take().unwrap();
    drop(served);
    stderr.read_to_string(&mut said).unwrap();
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn other_sites_can_change_nothing() {
    let served = Served::start(None);
    let (cookie, json, body) = (served.cookie(), "Content-Type: application/json", r#"{"listing":"send"}"#);
    for foreign in [
        "Origin: http://evil.example",
        "Origin: null",
        "Origin: http://127.0.0.1:1",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ] {
        assert_eq!(served.request("POST /workbook/runs", &[&cookie, json, foreign], body).0, 403, "{foreign}");
    }
    let form = "Content-Type: application/x-www-form-urlencoded";
    assert_eq!(served.request("POST /workbook/runs", &[&cookie, form], "listing=send").0, 415);
    assert!(!served.request("GET /en/basic/send.html", &[&cookie], "").1.to_lowercase().contains("access-control-"));
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    let served = Served::start(None);
    let order = |body: &str| served.post("/workbook/runs", body).0;
    assert_eq!(order(r#"{"listing":"../../etc"}"#), 400);
    assert_eq!(order(r#"{"listing":"nothing"}"#), 400);
    assert_eq!(order(r#"{"listing":"send","arguments":["a\u0000b"]}"#), 400);
    assert_eq!(order(&format!(r#"{{"listing":"send","arguments":["{}"]}}"#, "x".repeat(5000))), 400);
    assert_eq!(order(r#"{"listing":"send","environment":{"PATH":"/tmp"}}"#), 400);
    assert_eq!(order(r#"{"listing":"send","environment":{"AMQP_ADDR":"a\u0000b"}}"#), 400);
    assert_eq!(order(r#"{"listing":"python-send","source":"print()"}"#), 400);
    assert_eq!(order(r#"{"listing":"exercise-nothing","source":"fn main() {}"}"#), 400);
    assert_eq!(order(r#"{"listing":"exercise-first_letter"}"#), 400, "an answer without a program");
    assert_eq!(order(r#"{"listing":"exercise-../../etc","source":""}"#), 400);
    assert_eq!(served.request("GET /workbook/exercises/nothing", &[&served.cookie()], "").0, 404);
    assert_eq!(served.request("GET /workbook/exercises/%2e%2e", &[&served.cookie()], "").0, 404);
    assert_eq!(served.request("GET /workbook/exercises/first_letter", &[], "").0, 403, "a stranger");
    assert_eq!(order(r#"{"listing":"send","shell":true}"#), 422);
    assert_eq!(order("nonsense"), 400);
    assert_eq!(order(&format!(r#"{{"listing":"send","source":"{}"}}"#, "x".repeat(300 << 10))), 413);
    assert_eq!(served.post("/workbook/runs/1/stop", "{}").0, 404);
    assert_eq!(served.post("/workbook/queues/purge", r#"{"name":"nothing"}"#).0, 404);
    assert_eq!(served.request("GET /../Cargo.toml", &[], "").0, 404);
    assert_eq!(served.request("GET /%2e%2e/Cargo.toml", &[], "").0, 404);
}

#[test]
fn an_argument_reaches_the_program_and_no_shell() {
    let served = Served::start(None);
    let mut news = served.news();
    let order = r#"{"listing":"send","arguments":["$(id); `id` | tee x > y"]}"#;
    assert_eq!(served.post("/workbook/runs", order).0, 201);
    news.wait_for(r"Sent: $(id); `id` | tee x > y\n");
    news.wait_for(r#"{"is":"ended","status":0}"#);
    assert!(!root().join("x").exists() && !root().join("y").exists());
    let (_, queues) = served.request("GET /workbook/queues", &[&served.cookie()], "");
    assert!(queues.contains(r#""ready":1"#) && queues.contains("$(id)"), "{queues}");
    assert_eq!(served.post("/workbook/queues/purge", r#"{"name":"hello"}"#).0, 204);
    let (_, queues) = served.request("GET /workbook/queues", &[&served.cookie()], "");
    assert!(queues.contains(r#""ready":0"#), "{queues}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_at_an_ipv6_address_is_the_one_that_programs_and_the_strip_use() {
    let office = match PostOffice::builder().listen("[::1]:0".parse().unwrap()).open().await {
        Ok(office) => office,
        Err(error) => return rabbitmq_node::skip(error),
    };
    let served = Served::start(Some(&format!("amqp://[::1]:{}", office.address().port())));
    let mut news = served.news();
    assert_eq!(served.post("/workbook/runs", r#"{"listing":"send"}"#).0, 201);
    news.wait_for(r#""name":"hello","ready":1"#);
    assert_eq!(office.queue("hello").unwrap().ready, 1);
}

#[test]
fn a_reader_stops_starts_and_crashes_the_broker_and_finds_what_it_keeps() {
    let served = Served::start(None);
    let mut news = served.news();
    let run = |listing: &str| served.post("/workbook/runs", &format!(r#"{{"listing":"{listing}"}}"#)).0;
    let act = |action: &str| served.post(&format!("/workbook/broker/{action}"), "{}");
    let queues = || served.request("GET /workbook/queues", &[&served.cookie()], "").1;
    assert_eq!([run("send"), run("new-task")], [201, 201]);
    news.wait_for(r#"[1,{"is":"ended","status":0}]"#);
    news.wait_for(r#"[2,{"is":"ended","status":0}]"#);
    wait_until("both messages are in their queues", || queues().matches(r#""ready":1"#).count() == 2);
    assert_eq!(queues().matches(r#""persistent":true"#).count(), 1, "{}", queues());

    assert_eq!(act("crash").0, 204);
    news.wait_for(r#""trouble":{"code":"stopped"}"#);
    news.wait_for(r#""office":{"is_open":false,"has_crashed":true,"kept":null}"#);
    assert!(queues().contains(r#""is_stopped":true"#), "{}", queues());
    assert_eq!(served.post("/workbook/queues/purge", r#"{"name":"hello"}"#).0, 409);
    assert_eq!([act("crash").0, act("stop").0], [204, 204], "it has ended already");
    assert_eq!(run("send"), 201);
    news.wait_for(r#"[3,{"is":"ended","status":1}]"#);

    assert_eq!([act("start").0, act("start").0], [204, 204]);
    let kept = r#""kept":{"messages":1,"lost_messages":1,"queues":2,"lost_queues":0}"#;
    news.wait_for(&format!(r#""office":{{"is_open":true,"has_crashed":false,{kept}}}"#));
    let found = queues();
    assert!(found.contains("lamp") && found.contains(r#""persistent":true"#), "{found}");
    assert!(!found.contains("Life is short"), "{found}");
    assert_eq!(act("explode").0, 400);
}

#[test]
fn programs_meet_a_stopped_and_a_crashed_broker_as_they_meet_rabbitmq() {
    let served = Served::start(None);
    let mut news = served.news();
    for (number, action, said) in
        [(1, "crash", "IO error"), (2, "stop", "CONNECTION_FORCED"), (3, "restart", "shutdown")]
    {
        assert_eq!(served.post("/workbook/runs", r#"{"listing":"receive"}"#).0, 201);
        wait_until("it consumes", || {
            served.request("GET /workbook/queues", &[&served.cookie()], "").1.contains(r#""consumers":1"#)
        });
        assert_eq!(served.post(&format!("/workbook/broker/{action}"), "{}").0, 204);
        news.wait_for(said);
        news.wait_for(&format!(r#"[{number},{{"is":"ended","status":1}}]"#));
        assert_eq!(served.post("/workbook/broker/start", "{}").0, 204);
    }
}

#[test]
fn a_broker_that_cant_start_says_why_and_starts_when_it_can() {
    let served = Served::start(None);
    let port = served.broker.rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!(served.post("/workbook/broker/stop", "{}").0, 204);
    let other = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let (status, why) = served.post("/workbook/broker/start", "{}");
    assert_eq!(status, 409);
    assert!(why.contains(r#""code":"not_started""#) && why.contains("is taken"), "{why}");
    drop(other);
    assert_eq!(served.post("/workbook/broker/start", "{}").0, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_of_others_is_neither_stopped_nor_started() {
    let office = PostOffice::open().await.unwrap();
    let served = Served::start(Some(&office.uri()));
    for action in ["stop", "start", "restart", "crash"] {
        assert_eq!(served.post(&format!("/workbook/broker/{action}"), "{}").0, 409);
    }
    assert!(office.connections().len() <= 1, "nobody but the strip is connected");
    assert!(served.request("GET /workbook/state", &[&served.cookie()], "").1.contains(r#""office":null"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_survive_the_end_of_the_workbook_itself() {
    let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let start = || {
        Served::start_with(None, |command| {
            command.arg("--data").arg(data.path());
        })
    };
    let served = start();
    let addr = served.broker.rsplit(' ').next().unwrap();
    let connection = Connection::connect(addr, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.queue_declare("packing".into(), QueueDeclareOptions::durable(), FieldTable::default()).await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let (options, persistent) = (BasicPublishOptions::default(), BasicProperties::default().with_delivery_mode(2));
    let published = channel.basic_publish("".into(), "packing".into(), options, b"lamp", persistent);
    assert!(published.await.unwrap().await.unwrap().is_ack());
    drop(served); // by SIGKILL
    let served = start();
    let (_, queues) = served.request("GET /workbook/queues", &[&served.cookie()], "");
    assert!(queues.contains(r#""ready":1"#) && queues.contains("lamp"), "{queues}");
}

#[test]
fn a_program_stops_as_with_ctrl_c_and_a_new_page_finds_everything() {
    let served = Served::start(None);
    let mut news = served.news();
    assert_eq!(served.post("/workbook/runs", r#"{"listing":"receive"}"#).0, 201);
    news.wait_for("Waiting for messages.");
    news.wait_for(r#""consumers":1"#);
    let mut later = served.news();
    later.wait_for("Waiting for messages.");
    assert!(later.text().contains(r#""is":"running""#), "{}", later.text());
    assert_eq!(served.post("/workbook/runs/1/stop", "{}").0, 204);
    let interrupted = if cfg!(unix) { r#"{"is":"ended","status":130}"# } else { r#"{"is":"ended""# }; // 128 and SIGINT
    news.wait_for(interrupted);
    assert_eq!(served.post("/workbook/runs/1/close", "{}").0, 204);
    news.wait_for("event: closed");
}

#[test]
fn a_readers_version_is_built_beside_the_listing_and_errors_are_shown() {
    let _editing = EDITING.lock().unwrap_or_else(PoisonError::into_inner);
    let served = Served::start(None);
    let mut news = served.news();
    let listing = root().join("listings/send/src/main.rs");
    let original = fs::read_to_string(&listing).unwrap();
    let order = |source: &str| {
        served.post("/workbook/runs", &serde_json::json!({ "listing": "send", "source": source }).to_string()).0
    };

    assert_eq!(order(&original.replace("Sent: {text}", "Posted: {text}")), 201);
    news.wait_for("Posted: Life is short");
    assert_eq!(order("fn main() { nonsense }"), 201);
    news.wait_for("cannot find value `nonsense`");
    news.wait_for(r#"{"level":"error","text":"cannot find value `nonsense` in this scope","line":1,"column":13}"#);
    news.wait_for(r#"{"is":"ended","status":null}"#);
    assert_eq!(fs::read_to_string(&listing).unwrap(), original);
    assert_eq!(belongings(served.process.id())[2], 0, "a copy of a reader's program stays behind");
}

#[test]
fn endless_output_is_cut_and_the_ninth_running_program_refused() {
    let _editing = EDITING.lock().unwrap_or_else(PoisonError::into_inner);
    let served = Served::start(None);
    let mut news = served.news();
    let endless = r#"{"listing":"send","source":"fn main() { loop { println!(\"{}\", \"y\".repeat(1000)); } }"}"#;
    assert_eq!(served.post("/workbook/runs", endless).0, 201);
    news.wait_for(r#""note":{"code":"output_cut","detail":1}"#);
    assert_eq!(served.post("/workbook/runs/1/stop", "{}").0, 204);
    news.wait_for(r#"[1,{"is":"ended""#);
    let receive = || served.post("/workbook/runs", r#"{"listing":"receive"}"#);
    for _ in 0..8 {
        assert_eq!(receive().0, 201); // what has ended doesn't count
    }
    let (status, why) = receive();
    assert_eq!(status, 429);
    assert!(why.ends_with(r#"{"code":"too_many_running","detail":8}"#), "{why}");
    assert_eq!(served.post("/workbook/runs/2/stop", "{}").0, 204);
    news.wait_for(r#"[2,{"is":"ended""#);
    assert_eq!(receive().0, 201);
    news.wait_for(r#""replaces":2,"listing":"receive","run":2"#);
}

#[cfg(target_os = "linux")] // counts in /proc
#[test]
fn runs_in_a_row_leave_nothing_behind() {
    let _editing = EDITING.lock().unwrap_or_else(PoisonError::into_inner);
    let served = Served::start(None);
    let mut news = served.news();
    let source = fs::read_to_string(root().join("listings/send/src/main.rs")).unwrap();
    let orders = [serde_json::json!({ "listing": "send" }), serde_json::json!({ "listing": "send", "source": source })];
    let mut run = |id: usize, order: &serde_json::Value| {
        assert_eq!(served.post("/workbook/runs", &order.to_string()).0, 201);
        news.wait_for(&format!(r#"[{id},{{"is":"ended","status":0}}]"#));
        assert_eq!(served.post(&format!("/workbook/runs/{id}/close"), "{}").0, 204);
        news.wait_for(&format!("event: closed\ndata: {id}\n"));
    };
    wait_until("all listings are compiled", || belongings(served.process.id())[1] == 0);
    run(1, &orders[0]);
    run(2, &orders[1]);
    let [files, ..] = belongings(served.process.id());
    for id in 3..=12 {
        run(id, &orders[id % 2]);
    }
    served::wait_until_nothing_is_left(served.process.id(), files);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_of_its_post_office_are_told_when_it_ends() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut served = Served::start(None);
        let addr = served.broker.strip_prefix("The post office is open at ").unwrap();
        let connection = Connection::connect(addr, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let (durable, none) = (QueueDeclareOptions::durable(), FieldTable::default());
        channel.queue_declare("hello".into(), durable, none.clone()).await.unwrap();
        let subscribed = channel.basic_consume("hello".into(), "".into(), BasicConsumeOptions::default(), none).await;
        let mut letters = subscribed.unwrap();
        kill(Pid::from_raw(served.process.id().cast_signed()), signal).unwrap();
        let end = timeout(DEADLINE, letters.next()).await.expect("it ends").expect("with an error").unwrap_err();
        assert!(end.to_string().contains("CONNECTION_FORCED"), "{signal}: {end}");
        assert_eq!(served.process.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_broker_that_says_nothing_or_speaks_something_else_is_a_trouble_that_leaves_no_socket() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = |listener: &TcpListener| format!("amqp://{}", listener.local_addr().unwrap());
    let served = Served::start(Some(&addr(&silent)));
    let mut news = served.news();
    news.wait_for(r#""trouble":{"code":"silent"}"#);
    let (mut asked, _) = silent.accept().unwrap();
    asked.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut said = Vec::new();
    asked.read_to_end(&mut said).unwrap(); // up to the moment when nobody waits any more
    assert_eq!(said, b"AMQP\x00\x00\x09\x01");

    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let served = Served::start(Some(&addr(&other)));
    let mut news = served.news();
    let (mut asked, _) = other.accept().unwrap();
    asked.read_exact(&mut [0; 8]).unwrap();
    asked.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    news.wait_for(r#""trouble":{"code":"not_amqp"}"#);
    drop(other);
    news.wait_for(r#""trouble":{"code":"unreachable","detail":"#);
}
