// wrong: Takes each answer for a refusal that isn't `NotRequested`.
// says: there was room for the first

use anyhow::{Result, bail};
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};

async fn pay(channel: &Channel, notice: &str) -> Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let confirm = channel.basic_publish("".into(), "payments".into(), options, notice.as_bytes(), properties).await?;
    match confirm.await? {
        Confirmation::NotRequested => Ok(()),
        other => bail!("the broker did not take {notice}: {other:?}"),
    }
}

fn main() {}
