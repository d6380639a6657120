// Name the queue · 给队列起名字
//
// 5 minutes · 5 分钟
// The page · 对应的页：src/basic/send.md#publish, src/basic/send.zh-CN.md#publish
//
// One queue doesn't get us far. Let the caller say which queue a message goes to.
// That queue may not exist yet.
//
// 只有一个队列不够用。让调用的一方来决定消息发到哪个队列。
// 那个队列可能还不存在。

use anyhow::Result;
use lapin::{
    BasicProperties, Channel,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(channel: &Channel, queue: &str, text: &str) -> Result<()> {
    // TODO: Every message goes to `hello`. It has to go to the queue that `queue` names.
    // 待办：现在每条消息都发到 `hello`。应该发到参数 `queue` 说的那个队列。
    channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
    Ok(())
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::send;
    use window::{check, fresh};

    #[test]
    fn each_message_goes_to_its_own_queue() {
        let (anna, li) = (fresh("anna"), fresh("小李"));
        check(&["hello", &anna, &li], async |office| {
            let messages = [(&*anna, fresh("Hi Anna!")), (&*li, fresh("小李，你好！"))];
            let channel = office.channel().await;
            for (queue, text) in &messages {
                send(&channel, queue, text).await.expect("your program returned an error · 你的程序返回了错误");
            }
            assert_eq!(
                office.queue("hello").await,
                None,
                "nobody asked for a queue `hello` (`None`: it is not there). Is its name still in your program?\n\
                 没有人让你声明 `hello` 这个队列（`None` 就是没有）。程序里是不是还写着这个名字？"
            );
            for (queue, text) in messages {
                assert_eq!(
                    office.texts(1, queue).await,
                    [text],
                    "this is what `{queue}` has to hold. Does the routing key name the queue that you declare?\n\
                     `{queue}` 里应该是这些。路由键写的是你声明的那个队列吗？"
                );
                office.assert_declared_alike(queue).await;
            }
        });
    }
}
