//! Measures what Part II speaks of, and draws the charts: `cargo run -p workbook --example measure -- prefetch`, or `confirms`.
//!
//! The broker is the one at `AMQP_ADDR`, else a private RabbitMQ; writes `src/patterns/NAME.txt` and `assets/NAME.svg`.

mod chart;
mod confirms;
mod prefetch;

use anyhow::{Context, Result, bail};
use lapin::{Channel, Connection, ConnectionProperties};
use rabbitmq_node::Node;
use std::{env, fs, path::Path, time::Duration};

#[tokio::main]
async fn main() -> Result<()> {
    let what = env::args().nth(1).unwrap_or_default();
    let node = match env::var("AMQP_ADDR") {
        Ok(_) => None,
        Err(_) => Some(Node::start(workbook::root().join("target"), &[]).context("set AMQP_ADDR, or RABBITMQ_ROOT")?),
    };
    let addr = node.as_ref().map_or_else(|| env::var("AMQP_ADDR").unwrap_or_default(), Node::amqp_addr);
    let (text, svg) = match &*what {
        "prefetch" => prefetch::measure(&addr).await?,
        "confirms" => confirms::measure(&addr).await?,
        _ => bail!("say what to measure: prefetch or confirms"),
    };
    print!("{text}");
    let root = workbook::root();
    write(&root.join(format!("src/patterns/{what}.txt")), &text)?;
    write(&root.join(format!("assets/{what}.svg")), &svg)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("can't write {}", path.display()))
}

/// A channel on a connection of its own, as each program has one.
async fn channel(addr: &str) -> Result<Channel> {
    Ok(Connection::connect(addr, ConnectionProperties::default()).await?.create_channel().await?)
}

/// The median of some runs.
fn median(mut runs: Vec<Duration>) -> Duration {
    runs.sort();
    runs[runs.len() / 2]
}
