// wrong: Looks for quotation marks instead of reading JSON.
// says: read differently from what was written

use anyhow::{Context, Result};
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
    let text = str::from_utf8(body)?;
    let (_, rest) = text.split_once(r#""book":""#).context("no book")?;
    let (book, rest) = rest.split_once('"').context("no book")?;
    let (_, copies) = rest.split_once(r#""copies":"#).context("no copies")?;
    Ok(Order { book: book.to_owned(), copies: copies.trim_end_matches('}').parse()? })
}

fn main() {}
