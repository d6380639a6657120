//! How long a reader waits: for the first output of a listing, for an edited one, for a letter in the strip; and what many
//! runs leave behind. Prints a Markdown table of medians.
//!
//! `cargo bench --workspace --bench run --profile dev`: unoptimized, as `cargo workbook` runs it.

#[path = "../tests/reader/mod.rs"]
#[allow(dead_code)]
mod reader;
#[path = "../tests/served/mod.rs"]
#[allow(dead_code)]
mod served;

use anyhow::{Context, Result};
use lapin::{BasicProperties, Connection, ConnectionProperties, options::BasicPublishOptions};
use reader::Reader;
use served::{Served, belongings, root};
use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use workbook::listings::Listing;

/// So many times each, the two kinds in turns.
const RUNS: usize = 25;
const EDITS: usize = 9;
const LETTERS: usize = 25;

fn main() -> Result<()> {
    let served = Served::start(None);
    let office = served.broker.strip_prefix("The post office is open at ").context("no post office")?.to_owned();
    served::wait_until("all listings are compiled", || belongings(served.process.id())[1] == 0);
    println!("| what | median | limit |\n|---|---|---|");

    let mut last = 0;
    let (mut bare, mut page) = (Vec::new(), Vec::new());
    let mut news = served.news();
    for _ in 0..RUNS {
        bare.push(bare_run(&office)?);
        last += 1;
        let start = Instant::now();
        served.post("/workbook/runs", r#"{"listing":"send"}"#);
        news.wait_for(&format!(r#"[{last},{{"from":"out""#));
        page.push(start.elapsed());
        news.wait_for(&format!(r#"[{last},{{"is":"ended""#));
        served.post(&format!("/workbook/runs/{last}/close"), "{}");
    }
    let (bare, page) = (median(bare), median(page));
    println!("| the bare program to its first output | {bare:.0?} | |");
    println!("| Run to first output | {page:.0?} | {:.0?} |", bare + Duration::from_millis(150));

    let source = fs::read_to_string(root().join("listings/send/src/main.rs"))?;
    let mut edits = Vec::new();
    for edit in 0..EDITS {
        last += 1;
        let order =
            serde_json::json!({ "listing": "send", "source": source.replace("Sent: ", &format!("Sent {edit}: ")) });
        let start = Instant::now();
        served.post("/workbook/runs", &order.to_string());
        news.wait_for(&format!("Sent {edit}: "));
        edits.push(start.elapsed());
        news.wait_for(&format!(r#"[{last},{{"is":"ended""#));
        served.post(&format!("/workbook/runs/{last}/close"), "{}");
    }
    println!("| Run of an edited line to its output | {:.2?} | 3 s |", median(edits));

    let [files, ..] = belongings(served.process.id());
    for _ in 0..50 {
        last += 1;
        served.post("/workbook/runs", r#"{"listing":"send"}"#);
        news.wait_for(&format!(r#"[{last},{{"is":"ended""#));
        served.post(&format!("/workbook/runs/{last}/close"), "{}");
    }
    served::wait_until_nothing_is_left(served.process.id(), files);
    println!("| open files more, processes and copies after 50 runs | 0, 0, 0 | 0, 0, 0 |");

    if let Some(reader) = Reader::open("en") {
        let letters = tokio::runtime::Runtime::new()?.block_on(letters(&reader, &served, &office))?;
        println!("| a published letter to its picture in the strip | {:.0?} | 200 ms |", median(letters));
    }
    Ok(())
}

fn bare_run(office: &str) -> Result<Duration> {
    let start = Instant::now();
    let mut program = Command::new(Listing::program(&root().join("target"), "send"))
        .env("AMQP_ADDR", office)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = program.stdout.take().context("stdout is piped")?;
    BufReader::new(stdout).read_line(&mut String::new())?;
    let took = start.elapsed();
    program.wait()?;
    Ok(took)
}

/// From the publish to the moment when the page has the letter; a consumer takes each one at once.
async fn letters(reader: &Reader, served: &Served, office: &str) -> Result<Vec<Duration>> {
    let book = format!("http://127.0.0.1:{}", served.port);
    reader.go(&format!("{book}/?token={}", served.token));
    reader.go(&format!("{book}/en/basic/receive.html"));
    reader.click(".listing-bar[data-ready] .run");
    reader.wait_for_pane("receive", "Waiting for messages.");
    reader.wait_for("document.querySelector('.flow[data-queue=hello]')?.dataset.ready === '0'");
    reader.eval(
        "new MutationObserver(changes => changes.forEach(({ addedNodes }) => addedNodes.forEach(node => {
            if (node.matches?.('.flow-message')) { window.seen ??= performance.timeOrigin + performance.now(); }
        }))).observe(document.querySelector('.strip'), { subtree: true, childList: true })",
    );
    let connection = Connection::connect(office, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let mut took = Vec::new();
    for _ in 0..LETTERS {
        reader.wait_for("!document.querySelector('.strip .flow-message')"); // the one before has left
        reader.eval("window.seen = undefined");
        let start = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        drop(channel.basic_publish("".into(), "hello".into(), options, b"letter", properties).await?);
        reader.wait_for("window.seen");
        let seen: f64 = reader.eval("window.seen").parse()?;
        took.push(Duration::from_secs_f64(seen / 1000.0).saturating_sub(start));
    }
    connection.close(200, "goodbye".into()).await?;
    Ok(took)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
