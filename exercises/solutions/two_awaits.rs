// Find the bug: refused, and reported as taken: a solution · 找 bug：拒收了，却说收下了：一种解法

use anyhow::{Result, bail};
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};

async fn pay(channel: &Channel, notice: &str) -> Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let confirm = channel.basic_publish("".into(), "payments".into(), options, notice.as_bytes(), properties).await?;
    // The second `await` is the broker's answer. · 第二个 `await` 才是消息代理的答复。
    match confirm.await? {
        Confirmation::Ack(_) => Ok(()),
        other => bail!("the broker did not take {notice}: {other:?}"),
    }
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::pay;
    use lapin::{
        options::QueueDeclareOptions,
        types::{AMQPValue, FieldTable},
    };
    use window::check;

    #[test]
    fn a_refused_notice_is_an_error_and_a_taken_one_is_none() {
        check(&["payments"], async |office| {
            let channel = office.channel().await;
            let mut table = FieldTable::default();
            table.insert("x-max-length".into(), AMQPValue::LongInt(1));
            table.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
            channel.queue_declare("payments".into(), QueueDeclareOptions::durable(), table).await.expect("a queue");
            let first = pay(&channel, "order-1").await;
            assert!(
                first.is_ok(),
                "there was room for the first, and your function says · 第一条放得下，你的函数却说：{first:?}"
            );
            assert!(
                pay(&channel, "order-2").await.is_err(),
                "the queue was full and refused `order-2`, and your function says that all is well\n\
                 队列满了，拒收了 `order-2`，你的函数却说一切正常"
            );
            assert_eq!(office.texts(1, "payments").await, ["order-1"], "what `payments` holds · `payments` 里的内容");
        });
    }
}
