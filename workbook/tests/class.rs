//! `cargo workbook class` from outside: who is asked, who gets in, what the big screen is told, and what stays impossible.

#![cfg(unix)] // CTRL+C is a signal here

#[allow(dead_code)] // each test file uses its part
mod room;
#[allow(dead_code)] // each test file uses its part
mod served;

use lapin::{ConnectionProperties, options::BasicAckOptions};
use nix::sys::signal::Signal;
use room::{Room, Student, command, until};
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use workbook::class::{
    BINDINGS, BYTES_PER_SECOND, CLIENTS, CONNECTIONS, EXCHANGES, LETTER, LETTERS, NAME, PREFIX, QUEUES,
    REQUESTS_PER_SECOND, STUDENTS, UNACKED,
};

#[test]
fn where_nobody_can_agree_nothing_is_opened() {
    let output = command().stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let (said, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("127.0.0.1:0") && said.contains("send, read and delete every message"), "{said}");
    assert!(!said.contains("Password"), "{said}");
    assert!(why.contains("nobody is there to agree: run this in a terminal, or say --yes"), "{why}");
}

#[test]
fn on_a_terminal_the_teacher_is_asked_and_only_a_yes_opens_it() {
    for (answer, is_open) in [("no\n", false), ("\n", false), ("yes\n", true)] {
        // In the shell's place: one that waits for the program is hit by CTRL+C too, and dies of it.
        let line = format!("exec {:?} class --listen 127.0.0.1:0 --port 0 --no-open", env!("CARGO_BIN_EXE_workbook"));
        let mut terminal = Command::new("script") // gives the program a terminal; it is part of every Debian
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut keyboard = terminal.stdin.take().unwrap();
        keyboard.write_all(answer.as_bytes()).unwrap();
        let (mut screen, mut text) = (terminal.stdout.take().unwrap(), String::new());
        let mut byte = [0];
        while !text.contains("The big screen is at") && screen.read(&mut byte).unwrap() > 0 {
            text.push(byte[0].into());
        }
        if is_open {
            keyboard.write_all(b"\x03").unwrap(); // CTRL+C, as a keyboard sends it
        }
        screen.read_to_string(&mut text).unwrap();
        let status = terminal.wait().unwrap();
        assert!(text.contains("Open it? Type yes: "), "{text}");
        assert_eq!(text.contains("Password: "), is_open, "{answer:?}: {text}");
        assert_eq!(text.contains("nothing was opened"), !is_open, "{answer:?}: {text}");
        assert_eq!(status.success(), is_open, "{answer:?}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_the_password_which_is_new_each_time() {
    let (room, other) = (Room::open(), Room::open());
    assert_ne!(room.password, other.password);
    for (user, password) in [("class", &*other.password), ("guest", "guest"), ("class", "")] {
        let addr = format!("amqp://{user}:{password}@{}", room.address);
        let refused = lapin::Connection::connect(&addr, ConnectionProperties::default()).await.unwrap_err();
        assert!(refused.to_string().contains("ACCESS_REFUSED"), "{user}:{password}: {refused}");
    }
    Student::connect(&room, "anna").await;
}

#[test]
fn the_big_screen_is_on_loopback_and_for_the_tokens_holder() {
    let room = Room::open();
    let elsewhere = TcpStream::connect(("127.0.0.2", room.port)); // what listens on all addresses would answer there
    assert!(elsewhere.is_err(), "the big screen listens on more than 127.0.0.1");

    let (status, answer) = served::request(room.port, "GET /", &[], "");
    assert!(status == 403 && answer.contains("open the address that `cargo workbook class` has printed"), "{answer}");
    for path in ["GET /workbook/class/news", "GET /workbook/class.js", "POST /workbook/class/reset"] {
        assert_eq!(served::request(room.port, path, &[], "").0, 403, "{path}");
    }
    let (status, answer) = served::request(room.port, &format!("GET /?token={}", room.token), &[], "");
    assert!(status == 303 && answer.to_lowercase().contains("httponly"), "{answer}");
    let (status, page) = served::request(room.port, "GET /", &[&room.cookie()], "");
    assert!(status == 200 && page.to_lowercase().contains("content-security-policy: default-src 'none'"), "{page}");
    assert!(!page.contains(&room.password), "the page itself holds the password");

    let rebound = format!("Host: class.example:{}", room.port);
    assert_eq!(served::request(room.port, "GET /", &[&rebound, &room.cookie()], "").0, 421);
    for foreign in ["Origin: http://evil.example", "Sec-Fetch-Site: cross-site"] {
        let headers = [&*room.cookie(), foreign];
        assert_eq!(served::request(room.port, "POST /workbook/class/reset", &headers, "").0, 403, "{foreign}");
    }
}

#[test]
fn no_program_can_be_run_and_no_file_be_read() {
    let room = Room::open();
    assert_eq!(room.post("/workbook/runs", &json!({ "listing": "send" })), 404);
    assert_eq!(room.post("/workbook/runs/1/stop", &json!({})), 404);
    assert_eq!(room.post("/workbook/queues/reset", &json!({})), 404);
    for path in [
        "/workbook/news",
        "/workbook/live.js",
        "/workbook/queues",
        "/workbook/",
        "/queues",
        "/en/index.html",
        "/index.html",
        "/Cargo.toml",
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/workbook/../../Cargo.toml",
    ] {
        assert_eq!(served::request(room.port, &format!("GET {path}"), &[&room.cookie()], "").0, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_register_follows_what_students_do() {
    let room = Room::open();
    let mut screen = room.screen();
    let anna = Student::connect(&room, "anna").await;
    screen.wait_for_steps("anna", "1");
    anna.declare("class.anna").await;
    screen.wait_for_steps("anna", "12");
    anna.publish("class.anna", b"to myself").await;
    screen.wait_for_steps("anna", "123");
    assert_eq!(screen.row("anna")["queue"]["ready"], 1);

    let ben = Student::connect(&room, "ben").await;
    ben.declare("class.ben").await;
    anna.publish("class.ben", b"Hi, Ben!").await;
    screen.wait_for_steps("anna", "1234");
    screen.wait_for_steps("ben", "123");
    assert_eq!(screen.now["latest"][0], json!({ "from": "anna", "to": ["ben"], "key": "class.ben" }));
    anna.publish("class.bne", b"a slip").await;
    screen.wait_until("the slip is shown", |now| now["latest"][0]["key"] == "class.bne");
    assert_eq!(screen.now["latest"][0]["to"], json!([]));

    let mut mail = ben.consume("class.ben").await;
    let letter = room::next(&mut mail).await;
    screen.wait_for_steps("ben", "1235");
    screen.wait_until("ben holds a letter", |now| room::row(now, "ben")["queue"]["unacknowledged"] == 1);
    letter.ack(BasicAckOptions::default()).await.unwrap();
    screen.wait_for_steps("ben", "12356");
    screen.wait_until("the queue is empty", |now| {
        room::row(now, "ben")["queue"]
            == json!({ "name": "class.ben", "ready": 0, "unacknowledged": 0, "consumers": 1, "durable": true })
    });

    ben.connection.close(200, "goodbye".into()).await.unwrap();
    screen.wait_until("ben has left", |now| room::row(now, "ben")["connections"] == 0 && now["clients"] == 1);
    assert_eq!(screen.steps("ben"), "12356", "what was done stays");
    assert_eq!(screen.now["letters"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_has_a_size_and_a_queue_a_capacity() {
    let room = Room::open();
    let mut screen = room.screen();
    let anna = Student::connect(&room, "anna").await;
    anna.declare("class.anna").await;
    anna.publish("class.anna", &vec![b'x'; LETTER as usize]).await;
    let refused = anna.try_publish("class.anna", &vec![b'x'; LETTER as usize + 1]).await.unwrap_err();
    assert!(refused.to_string().contains("PRECONDITION_FAILED"), "{refused}");

    let mut writers = Vec::new();
    for number in 0..4 {
        writers.push(Student::connect(&room, &format!("writer {number}")).await);
    }
    writers[0].declare("hello").await;
    for writer in &writers {
        writer.publish_many("hello", LETTERS / writers.len()).await;
    }
    screen.wait_until("hello is full", |now| now["queues"][0]["ready"] == LETTERS);
    assert_eq!(screen.now["notices"], json!([]));
    writers[0].publish("hello", b"one more").await;
    screen.wait_until("the oldest letter was dropped", |now| {
        now["notices"] == json!([{ "is": "overflowed", "about": "hello" }]) && now["letters"] == LETTERS + 2
    });
    assert_eq!(screen.now["queues"][0]["ready"], LETTERS, "everybody else's letters are still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_slowed_and_the_neighbour_notices_nothing() {
    let room = Room::open();
    let (flood, neighbour) = (Student::connect(&room, "flood").await, Student::connect(&room, "neighbour").await);
    flood.declare("class.flood").await;
    neighbour.declare("class.neighbour").await;
    let count = REQUESTS_PER_SECOND * 6;
    let start = Instant::now();
    let flooding = tokio::spawn(async move {
        flood.publish_many("class.flood", count as usize).await;
        start.elapsed()
    });
    for _ in 0..20 {
        neighbour.publish("class.neighbour", b"Hi!").await;
    }
    assert!(!flooding.is_finished(), "the neighbour's letters had to wait for the flood");
    let took = flooding.await.unwrap();
    // Two seconds' worth may come at once, and what was read together with the last of them has to wait for nothing.
    assert!(took > Duration::from_millis(1900), "{count} letters at once took only {took:?}");
}

/// The notices of this kind: about whom or what.
fn notices(now: &Value, kind: &str) -> Vec<String> {
    let notices = now["notices"].as_array().map(Vec::as_slice).unwrap_or_default();
    notices.iter().filter(|notice| notice["is"] == kind).map(|notice| notice["about"].to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_too_far_is_refused_and_told_why() {
    let room = Room::open();
    let mut screen = room.screen();
    let greedy = Student::connect(&room, "greedy").await;
    for number in 0..QUEUES {
        greedy.declare(&format!("mine {number}")).await;
    }
    greedy.declare("mine 0").await; // which is there
    let refused = greedy.try_declare("one more").await.unwrap_err().to_string();
    assert!(refused.contains("queue 'one more': queue limit of this connection (20) is reached"), "{refused}");
    assert!(greedy.connection.status().connected(), "it has lost no more than its channel");
    screen.wait_until("the teacher knows", |now| {
        notices(now, "limit-reached") == [json!({ "client": "greedy", "reason": reason(&refused) }).to_string()]
    });

    let guest = format!("amqp://guest:guest@{}", room.address);
    lapin::Connection::connect(&guest, ConnectionProperties::default()).await.unwrap_err();
    screen.wait_until("the teacher knows that, too", |now| notices(now, "login-failed") == ["\"127.0.0.1\""]);
}

/// What follows the name of the error in its text.
fn reason(error: &str) -> &str {
    error.split_once("PRECONDITION_FAILED - ").expect(error).1
}

/// Each declaration was counted, though there is one exchange.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_can_be_declared_again_and_again() {
    let room = Room::open();
    let anna = Student::connect(&room, "anna").await;
    for _ in 0..150 {
        anna.declare_exchange("news").await;
    }
    for number in 1..EXCHANGES {
        anna.declare_exchange(&format!("news {number}")).await;
    }
    let refused = anna.try_declare_exchange("one more").await.unwrap_err().to_string();
    assert!(refused.contains("exchange limit of this connection (20) is reached"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_acknowledges_nothing_gets_so_many_letters_and_stays() {
    let room = Room::open();
    let mut screen = room.screen();
    let hoarder = Student::connect(&room, "hoarder").await;
    hoarder.declare("class.hoarder").await;
    let mut hoard = hoarder.consume("class.hoarder").await;
    let writer = Student::connect(&room, "writer").await;
    writer.publish_many("class.hoarder", UNACKED + 1).await;
    let held = |ready: usize| {
        move |now: &Value| {
            let queue = &room::row(now, "hoarder")["queue"];
            queue["unacknowledged"] == UNACKED && queue["ready"] == ready
        }
    };
    screen.wait_until("it holds what it may, and one letter waits", held(1));
    room::next(&mut hoard).await.ack(BasicAckOptions::default()).await.unwrap();
    screen.wait_until("it was given that one, too", held(0));
}

/// They come before `class.anna` in the alphabet, and were deleted last.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_server_named_queues_leave_the_students_own_alone() {
    let room = Room::open();
    let mut screen = room.screen();
    let anna = Student::connect(&room, "anna").await;
    anna.declare("class.anna").await;
    anna.publish("class.anna", b"Hi!").await;
    let (mut crowd, mut refused) = (Vec::new(), String::new());
    while refused.is_empty() {
        assert!(crowd.len() < CLIENTS, "nothing stops them");
        let student = Student::connect(&room, "crowd").await;
        for _ in 0..QUEUES {
            refused = student.try_declare("").await.err().map(|error| error.to_string()).unwrap_or_default();
        }
        crowd.push(student);
    }
    assert!(refused.contains("queue limit in vhost '/' (1000) is reached"), "{refused}");
    screen.wait_until("the teacher knows", |now| !notices(now, "limit-reached").is_empty());
    assert_eq!(screen.row("anna")["queue"]["ready"], 1);
    anna.declare("class.anna").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_connections_leave_those_inside_alone() {
    let room = Room::open();
    let mut screen = room.screen();
    let anna = Student::connect(&room, "anna").await;
    anna.declare("class.anna").await;
    let mut students = vec![anna];
    let refused = loop {
        assert!(students.len() <= CLIENTS, "nothing stops them");
        match Student::try_connect(&room, "crowd").await {
            Ok(student) => students.push(student),
            Err(refused) => break refused.to_string(),
        }
    };
    assert_eq!(students.len(), CLIENTS);
    assert!(refused.contains("node connection limit (200) is reached"), "{refused}");
    // As many sockets may be in their handshake; the system takes more, and the post office closes them.
    let crowd: Vec<_> = students.iter().map(|_| TcpStream::connect(&room.address).unwrap()).collect();
    for _ in 0..600 {
        let _ = TcpStream::connect(&room.address);
    }
    screen.wait_until("the teacher knows", |now| {
        notices(now, "limit-reached").iter().any(|notice| notice.contains("node connection limit is reached"))
    });
    students[0].publish("class.anna", b"I am still here").await;
    drop((crowd, students));
    until("there is room again", async || Student::try_connect(&room, "ben").await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_clients_harm_nobody() {
    let room = Room::open();
    let mut screen = room.screen();
    for greeting in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        &[0xff; 100_000],
        b"AMQP\x00\x00\x09\x01\x01\x00\x00\xff\xff\xff\xff",
        b"",
    ] {
        let mut stranger = TcpStream::connect(&room.address).unwrap();
        let _ = stranger.write_all(greeting); // the office may have hung up already
    }
    let names = ["<img src=x onerror=alert(1)>", "a\u{1b}[2J\r\nb", "\u{202e}evil", "\"}]}", "兔子", "\0"];
    let mut students = Vec::new();
    for name in names {
        let student = Student::connect(&room, name).await;
        let _ = student.try_declare(&format!("{PREFIX}{name}")).await; // RabbitMQ takes line breaks out of it
        students.push(student);
    }
    screen.wait_until("all are there", |now| now["clients"] == names.len());
    for name in names {
        let shown = screen.row(name)["shown"].as_str().unwrap().to_owned();
        assert!(!shown.chars().any(|c| c.is_control() || c == '\u{202e}'), "{shown:?}");
    }
    for name in names {
        assert_eq!(room.post("/workbook/class/remove", &json!({ "name": name })), 204, "{name:?}");
    }
    screen.wait_until("all are gone", |now| now["clients"] == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn starting_over_deletes_all_queues_and_keeps_who_is_there() {
    let room = Room::open();
    let mut screen = room.screen();
    let anna = Student::connect(&room, "anna").await;
    anna.declare("class.anna").await;
    anna.declare("hello").await;
    anna.publish("hello", b"Hi!").await;
    let mut mail = anna.consume("class.anna").await;
    screen.wait_until("the queue for all is shown", |now| {
        now["queues"][0]["name"] == "hello" && now["queues"][0]["ready"] == 1
    });

    assert_eq!(room.post("/workbook/class/reset", &json!({})), 204);
    let why = room::end(&mut mail).await;
    assert!(why.is_empty(), "a subscription that was cancelled ends: {why}");
    screen.wait_until("nothing is left", |now| now["queues"] == json!([]) && now["letters"] == 0);
    assert_eq!(screen.steps("anna"), "1");
    anna.declare("class.anna").await; // the connection is still good
    screen.wait_for_steps("anna", "12");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_student_who_is_removed_is_told_so_and_leaves_no_trace() {
    let room = Room::open();
    let mut screen = room.screen();
    let (anna, ben) = (Student::connect(&room, "anna").await, Student::connect(&room, "ben").await);
    for student in [&anna, &ben] {
        student.declare(&format!("class.{}", student.name)).await;
    }
    let mut mail = anna.consume("class.anna").await;
    screen.wait_for_steps("ben", "12");
    assert_eq!(room.post("/workbook/class/remove", &json!({ "name": "nobody" })), 404);
    assert_eq!(room.post("/workbook/class/remove", &json!({ "name": "anna" })), 204);
    let why = room::end(&mut mail).await;
    assert!(why.is_empty() || why.contains("the teacher has removed you"), "{why}"); // the subscription may end first
    until("anna's connection is closed", async || !anna.connection.status().connected()).await;
    screen.wait_until("anna is gone", |now| now["students"].as_array().unwrap().len() == 1 && now["clients"] == 1);
    ben.publish("class.ben", b"still here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_and_other_signals_to_end_tell_everybody_and_close_everything() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut room = Room::open();
        let anna = Student::connect(&room, "anna").await;
        anna.declare("class.anna").await;
        let mut mail = anna.consume("class.anna").await;
        room.signal(signal);
        let why = room::end(&mut mail).await;
        assert!(why.contains("CONNECTION_FORCED") && why.contains("shutdown"), "{why}");
        let status = room.process.wait().unwrap();
        assert!(status.success(), "{status}");
        assert!(TcpStream::connect(&room.address).is_err() && TcpStream::connect(("127.0.0.1", room.port)).is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_class_at_once() {
    let mut room = Room::open();
    let mut reading = room::Reading::start(&room, "anna");
    assert!(reading.line().starts_with("Waiting for messages"));
    reading.signal(Signal::SIGSTOP); // so that it doesn't agree when the class closes
    room.signal(Signal::SIGTERM);
    until("nobody is let in any more", async || TcpStream::connect(&room.address).is_err()).await;
    room.signal(Signal::SIGINT);
    assert_eq!(room.process.wait().unwrap().code(), Some(130));
}

/// What the book shows of it.
#[test]
fn two_students_write_to_each_other_with_the_program_of_the_book() {
    let room = Room::open();
    room.compare(&format!("$ cargo workbook class --yes\n{}", room.said), "class.term");
    let mut screen = room.screen();
    let mut record = String::new();
    let mut program = |line: &str| {
        record += &format!("$ {line}\n");
        let arguments = line.strip_prefix("cargo run -p class-letter -- ").unwrap();
        let output = Command::new(room::listing("class-letter"))
            .args(arguments.splitn(3, ' ').map(|word| word.trim_matches('"')))
            .env("AMQP_ADDR", &room.addr)
            .env_remove("RUST_BACKTRACE")
            .output()
            .unwrap();
        record += &String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    };
    program("cargo run -p class-letter -- ben ben \"To myself\"");
    program("cargo run -p class-letter -- anna ben \"Hi, Ben!\"");
    screen.wait_for_steps("anna", "124");
    screen.wait_for_steps("ben", "123");
    let mut reading = room::Reading::start(&room, "ben");
    record += "$ cargo run -p class-letter -- ben\n";
    for _ in 0..3 {
        record += &(reading.line() + "\n");
    }
    screen.wait_for_steps("ben", "12356");
    assert!(reading.interrupt().success());
    room.compare(&(record + "^C\n"), "letters.term");
}

#[test]
fn the_program_of_the_book_says_what_it_needs() {
    let run = |name: &[&str], addr: Option<&str>| {
        let mut program = Command::new(room::listing("class-letter"));
        program.args(name).env_remove("AMQP_ADDR").env_remove("RUST_BACKTRACE");
        let output = program.envs(addr.map(|addr| ("AMQP_ADDR", addr))).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(run(&[], None).contains("say who you are: `cargo run -p class-letter -- anna`"));
    assert!(run(&["anna"], None).contains("set AMQP_ADDR first"));
    let room = Room::open();
    let wrong = run(&["anna"], Some(&room.addr.replace(&room.password, "secret-guess")));
    assert!(wrong.contains("ACCESS_REFUSED") && !wrong.contains("secret-guess"), "{wrong}");
    let long = "x".repeat(260);
    let too_long = run(&["anna", &long], Some(&room.addr));
    assert!(too_long.contains("this name is too long"), "{too_long}");
    let too_long = run(&[&long], Some(&room.addr)); // the class may have put it out first
    assert!(too_long.starts_with("Error: "), "{too_long}");
}

/// By `[::1]` lapin would understand `localhost`: both what is printed and what is typed have to lead to the class.
#[test]
fn a_class_at_an_ipv6_address_is_found_there() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return rabbitmq_node::skip("this machine has no IPv6");
    }
    let room = Room::open_at("[::1]:0");
    let port = room.address.rsplit(':').next().unwrap();
    for addr in [room.addr.clone(), format!("amqp://class:{}@[::1]:{port}", room.password)] {
        let mut program = Command::new(room::listing("class-letter"));
        let output = program.args(["anna", "ben", "Hi!"]).env("AMQP_ADDR", &addr).output().unwrap();
        assert!(output.status.success(), "{addr}: {}", String::from_utf8_lossy(&output.stderr));
    }
    room.screen().wait_until("two letters have come", |now| now["letters"] == 2);
}

#[test]
fn an_address_that_it_cannot_have_is_explained() {
    let why = |listen: &str| {
        let mut class = Command::new(env!("CARGO_BIN_EXE_workbook"));
        let output = class.args(["class", "--yes", "--no-open", "--port", "0", "--listen", listen]).output().unwrap();
        assert!(!output.status.success(), "{listen}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    for none in ["localhost:5672", "192.168.1.20", "::1:5672"] {
        assert!(why(none).contains("write an IP address of this machine and a port"), "{none}: {}", why(none));
    }
    // An address for documentation, which no machine has.
    let said = why("192.0.2.1:0");
    assert!(said.contains("can't listen on 192.0.2.1:0") && said.contains("that this machine has"), "{said}");
}

#[test]
fn the_page_of_the_book_names_the_limits_as_they_are() {
    for page in ["class.md", "class.zh-CN.md"] {
        let text = fs::read_to_string(served::root().join("src/teaching").join(page)).unwrap();
        let kib = |bytes: u64| format!("{} KiB", bytes >> 10);
        for figure in [
            CLIENTS.to_string(),
            CONNECTIONS.to_string(),
            REQUESTS_PER_SECOND.to_string(),
            kib(BYTES_PER_SECOND.into()),
            kib(LETTER),
            LETTERS.to_string(),
            UNACKED.to_string(),
            QUEUES.to_string(),
            EXCHANGES.to_string(),
            BINDINGS.to_string(),
            STUDENTS.to_string(),
            NAME.to_string(),
        ] {
            assert!(text.contains(&format!("| {figure} |")), "{page} has no limit of {figure}");
        }
    }
}
