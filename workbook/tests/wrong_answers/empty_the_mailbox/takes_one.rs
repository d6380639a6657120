// wrong: Asks once.
// says: three letters were waiting

use anyhow::Result;
use lapin::{Channel, options::BasicGetOptions};

async fn receive_all(channel: &Channel) -> Result<Vec<String>> {
    let mut letters = Vec::new();
    let options = BasicGetOptions { no_ack: true };
    if let Some(letter) = channel.basic_get("hello".into(), options).await? {
        letters.push(String::from_utf8(letter.delivery.data)?);
    }
    Ok(letters)
}

fn main() {}
