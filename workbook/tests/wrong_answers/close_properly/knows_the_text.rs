// wrong: Sends the text of the exercise.
// says: this message has to be in `hello`

use anyhow::Result;
use lapin::{BasicProperties, Channel, Connection, options::BasicPublishOptions};

async fn send(connection: &Connection, channel: &Channel, text: &str) -> Result<()> {
    let options = BasicPublishOptions::default();
    channel
        .basic_publish("".into(), "hello".into(), options, "Wait for me!".as_bytes(), BasicProperties::default())
        .await?;
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}

fn main() {}
