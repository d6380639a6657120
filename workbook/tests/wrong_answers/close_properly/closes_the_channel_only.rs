// wrong: Closes the channel and not the connection.
// says: the broker still believes that your connection is open

use anyhow::Result;
use lapin::{BasicProperties, Channel, Connection, options::BasicPublishOptions};

async fn send(connection: &Connection, channel: &Channel, text: &str) -> Result<()> {
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
    channel.close(200, "goodbye".into()).await?;
    Ok(())
}

fn main() {}
