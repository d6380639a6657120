// wrong: Builds JSON by hand; a quotation mark in a title breaks it.
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
    let body = format!("{{\"book\":\"{}\",\"copies\":{}}}", order.book, order.copies).into_bytes();
    let properties = BasicProperties::default().with_content_type("application/json".into());
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "orders".into(), options, &body, properties).await?;
    Ok(())
}

fn read(body: &[u8]) -> Result<Order> {
    serde_json::from_slice(body).context("this message is no order")
}

fn main() {}
