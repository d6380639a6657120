//! Three ways to wait for confirms, and none.

use crate::{
    channel,
    chart::{Panel, draw},
    median,
};
use anyhow::{Result, ensure};
use lapin::{
    BasicProperties, Channel, PublisherConfirm,
    options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};
use std::{
    collections::VecDeque,
    fmt::Write,
    time::{Duration, Instant},
};

const QUEUE: &str = "measure.confirms";
const RUNS: usize = 5;
const MESSAGES: usize = 2_000;
/// How many messages a batch has, and how many may be on their way without a confirm.
const MANY: usize = 100;

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Each,
    Batch,
    Window,
    Never,
}

/// Messages a second for each way, as a table and as a chart.
pub async fn measure(addr: &str) -> Result<(String, String)> {
    let mut text = "confirms                 messages a second\n".to_owned();
    let mut bars = Vec::new();
    for (way, name, short) in [
        (Way::Each, "one by one", "1"),
        (Way::Batch, "in batches of 100", "2"),
        (Way::Window, "asynchronously, 100 open", "3"),
        (Way::Never, "none", "4"),
    ] {
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            runs.push(run(addr, way).await?);
        }
        let rate = MESSAGES as f64 / median(runs).as_secs_f64();
        writeln!(text, "{name:<24} {rate:>17.0}")?;
        bars.push((short.to_owned(), rate));
    }
    let svg = draw(
        ["Publisher confirms and throughput", "发布者确认与吞吐量"],
        [
            "Messages a second for four ways to publish: 1 one by one, 2 in batches of 100, 3 asynchronously with up to 100 open, 4 without confirms. The table on the page has the figures.",
            "四种发布方式每秒的消息数：1 逐条确认，2 每 100 条一批，3 异步、最多 100 条待确认，4 不确认。数字见本页的表。",
        ],
        &[Panel { title: ["messages a second", "每秒消息数"], bars: &bars }],
    );
    Ok((text, svg))
}

async fn run(addr: &str, way: Way) -> Result<Duration> {
    let channel = channel(addr).await?;
    channel.queue_declare(QUEUE.into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    if way != Way::Never {
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
    }
    let start = Instant::now();
    let mut open = VecDeque::new();
    for message in 1..=MESSAGES {
        let confirm = publish(&channel).await?;
        match way {
            Way::Each => ensure!(confirm.await?.is_ack()),
            Way::Batch | Way::Window => open.push_back(confirm),
            Way::Never => drop(confirm.await?),
        }
        if way == Way::Batch && message.is_multiple_of(MANY) {
            for confirm in open.drain(..) {
                ensure!(confirm.await?.is_ack());
            }
        }
        if way == Way::Window
            && open.len() == MANY
            && let Some(oldest) = open.pop_front()
        {
            ensure!(oldest.await?.is_ack());
        }
    }
    for confirm in open {
        ensure!(confirm.await?.is_ack());
    }
    // An answer to this comes after everything before it, so the broker has read all that was published.
    channel.queue_declare(QUEUE.into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    let time = start.elapsed();
    channel.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await?;
    Ok(time)
}

async fn publish(channel: &Channel) -> Result<PublisherConfirm> {
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default().with_delivery_mode(2));
    Ok(channel.basic_publish("".into(), QUEUE.into(), options, &[b'x'; 100], properties).await?)
}
