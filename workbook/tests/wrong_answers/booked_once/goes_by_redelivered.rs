// wrong: A message that is sent twice is not a redelivery.
// says: each id once

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions, BasicRejectOptions},
    types::FieldTable,
};
use std::{cell::RefCell, collections::BTreeSet};

/// What accounting has booked; think of a table in a database. · 财务已经入账的；可以想成数据库里的一张表。
#[derive(Default)]
struct Books {
    ids: BTreeSet<String>,
    total: u32,
}

async fn book(channel: &Channel, books: &RefCell<Books>) -> Result<()> {
    let options = BasicConsumeOptions::default();
    let mut notices = channel.basic_consume("payments".into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let notice = notices.next().await.context("the broker cancelled our subscription")??;
        let id = notice.properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default();
        let amount: u32 = String::from_utf8_lossy(&notice.data).parse()?;
        books.borrow_mut().ids.insert(id);
        if !notice.redelivered {
            books.borrow_mut().total += amount;
        }
        notice.ack(BasicAckOptions::default()).await?;
    }
}

fn main() {}
