// wrong: Waits for the answer and takes whatever comes.
// says: says that all is well

use anyhow::{Result, bail};
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};

async fn pay(channel: &Channel, notice: &str) -> Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    channel.basic_publish("".into(), "payments".into(), options, notice.as_bytes(), properties).await?.await?;
    Ok(())
}

fn main() {}
