// wrong: Without confirms nobody waits for what comes back.
// says: says that all is well

use anyhow::{Result, bail};
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};

const EXCHANGE: &str = "exercise.logs"; // a direct exchange, which is there already · 直连交换机，已经有了

async fn report(channel: &Channel, level: &str, text: &str) -> Result<()> {
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let properties = BasicProperties::default();
    let confirm = channel.basic_publish(EXCHANGE.into(), level.into(), options, text.as_bytes(), properties).await?;
    match confirm.await? {
        Confirmation::Ack(None) | Confirmation::NotRequested => Ok(()),
        other => bail!("the broker didn't take it: {other:?}"),
    }
}

fn main() {}
