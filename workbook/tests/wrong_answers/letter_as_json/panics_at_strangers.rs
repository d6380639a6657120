// wrong: Takes it for granted that each message is an order.
// says: one strange message stops the whole program

use anyhow::Result;
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    book: String,
    copies: u32,
}

async fn send(channel: &Channel, order: &Order) -> Result<()> {
    let body = serde_json::to_vec(order)?;
    let properties = BasicProperties::default().with_content_type("application/json".into());
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "orders".into(), options, &body, properties).await?;
    Ok(())
}

fn read(body: &[u8]) -> Result<Order> {
    Ok(serde_json::from_slice(body).unwrap())
}

fn main() {}
