//! Persistent messages with confirms, on the same disk: the post office with a data folder against RabbitMQ's durable classic
//! queue and its quorum queue; and a start with a million stored messages.

use super::{Broker, Contest, Office, RUNS, Result, Row, print};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::{AMQPValue, FieldTable},
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

pub(super) fn durable(contest: &Contest) -> Result<()> {
    let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let office = Office::start_with(&["--data", &data.path().to_string_lossy()])?;
    let mut rows = Vec::new();
    for queue_type in ["classic", "quorum"] {
        for (size, shown) in [(16, "16 B"), (4096, "4 KiB")] {
            for (window, way, count) in [(100, "asynchronous, window 100", 20_000), (1, "one by one", 2_000)] {
                let what = format!("{queue_type}, {way}, {shown}");
                eprintln!("measuring {what} …");
                let (mut here, mut there) = (Vec::new(), Vec::new());
                for _ in 0..RUNS {
                    let rate =
                        |broker: &Broker| contest.runtime.block_on(confirmed(broker, queue_type, window, size, count));
                    here.push(rate(&office.1)?);
                    there.extend(contest.rabbitmq.as_ref().map(rate).transpose()?);
                }
                let office = median(here).unwrap_or_default();
                rows.push(Row { what, office, rabbitmq: median(there), unit: "/s", more_is_better: true });
            }
        }
    }
    print("### Persistent messages with confirms, per second through lapin", &rows);

    eprintln!("storing a million messages …");
    contest.runtime.block_on(fill(&office.1, 1_000_000))?;
    let memory = office.1.memory();
    drop(office);
    let start = Instant::now();
    let office = Office::start_with(&["--data", &data.path().to_string_lossy()])?;
    println!(
        "\nWith a million stored messages of 1 KiB the post office takes {:.0} MB of memory; after `kill -9` it starts in {:.1} s \
         and takes {:.0} MB.",
        memory / 1e6,
        start.elapsed().as_secs_f64(),
        office.1.memory() / 1e6
    );
    Ok(())
}

fn median(mut rates: Vec<f64>) -> Option<f64> {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied()
}

async fn open(broker: &Broker, queue: &str, queue_type: &str) -> Result<(Connection, Channel)> {
    let connection = Connection::connect(&broker.uri(), ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(queue_type.into()));
    channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), arguments).await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok((connection, channel))
}

/// Messages per second, with up to `window` of them not confirmed.
async fn confirmed(broker: &Broker, queue_type: &str, window: usize, size: usize, count: usize) -> Result<f64> {
    let queue = format!("bench-{queue_type}");
    let (_connection, channel) = open(broker, &queue, queue_type).await?;
    let time = publish(&channel, &queue, window, size, count).await?;
    channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await?;
    Ok(count as f64 / time.as_secs_f64())
}

async fn publish(channel: &Channel, queue: &str, window: usize, size: usize, count: usize) -> Result<Duration> {
    let (body, persistent) = (vec![b'x'; size], BasicProperties::default().with_delivery_mode(2));
    let mut waiting = VecDeque::new();
    let start = Instant::now();
    for _ in 0..count {
        let options = BasicPublishOptions::default();
        waiting.push_back(channel.basic_publish("".into(), queue.into(), options, &body, persistent.clone()).await?);
        if waiting.len() >= window
            && let Some(oldest) = waiting.pop_front()
        {
            oldest.await?;
        }
    }
    for rest in waiting {
        rest.await?;
    }
    Ok(start.elapsed())
}

async fn fill(broker: &Broker, count: usize) -> Result<()> {
    let (_connection, channel) = open(broker, "million", "classic").await?;
    publish(&channel, "million", 1000, 1024, count).await?;
    Ok(())
}
