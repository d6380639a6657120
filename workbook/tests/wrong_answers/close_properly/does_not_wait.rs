// wrong: Makes the goodbye and does not wait for it: without `await` nothing happens at all.
// says: its letter was still on the road

use anyhow::Result;
use lapin::{BasicProperties, Connection, options::BasicPublishOptions};

async fn send(connection: &Connection, text: &str) -> Result<()> {
    let channel = connection.create_channel().await?;
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
    drop(connection.close(200, "goodbye".into()));
    Ok(())
}

fn main() {}
