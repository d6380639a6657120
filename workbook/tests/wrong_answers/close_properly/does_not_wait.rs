// wrong: Makes the call and does not wait for it: without `await` nothing happens at all.
// says: your program ended while it was still on its way

use anyhow::Result;
use lapin::{BasicProperties, Channel, Connection, options::BasicPublishOptions};

async fn send(connection: &Connection, channel: &Channel, text: &str) -> Result<()> {
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
    drop(connection.close(200, "goodbye".into()));
    Ok(())
}

fn main() {}
