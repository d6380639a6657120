// wrong: Names the queue where an exchange is expected; there is none of that name.
// says: has to hold what nobody binds

use anyhow::Result;
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};

const EXCHANGE: &str = "exercise.logs";
const NET: &str = "exercise.unrouted";

/// Both exchanges disappear with their last queue. · 两个交换机都会随最后一个队列一起消失。
const OPTIONS: ExchangeDeclareOptions =
    ExchangeDeclareOptions { auto_delete: true, passive: false, durable: false, internal: false, nowait: false };

async fn set_up(channel: &Channel) -> Result<()> {
    channel.exchange_declare(NET.into(), ExchangeKind::Fanout, OPTIONS, FieldTable::default()).await?;
    channel.queue_declare("unrouted".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    channel
        .queue_bind("unrouted".into(), NET.into(), "".into(), QueueBindOptions::default(), FieldTable::default())
        .await?;
    let mut table = FieldTable::default();
    table.insert("alternate-exchange".into(), AMQPValue::LongString("unrouted".into()));
    channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Direct, OPTIONS, table).await?;
    Ok(())
}

fn main() {}
