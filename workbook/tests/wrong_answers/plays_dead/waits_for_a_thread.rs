// wrong: Another thread draws, and ours stands there and waits for it.
// says: nothing else in it runs

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions},
    types::FieldTable,
};
use tokio::task::spawn_blocking;

async fn invoices(channel: &Channel, draw: fn(&str)) -> Result<()> {
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("packing".into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let delivery = consumer.next().await.context("the broker cancelled our subscription")??;
        let order = String::from_utf8_lossy(&delivery.data).into_owned();
        std::thread::spawn(move || draw(&order)).join().expect("drawn");
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

fn main() {}
