// wrong: Asks for messages in a loop instead of subscribing.
// says: nobody subscribes to `hello`

use anyhow::Result;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicGetOptions},
};

async fn receive(channel: &Channel, work: impl AsyncFn(String) -> Result<()>) -> Result<()> {
    loop {
        let Some(message) = channel.basic_get("hello".into(), BasicGetOptions::default()).await? else { continue };
        let delivery = message.delivery;
        work(String::from_utf8(delivery.data.clone())?).await?;
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

fn main() {}
