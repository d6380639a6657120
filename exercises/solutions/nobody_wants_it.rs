// Find the bug: sent, and lost: a solution · 找 bug：说是发了，其实丢了：一种解法

use anyhow::{Result, bail};
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};

const EXCHANGE: &str = "exercise.logs"; // a direct exchange, which is there already · 直连交换机，已经有了

async fn report(channel: &Channel, level: &str, text: &str) -> Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let properties = BasicProperties::default();
    let confirm = channel.basic_publish(EXCHANGE.into(), level.into(), options, text.as_bytes(), properties).await?;
    match confirm.await? {
        Confirmation::Ack(None) => Ok(()),
        // Acknowledged, since it was dealt with: it came back. · 也算确认：处理的结果是退回来。
        Confirmation::Ack(Some(returned)) => bail!("no queue takes {level}: {}", returned.reply_text),
        other => bail!("the broker didn't take it: {other:?}"),
    }
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::{EXCHANGE, report};
    use lapin::{
        ExchangeKind,
        options::{ExchangeDeclareOptions, QueueBindOptions},
        types::FieldTable,
    };
    use window::check;

    #[test]
    fn a_report_that_no_queue_takes_is_an_error_and_others_arrive() {
        check(&["file"], async |office| {
            let channel = office.channel().await;
            let options = ExchangeDeclareOptions { auto_delete: true, ..Default::default() };
            let (direct, table) = (ExchangeKind::Direct, FieldTable::default());
            channel.exchange_declare(EXCHANGE.into(), direct, options, table.clone()).await.expect("an exchange");
            office.declare("file").await;
            let bind = QueueBindOptions::default();
            channel.queue_bind("file".into(), EXCHANGE.into(), "info".into(), bind, table).await.expect("bound");
            assert!(
                report(&channel, "debug", "lost").await.is_err(),
                "no queue takes `debug`, and your function says that all is well\n没有队列收 `debug`，你的函数却说一切正常"
            );
            let sent = report(&channel, "info", "printer ready").await;
            assert!(
                sent.is_ok(),
                "a queue takes `info`, and your function reports · `info` 有队列收，你的函数却报错：{sent:?}"
            );
            assert_eq!(office.texts(1, "file").await, ["printer ready"], "what `file` holds · `file` 里的内容");
        });
    }
}
