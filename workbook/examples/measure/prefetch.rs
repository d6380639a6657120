//! Prefetch against throughput and fairness.

use crate::{
    channel,
    chart::{Panel, draw},
    median,
};
use anyhow::Result;
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
        QueueDeclareOptions, QueueDeleteOptions,
    },
    types::FieldTable,
};
use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};

const QUEUE: &str = "measure.prefetch";
const PREFETCHES: [u16; 7] = [1, 3, 10, 30, 100, 300, 0];
const RUNS: usize = 5;
/// Orders that need no work, for one packer: what is left is the way to the broker and back.
const LIGHT: usize = 5_000;
/// Orders for three packers; each tenth takes 40 ms, the others 2 ms.
const MIXED: usize = 300;

/// Both measurements for each prefetch, as a table and as a chart.
pub async fn measure(addr: &str) -> Result<(String, String)> {
    let mut text = "prefetch   orders a second, one packer   ms until three packers are done\n".to_owned();
    let (mut rates, mut times) = (Vec::new(), Vec::new());
    for prefetch in PREFETCHES {
        let (mut light, mut mixed) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            light.push(run(addr, prefetch, 1, LIGHT, |_| Duration::ZERO).await?);
            let cost = |order: usize| Duration::from_millis(if order.is_multiple_of(10) { 40 } else { 2 });
            mixed.push(run(addr, prefetch, 3, MIXED, cost).await?);
        }
        let (rate, time) = (LIGHT as f64 / median(light).as_secs_f64(), median(mixed).as_secs_f64() * 1e3);
        let name = if prefetch == 0 { "none".to_owned() } else { prefetch.to_string() };
        writeln!(text, "{name:>8}   {rate:>28.0}   {time:>31.0}")?;
        rates.push((name.clone(), rate));
        times.push((name, time));
    }
    let svg = draw(
        ["Prefetch against throughput and fairness", "预取数与吞吐量、公平性"],
        [
            "For each prefetch, two bars: how many orders without work one packer acknowledges in a second, and after how many milliseconds three packers are done with orders of unequal cost. The table on the page has the figures.",
            "每个预取数有两根条：一个打包员每秒确认多少个不费工夫的订单；三个打包员处理完轻重不一的订单，一共用了多少毫秒。数字见本页的表。",
        ],
        &[
            Panel { title: ["orders a second, one packer", "一个打包员，每秒订单数"], bars: &rates },
            Panel { title: ["ms until three packers are done", "三个打包员全部完成，毫秒"], bars: &times },
        ],
    );
    Ok((text, svg))
}

/// Fills the queue, starts the packers, and gives the time until the last order is acknowledged.
async fn run(
    addr: &str,
    prefetch: u16,
    packers: usize,
    orders: usize,
    cost: impl Fn(usize) -> Duration + Copy + Send + 'static,
) -> Result<Duration> {
    let shop = channel(addr).await?;
    shop.queue_declare(QUEUE.into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    fill(&shop, orders).await?;
    let left = Arc::new(AtomicUsize::new(orders));
    let mut channels = Vec::new();
    for _ in 0..packers {
        channels.push(channel(addr).await?);
    }
    let start = Instant::now();
    let mut work = JoinSet::new();
    for channel in channels {
        channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let mut consumer = channel.basic_consume(QUEUE.into(), "".into(), options, FieldTable::default()).await?;
        let left = left.clone();
        work.spawn(async move {
            while let Some(delivery) = consumer.next().await {
                let delivery = delivery?;
                let order: usize = String::from_utf8_lossy(&delivery.data).parse()?;
                if !cost(order).is_zero() {
                    sleep(cost(order)).await;
                }
                delivery.ack(BasicAckOptions::default()).await?;
                if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                    return anyhow::Ok(true); // the last of all
                }
            }
            Ok(false)
        });
    }
    while let Some(done) = work.join_next().await {
        if done?? {
            break;
        }
    }
    let time = start.elapsed();
    shop.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await?;
    Ok(time)
}

/// Puts orders into the queue, numbered from 0, and returns when the broker has them.
async fn fill(shop: &Channel, orders: usize) -> Result<()> {
    shop.confirm_select(ConfirmSelectOptions::default()).await?;
    for order in 0..orders {
        let options = BasicPublishOptions::default();
        let body = order.to_string();
        drop(shop.basic_publish("".into(), QUEUE.into(), options, body.as_bytes(), BasicProperties::default()).await?);
    }
    shop.wait_for_confirms().await?;
    Ok(())
}
