// Find the bug: the answer to another question · 找 bug：答非所问
//
// 15 minutes · 15 分钟
// The page · 对应的页：src/patterns/request-reply.md#match, src/patterns/request-reply.zh-CN.md#match
//
// The customer with the light parcel pays for the heavy one, and the other way round: not always, but on busy days, when two servers
// share the requests. Sometimes a stray reply comes in between, to a request that was given up.
//
// 轻包裹的顾客付了重包裹的钱，反过来也有。不是每次都这样，只在忙的时候，有两个服务端分担请求，才会出现。
// 有时候中间还会混进一个应答，答的是早就放弃了的请求。

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel, Consumer,
    options::{BasicConsumeOptions, BasicPublishOptions},
    types::FieldTable,
};

const REPLY_TO: &str = "amq.rabbitmq.reply-to";

/// Asks what each of two parcels costs; the prices in the order of the parcels.
/// 问两个包裹的运费，按包裹的顺序返回价格。
async fn prices(channel: &Channel, parcels: [&str; 2]) -> Result<[String; 2]> {
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut replies = channel.basic_consume(REPLY_TO.into(), "".into(), options, FieldTable::default()).await?;
    for (number, weight) in parcels.into_iter().enumerate() {
        // TODO: Which request is which? · 待办：哪个请求是哪个？
        let id = "price";
        let properties = BasicProperties::default().with_reply_to(REPLY_TO.into()).with_correlation_id(id.into());
        let options = BasicPublishOptions::default();
        channel.basic_publish("".into(), "shipping".into(), options, weight.as_bytes(), properties).await?;
    }
    // TODO: Put each price to its parcel. · 待办：让每个价格对上自己的包裹。
    let (_, first) = next(&mut replies).await?;
    let (_, second) = next(&mut replies).await?;
    Ok([first, second])
}

/// The next reply: its correlation id, and what it says. · 下一个应答：关联标识和内容。
async fn next(replies: &mut Consumer) -> Result<(String, String)> {
    let reply = replies.next().await.context("the broker cancelled our subscription")??;
    let id = reply.properties.correlation_id().as_ref().map(ToString::to_string).unwrap_or_default();
    Ok((id, String::from_utf8_lossy(&reply.data).into_owned()))
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::prices;
    use futures_lite::StreamExt;
    use lapin::{
        BasicProperties, Channel,
        message::Delivery,
        options::{BasicConsumeOptions, BasicPublishOptions},
        types::FieldTable,
    };
    use tokio::join;
    use window::{check, soon};

    async fn reply(channel: &Channel, request: &Delivery, id: Option<&str>, price: &str) {
        let to = request.properties.reply_to().clone().expect("a request says where the reply is to go");
        let own = request.properties.correlation_id().as_ref().map(ToString::to_string).unwrap_or_default();
        let properties = BasicProperties::default().with_correlation_id(id.unwrap_or(&own).into());
        let options = BasicPublishOptions::default();
        channel.basic_publish("".into(), to, options, price.as_bytes(), properties).await.expect("published");
    }

    #[test]
    fn each_parcel_has_its_own_price_whoever_replies_first() {
        check(&["shipping"], async |office| {
            office.declare("shipping").await;
            let (client, server) = (office.channel().await, office.connect().await);
            let server = server.create_channel().await.expect("a channel");
            let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
            let consume = server.basic_consume("shipping".into(), "".into(), options, FieldTable::default());
            let mut requests = consume.await.expect("subscribed");
            let serve = async {
                let missing = "two requests have to come, both at once · 应该来两个请求，一起发出来";
                let heavy = soon(requests.next(), missing).await.expect("it goes on").expect("a request");
                let light = soon(requests.next(), missing).await.expect("it goes on").expect("a request");
                reply(&server, &heavy, Some("long-ago"), "1.00").await;
                reply(&server, &light, None, "6.50").await;
                reply(&server, &heavy, None, "35.00").await;
            };
            let (answer, ()) = join!(prices(&client, ["20000", "300"]), serve);
            assert_eq!(
                answer.expect("your program returned an error · 你的程序返回了错误"),
                ["35.00", "6.50"],
                "a parcel has the price of another · 包裹的价格对不上"
            );
        });
    }
}
