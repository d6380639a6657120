// wrong: Waits until the broker confirms the message, and leaves the connection open.
// says: the broker still believes that your connection is open

use anyhow::Result;
use lapin::{
    BasicProperties, Channel, Connection,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};

async fn send(connection: &Connection, channel: &Channel, text: &str) -> Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let options = BasicPublishOptions::default();
    channel
        .basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default())
        .await?
        .await?;
    Ok(())
}

fn main() {}
