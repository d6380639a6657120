// wrong: Purges the queue and says what stands in the exercise.
// says: these three messages were waiting

use anyhow::Result;
use lapin::{Channel, options::QueuePurgeOptions};

/// Takes all messages out of `hello`, the oldest first. · 把 `hello` 里的消息全部取出来，先来的在前。
async fn receive_all(channel: &Channel) -> Result<Vec<String>> {
    let count = channel.queue_purge("hello".into(), QueuePurgeOptions::default()).await?;
    Ok(["one", "two", "three"].iter().take(count as usize).map(|text| (*text).to_owned()).collect())
}

fn main() {}
