// wrong: Looks for the refusal that never comes.
// says: says that all is well

use anyhow::{Result, bail};
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};

const EXCHANGE: &str = "exercise.logs"; // a direct exchange, which is there already · 直连交换机，已经有了

async fn report(channel: &Channel, level: &str, text: &str) -> Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let options = BasicPublishOptions::default();
    let properties = BasicProperties::default();
    let confirm = channel.basic_publish(EXCHANGE.into(), level.into(), options, text.as_bytes(), properties).await?;
    if let Confirmation::Nack(_) = confirm.await? {
        bail!("no queue takes {level}");
    }
    Ok(())
}

fn main() {}
