// Booked once · 只入一次账
//
// 15 minutes · 15 分钟
// The page · 对应的页：src/patterns/confirms.md#retry, src/patterns/confirms.zh-CN.md#retry
//
// The sender didn't get its confirm and sent the notice again, with the same `message_id`. Accounting booked it twice.
// Book each id once, and settle every notice, also one that comes again.
//
// 发送方没有等到确认，就用同样的 `message_id` 又发了一遍。财务入了两次账。
// 每个标识只入一次账；每一条通知都要有交代，重复的也一样。

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
        // TODO: What if this id was booked already? · 待办：这个标识已经入过账了，怎么办？
        books.borrow_mut().ids.insert(id);
        books.borrow_mut().total += amount;
        notice.ack(BasicAckOptions::default()).await?;
    }
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::{Books, book};
    use lapin::{
        BasicProperties,
        options::{BasicPublishOptions, ConfirmSelectOptions},
    };
    use std::{cell::RefCell, time::Duration};
    use tokio::{select, time::sleep};
    use window::{check, soon};

    #[test]
    fn a_notice_that_comes_twice_is_booked_once_and_settled_twice() {
        check(&["payments"], async |office| {
            office.declare("payments").await;
            let shop = office.channel().await;
            shop.confirm_select(ConfirmSelectOptions::default()).await.expect("the broker confirms");
            for (id, amount) in [("order-1", "30"), ("order-2", "30"), ("order-1", "30"), ("order-3", "5")] {
                let properties = BasicProperties::default().with_message_id(id.into());
                let options = BasicPublishOptions::default();
                let publish = shop.basic_publish("".into(), "payments".into(), options, amount.as_bytes(), properties);
                publish.await.expect("published").await.expect("confirmed");
            }
            let books = RefCell::new(Books::default());
            let program = office.connect().await;
            let channel = program.create_channel().await.expect("a channel");
            let all_booked = async {
                while !books.borrow().ids.contains("order-3") {
                    sleep(Duration::from_millis(5)).await;
                }
                sleep(Duration::from_millis(200)).await; // the last one is being acknowledged
            };
            select! {
                ended = book(&channel, &books) => panic!("accounting has ended · 财务程序退出了：{ended:?}"),
                () = soon(all_booked, "`order-3` was never booked · `order-3` 一直没有入账") => {}
            }
            program.close(200, "evening".into()).await.expect("closed");
            assert_eq!(
                books.borrow().total,
                65,
                "30 + 30 + 5: each id once, and two orders may cost the same\n30 + 30 + 5：每个标识一次；两个订单的金额可以一样"
            );
            let back = office.texts(0, "payments").await;
            assert!(
                back.is_empty(),
                "a notice is back in the queue, and will come again for ever: {back:?}\n有通知又回到了队列里，会没完没了地再来：{back:?}"
            );
        });
    }
}
