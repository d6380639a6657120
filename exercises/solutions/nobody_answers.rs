// Nobody answers: a solution · 没人应答：一种解法

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel,
    options::{BasicConsumeOptions, BasicPublishOptions},
    types::FieldTable,
};
use std::time::Duration;
use tokio::time::timeout;

const REPLY_TO: &str = "amq.rabbitmq.reply-to";
const PATIENCE: Duration = Duration::from_millis(800);

async fn ask(channel: &Channel, weight: &str) -> Result<String> {
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut replies = channel.basic_consume(REPLY_TO.into(), "".into(), options, FieldTable::default()).await?;
    // In milliseconds, and a text. · 单位是毫秒，而且是文字。
    let expiration = PATIENCE.as_millis().to_string();
    let properties = BasicProperties::default()
        .with_reply_to(REPLY_TO.into())
        .with_correlation_id("1".into())
        .with_expiration(expiration.into());
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "shipping".into(), options, weight.as_bytes(), properties).await?;
    let reply = timeout(PATIENCE, replies.next()).await.context("no reply")?;
    let reply = reply.context("the broker cancelled our subscription")??;
    Ok(String::from_utf8_lossy(&reply.data).into_owned())
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::ask;
    use futures_lite::StreamExt;
    use lapin::{
        BasicProperties, Channel,
        options::{BasicConsumeOptions, BasicPublishOptions},
        types::FieldTable,
    };
    use std::time::Duration;
    use tokio::{join, time::sleep};
    use window::{check, soon};

    #[test]
    fn without_a_server_there_is_an_error_and_no_request_is_left() {
        check(&["shipping"], async |office| {
            office.declare("shipping").await;
            let endless =
                "no server is running, and your program waits for ever\n没有服务端在运行，你的程序就一直等下去";
            let channel = office.channel().await;
            let reply = soon(ask(&channel, "300"), endless).await;
            assert!(
                reply.is_err(),
                "nobody has replied, and your function returns a price · 没有谁应答，你的函数却返回了价格：{reply:?}"
            );
            assert_eq!(
                office.texts(0, "shipping").await,
                [""; 0],
                "the request is still in the queue, and nobody waits for the reply\n请求还在队列里，已经没有人等它的应答了"
            );
        });
    }

    /// A server that starts a little late, for one request.
    async fn serve(channel: &Channel) {
        sleep(Duration::from_millis(200)).await;
        let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
        let consume = channel.basic_consume("shipping".into(), "".into(), options, FieldTable::default());
        let mut requests = consume.await.expect("subscribed");
        let gone = "a server was there after 0.2 s, and found no request · 过了 0.2 秒，服务端来了，却没有看到请求";
        let request = soon(requests.next(), gone).await.expect("it goes on").expect("a request");
        let to = request.properties.reply_to().clone().expect("a request says where the reply is to go");
        let id = request.properties.correlation_id().clone().unwrap_or_default();
        let (options, properties) =
            (BasicPublishOptions::default(), BasicProperties::default().with_correlation_id(id));
        channel.basic_publish("".into(), to, options, b"6.50", properties).await.expect("published");
    }

    #[test]
    fn a_reply_that_takes_a_while_is_waited_for() {
        check(&["shipping"], async |office| {
            office.declare("shipping").await;
            let (client, server) = (office.channel().await, office.connect().await);
            let server = server.create_channel().await.expect("a channel");
            let (price, ()) = join!(ask(&client, "300"), serve(&server));
            let price = price.expect("the server replied after 0.2 s · 过了 0.2 秒，服务端就应答了");
            assert_eq!(price, "6.50", "the price that the server named · 服务端报的价格");
        });
    }
}
