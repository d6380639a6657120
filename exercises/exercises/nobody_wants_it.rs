// Find the bug: sent, and lost · 找 bug：说是发了，其实丢了
//
// 12 minutes · 12 分钟
// The page · 对应的页：src/patterns/routing.md#mandatory, src/patterns/routing.zh-CN.md#mandatory
//
// This function confirms each report: the broker has to acknowledge it. Yet all reports with the new level `debug` are lost, and the
// function says `Ok`. It shall return an error when no queue takes the report.
//
// 这个函数对每条报告都要求确认：消息代理必须确认。可是新级别 `debug` 的报告全都丢了，函数还说 `Ok`。
// 没有队列收这条报告的时候，它应该返回错误。

use anyhow::{Result, bail};
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};

const EXCHANGE: &str = "exercise.logs"; // a direct exchange, which is there already · 直连交换机，已经有了

async fn report(channel: &Channel, level: &str, text: &str) -> Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    // TODO: An acknowledgement says “dealt with”. Where did it go? · 待办：确认只表示“处理好了”。消息去了哪里？
    let options = BasicPublishOptions::default();
    let properties = BasicProperties::default();
    let confirm = channel.basic_publish(EXCHANGE.into(), level.into(), options, text.as_bytes(), properties).await?;
    match confirm.await? {
        Confirmation::Ack(_) => Ok(()),
        other => bail!("the broker didn't take it: {other:?}"),
    }
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

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
