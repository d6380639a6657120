// wrong: Asks for the message back, and takes every acknowledgement for good.
// says: says that all is well

use anyhow::{Result, bail};
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};

const EXCHANGE: &str = "exercise.logs"; // a direct exchange, which is there already · 直连交换机，已经有了

async fn report(channel: &Channel, level: &str, text: &str) -> Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let properties = BasicProperties::default();
    let confirm = channel.basic_publish(EXCHANGE.into(), level.into(), options, text.as_bytes(), properties).await?;
    match confirm.await? {
        Confirmation::Ack(_) => Ok(()),
        other => bail!("the broker didn't take it: {other:?}"),
    }
}

fn main() {}
