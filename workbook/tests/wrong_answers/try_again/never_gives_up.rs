// wrong: Goes on for ever, with pauses.
// says: for the eighth time

use anyhow::{Result, bail};
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use std::time::Duration;
use tokio::time::sleep;

const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(50);

async fn send(channel: &Channel, order: &str) -> Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut pause = PAUSE;
    for attempt in 1.. {
        let properties = BasicProperties::default().with_message_id(order.into());
        let options = BasicPublishOptions::default();
        let confirm =
            channel.basic_publish("".into(), "payments".into(), options, order.as_bytes(), properties).await?;
        match confirm.await? {
            Confirmation::Ack(None) => return Ok(()),
            Confirmation::Nack(_) => sleep(pause).await,
            other => bail!("{order} was not taken: {other:?}"),
        }
        pause += Duration::from_millis(1);
    }
    bail!("the broker refuses {order}")
}

fn main() {}
