// Find the bug: the deadly request: a solution · 找 bug：要命的请求：一种解法

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions},
    types::FieldTable,
};

fn price(grams: &str) -> Result<String> {
    let grams: u32 = grams.parse().context("no weight in whole grams")?;
    Ok(format!("{}.00", 5 + grams / 1000))
}

async fn serve(channel: &Channel) -> Result<()> {
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut requests = channel.basic_consume("shipping".into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let request = requests.next().await.context("the broker cancelled our subscription")??;
        let grams = String::from_utf8_lossy(&request.data).into_owned();
        // A bad request is the client's error, and the client is told. · 坏请求是客户端的错，要告诉客户端。
        let text = price(&grams).unwrap_or_else(|error| format!("error: {error}"));
        reply(channel, &request, &text).await?;
        request.ack(BasicAckOptions::default()).await?;
    }
}

/// Publishes a reply to where the request asks for it. · 按请求的要求发布应答。
async fn reply(channel: &Channel, request: &Delivery, text: &str) -> Result<()> {
    let Some(to) = request.properties.reply_to().clone() else { return Ok(()) };
    let id = request.properties.correlation_id().clone().unwrap_or_default();
    let properties = BasicProperties::default().with_correlation_id(id);
    channel.basic_publish("".into(), to, BasicPublishOptions::default(), text.as_bytes(), properties).await?;
    Ok(())
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::serve;
    use futures_lite::StreamExt;
    use lapin::{
        BasicProperties,
        options::{BasicConsumeOptions, BasicPublishOptions},
        types::FieldTable,
    };
    use tokio::select;
    use window::{check, soon};

    #[test]
    fn a_bad_request_is_answered_and_the_next_one_too() {
        check(&["shipping"], async |office| {
            office.declare("shipping").await;
            let server = office.connect().await;
            let channel = server.create_channel().await.expect("a channel");
            let client = office.channel().await;
            let scene = async {
                let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
                let consume =
                    client.basic_consume("amq.rabbitmq.reply-to".into(), "".into(), options, FieldTable::default());
                let mut replies = consume.await.expect("subscribed");
                for weight in ["heavy", "1200"] {
                    let properties = BasicProperties::default()
                        .with_reply_to("amq.rabbitmq.reply-to".into())
                        .with_correlation_id(weight.into());
                    let options = BasicPublishOptions::default();
                    let publish =
                        client.basic_publish("".into(), "shipping".into(), options, weight.as_bytes(), properties);
                    publish.await.expect("published");
                }
                for (weight, begins) in [("heavy", "error"), ("1200", "6.00")] {
                    let silence =
                        format!("the client waits for the reply to `{weight}` · 客户端在等 `{weight}` 的应答");
                    let reply = soon(replies.next(), &silence).await.expect("it goes on").expect("a reply");
                    let text = String::from_utf8_lossy(&reply.data).into_owned();
                    assert!(text.starts_with(begins), "the reply to `{weight}` · `{weight}` 的应答：{text:?}");
                }
            };
            select! {
                ended = serve(&channel) => {
                    panic!("the server has ended, and the request comes back · 服务端退出了，请求又回到队列里：{ended:?}")
                }
                () = scene => {}
            }
            server.close(200, "stopped".into()).await.expect("closed");
            let back = office.texts(0, "shipping").await;
            assert!(
                !back.iter().any(|request| request == "heavy"),
                "`heavy` is back in the queue · `heavy` 又回到了队列里"
            );
        });
    }
}
