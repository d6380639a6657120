// wrong: Without confirm mode, the answer is `NotRequested`.
// says: says that all is well

use anyhow::{Result, bail};
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};

async fn pay(channel: &Channel, notice: &str) -> Result<()> {
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let confirm = channel.basic_publish("".into(), "payments".into(), options, notice.as_bytes(), properties).await?;
    if confirm.await?.is_nack() {
        bail!("the broker refused {notice}");
    }
    Ok(())
}

fn main() {}
