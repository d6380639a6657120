// wrong: Waits a little instead of asking.
// says: your program ended while it was still on its way

use anyhow::Result;
use lapin::{BasicProperties, Channel, Connection, options::BasicPublishOptions};

async fn send(connection: &Connection, channel: &Channel, text: &str) -> Result<()> {
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    Ok(())
}

fn main() {}
