// Wake for errors: a solution · 有错误才叫醒：一种解法

use anyhow::Result;
use lapin::{
    Channel,
    options::{QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};

const EXCHANGE: &str = "exercise.logs"; // a direct exchange, which is there already · 直连交换机，已经有了

async fn subscribe(channel: &Channel, queue: &str, levels: &[&str]) -> Result<()> {
    channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    // A key is compared, not read: each level needs a rule of its own.
    // 键只拿来比较，不会拆开看：每个级别都要有自己的规则。
    for level in levels {
        channel
            .queue_bind(
                queue.into(),
                EXCHANGE.into(),
                (*level).into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await?;
    }
    Ok(())
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::{EXCHANGE, subscribe};
    use lapin::{
        BasicProperties, Channel, ExchangeKind,
        options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions},
        types::FieldTable,
    };
    use window::{Office, check};

    async fn exchange(office: &Office, kind: ExchangeKind) -> Channel {
        let channel = office.channel().await;
        let options = ExchangeDeclareOptions { auto_delete: true, ..Default::default() };
        channel.exchange_declare(EXCHANGE.into(), kind, options, FieldTable::default()).await.expect("an exchange");
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("the broker confirms");
        channel
    }

    async fn report(channel: &Channel, level: &str) {
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let publish = channel.basic_publish(EXCHANGE.into(), level.into(), options, level.as_bytes(), properties);
        publish.await.expect("published").await.expect("confirmed");
    }

    #[test]
    fn each_queue_gets_what_was_chosen_for_it() {
        check(&["telephone", "file"], async |office| {
            let program = exchange(office, ExchangeKind::Direct).await;
            let channel = office.channel().await;
            subscribe(&channel, "telephone", &["error"]).await.expect("subscribed · 订阅成功");
            subscribe(&channel, "file", &["info", "warning", "error"]).await.expect("subscribed · 订阅成功");
            for level in ["info", "warning", "error", "info"] {
                report(&program, level).await;
            }
            let telephone = office.texts(1, "telephone").await;
            assert_eq!(telephone, ["error"], "for the telephone, `error` was chosen · 手机只选了 `error`");
            let file = office.texts(4, "file").await;
            assert_eq!(
                file,
                ["info", "warning", "error", "info"],
                "for the file, three levels were chosen · 日志文件选了三个级别"
            );
        });
    }
}
