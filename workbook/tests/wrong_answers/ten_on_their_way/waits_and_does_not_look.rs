// wrong: Waits for each answer and takes whatever comes.
// says: your function says that all is well

use anyhow::{Result, bail};
use lapin::{
    BasicProperties, Channel, Confirmation, PublisherConfirm,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use std::collections::VecDeque;

const WINDOW: usize = 10;

async fn send_all(channel: &Channel, notices: &[String]) -> Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut open = VecDeque::new(); // the oldest first · 最早的在前面
    for notice in notices {
        if open.len() == WINDOW
            && let Some(oldest) = open.pop_front()
        {
            settle(oldest).await?;
        }
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let publish = channel.basic_publish("".into(), "payments".into(), options, notice.as_bytes(), properties);
        open.push_back(publish.await?);
    }
    for confirm in open {
        settle(confirm).await?;
    }
    Ok(())
}

/// Waits for the broker's word on a notice. · 等消息代理对一条通知的答复。
async fn settle(confirm: PublisherConfirm) -> Result<()> {
    match confirm.await? {
        Confirmation::Ack(None) => Ok(()),
        _ => Ok(()),
    }
}

fn main() {}
