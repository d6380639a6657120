// Name the queue: a solution · 给队列起名字：一种解法

use anyhow::Result;
use lapin::{
    BasicProperties, Channel,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn send(channel: &Channel, queue: &str, text: &str) -> Result<()> {
    // Both lines need the name: the first declares the queue, the second is the routing key. Nothing else ties them.
    // 两行都要用到这个名字：第一行声明队列，第二行拿它作路由键。除了名字，两行之间没有别的联系。
    channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), queue.into(), options, text.as_bytes(), BasicProperties::default()).await?;
    Ok(())
}

fn main() {}

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
