// Wake for errors · 有错误才叫醒
//
// 10 minutes · 10 分钟
// The page · 对应的页：src/patterns/routing.md#direct, src/patterns/routing.zh-CN.md#direct
//
// The telephone chose `error`, and it never rings. The file chose three levels, and it is empty.
// Bind the queue so that it gets what was chosen, and only that.
//
// 手机选了 `error`，从来不响。日志文件选了三个级别，里面是空的。
// 请建好绑定，让队列收到选中的级别，也只收到这些。

use anyhow::Result;
use lapin::{
    Channel,
    options::{QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};

const EXCHANGE: &str = "exercise.logs"; // a direct exchange, which is there already · 直连交换机，已经有了

async fn subscribe(channel: &Channel, queue: &str, levels: &[&str]) -> Result<()> {
    channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    // TODO: One binding for each level. What is its key? · 待办：每个级别一条绑定。绑定键是什么？
    channel
        .queue_bind(
            queue.into(),
            EXCHANGE.into(),
            levels.join(",").into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await?;
    Ok(())
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

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
