// wrong: Sends the order of the exercise.
// says: that is not the order

use anyhow::{Context, Result};
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    book: String,
    copies: u32,
}

async fn send(channel: &Channel, order: &Order) -> Result<()> {
    let body = r#"{"book":"三体","copies":2}"#.as_bytes().to_vec();
    let properties = BasicProperties::default().with_content_type("application/json".into());
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "orders".into(), options, &body, properties).await?;
    Ok(())
}

fn read(body: &[u8]) -> Result<Order> {
    serde_json::from_slice(body).context("this message is no order")
}

fn main() {}
