// Find the bug: subscribed, it says · 找 bug：说是订阅好了
//
// 10 minutes · 10 分钟
// The page · 对应的页：src/patterns/publish-subscribe.md#bind, src/patterns/publish-subscribe.zh-CN.md#bind
//
// The program for the points says that it has subscribed, and never gets an order: somebody has renamed the exchange.
// When there is no such exchange, the function shall return the broker's refusal. It shall not make an exchange of its own: nobody would
// publish there.
//
// 积分程序说订阅好了，却一个订单也收不到：有人给交换机改了名。
// 没有这个交换机的时候，函数应该把消息代理的拒绝返回出去。不要自己去建一个交换机：没有谁会往那里发布。

use anyhow::Result;
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn subscribe(channel: &Channel, exchange: &str) -> Result<()> {
    channel.queue_declare("paid.points".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    let (options, table) = (QueueBindOptions::default(), FieldTable::default());
    // TODO: What does the broker say? · 待办：消息代理说了什么？
    let _ = channel.queue_bind("paid.points".into(), exchange.into(), "".into(), options, table).await;
    println!("subscribed to {exchange}");
    Ok(())
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::subscribe;
    use lapin::{
        BasicProperties, ExchangeKind,
        options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions},
        types::FieldTable,
    };
    use window::{check, fresh};

    #[test]
    fn where_there_is_no_exchange_the_refusal_is_returned() {
        check(&["paid.points"], async |office| {
            let exchange = fresh("exercise.paid.old");
            let said = subscribe(&office.channel().await, &exchange).await;
            let passive = ExchangeDeclareOptions { passive: true, ..Default::default() };
            let (channel, table) = (office.channel().await, FieldTable::default());
            let found = channel.exchange_declare(exchange.as_str().into(), ExchangeKind::Fanout, passive, table).await;
            if found.is_ok() {
                let _ = channel.exchange_delete(exchange.as_str().into(), Default::default()).await;
                panic!(
                    "your program has made an exchange of its own, to which nobody publishes\n\
                     你的程序自己建了一个交换机，没有谁会往那里发布"
                );
            }
            let Err(error) = said else {
                panic!(
                    "there is no such exchange, nothing is bound, and your function says that all is well\n\
                     没有这个交换机，什么也没有绑定，你的函数却说一切正常"
                );
            };
            assert!(
                format!("{error:#}").contains(&exchange),
                "the broker has said which exchange is missing, and your error doesn't: `{error:#}`\n\
                 消息代理说了缺哪个交换机，你的错误里却没有：`{error:#}`"
            );
        });
    }

    #[test]
    fn where_there_is_one_the_orders_arrive() {
        check(&["paid.points"], async |office| {
            let channel = office.channel().await;
            let options = ExchangeDeclareOptions { auto_delete: true, ..Default::default() };
            let (fanout, table) = (ExchangeKind::Fanout, FieldTable::default());
            channel.exchange_declare("exercise.paid".into(), fanout, options, table).await.expect("an exchange");
            let said = subscribe(&office.channel().await, "exercise.paid").await;
            said.expect("there is an exchange, and your function fails · 交换机是有的，你的函数却失败了");
            channel.confirm_select(ConfirmSelectOptions::default()).await.expect("the broker confirms");
            let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
            let publish = channel.basic_publish("exercise.paid".into(), "".into(), options, b"order-1", properties);
            publish.await.expect("published").await.expect("confirmed");
            assert_eq!(office.texts(1, "paid.points").await, ["order-1"], "what the points get · 积分程序收到的");
        });
    }
}
