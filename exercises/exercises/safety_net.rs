// A net below the exchange · 交换机下面的网
//
// 12 minutes · 12 分钟
// The page · 对应的页：src/patterns/routing.md#alternate, src/patterns/routing.zh-CN.md#alternate
//
// Reports with a level that nobody binds shall not be lost: they are to lie in the queue `unrouted`, where somebody looks now and then.
// Reports that somebody binds shall not.
//
// 没有谁绑定的级别，报告也不能丢：要放进队列 `unrouted`，隔一段时间有人去看。
// 有人绑定的，就不要放进去。

use anyhow::Result;
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};

const EXCHANGE: &str = "exercise.logs";
const NET: &str = "exercise.unrouted";

/// Both exchanges disappear with their last queue. · 两个交换机都会随最后一个队列一起消失。
const OPTIONS: ExchangeDeclareOptions =
    ExchangeDeclareOptions { auto_delete: true, passive: false, durable: false, internal: false, nowait: false };

async fn set_up(channel: &Channel) -> Result<()> {
    channel.exchange_declare(NET.into(), ExchangeKind::Fanout, OPTIONS, FieldTable::default()).await?;
    channel.queue_declare("unrouted".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    channel
        .queue_bind("unrouted".into(), NET.into(), "".into(), QueueBindOptions::default(), FieldTable::default())
        .await?;
    // TODO: Name the alternate exchange. · 待办：指定备用交换机。
    let table = FieldTable::default();
    channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Direct, OPTIONS, table).await?;
    Ok(())
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::{EXCHANGE, set_up};
    use lapin::{
        BasicProperties,
        options::{BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions},
        types::FieldTable,
    };
    use window::check;

    #[test]
    fn what_nobody_binds_is_caught_and_nothing_else() {
        check(&["file", "unrouted"], async |office| {
            let channel = office.channel().await;
            set_up(&channel).await.expect("your program returned an error · 你的程序返回了错误");
            office.declare("file").await;
            let (bind, table) = (QueueBindOptions::default(), FieldTable::default());
            channel.queue_bind("file".into(), EXCHANGE.into(), "info".into(), bind, table).await.expect("bound");
            channel.confirm_select(ConfirmSelectOptions::default()).await.expect("the broker confirms");
            for level in ["info", "debug"] {
                let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
                let publish =
                    channel.basic_publish(EXCHANGE.into(), level.into(), options, level.as_bytes(), properties);
                publish.await.expect("published").await.expect("confirmed");
            }
            assert_eq!(office.texts(1, "file").await, ["info"], "what `file` holds · `file` 里的内容");
            assert_eq!(
                office.texts(1, "unrouted").await,
                ["debug"],
                "`unrouted` has to hold what nobody binds, and only that\n`unrouted` 里应该有没有谁绑定的报告，而且只有这些"
            );
        });
    }
}
