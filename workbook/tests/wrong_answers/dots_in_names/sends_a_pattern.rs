// wrong: Takes `*` for a word that stands for any city: in a routing key it is a plain star.
// says: `order.paid` gets the wrong orders

use anyhow::Result;
use lapin::{BasicProperties, Channel, options::BasicPublishOptions};

const EXCHANGE: &str = "exercise.events"; // a topic exchange, which is there already · 主题交换机，已经有了

async fn tell(channel: &Channel, order: &str, event: &str, city: Option<&str>) -> Result<()> {
    let key = match city {
        Some(city) => format!("order.{event}.{}", city.replace('.', "-")),
        None => format!("order.{event}.*"),
    };
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    channel.basic_publish(EXCHANGE.into(), key.into(), options, order.as_bytes(), properties).await?;
    Ok(())
}

fn main() {}
