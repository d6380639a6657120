// wrong: Reads all letters and signs for none of them.
// says: letters are back in the mailbox

use anyhow::Result;
use lapin::{Channel, options::BasicGetOptions};

async fn receive_all(channel: &Channel) -> Result<Vec<String>> {
    let mut letters = Vec::new();
    let options = BasicGetOptions::default();
    while let Some(letter) = channel.basic_get("hello".into(), options).await? {
        letters.push(String::from_utf8(letter.delivery.data)?);
    }
    Ok(letters)
}

fn main() {}
