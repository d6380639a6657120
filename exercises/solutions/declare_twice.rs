// Declare twice: a solution · 声明两次：一种解法

use anyhow::Result;
use lapin::{Channel, options::QueueDeclareOptions, types::FieldTable};

/// Makes sure that there is a queue `hello`. · 确保队列 `hello` 存在。
async fn open_queue(channel: &Channel) -> Result<()> {
    // The same name with the same options: then it doesn't matter who comes first, or how often.
    // 名字一样，选项也一样，那么谁先来、来几次，都没有关系。
    channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    Ok(())
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::open_queue;
    use window::{check, fresh};

    #[test]
    fn a_queue_that_is_there_keeps_its_messages() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let text = fresh("Don't lose me");
            office.put("hello", &text).await;
            let channel = office.channel().await;
            open_queue(&channel).await.expect(
                "there is a durable queue `hello`, and your program returned an error. If the broker refused, it says which option differs\n\
                 已经有一个持久化的队列 `hello` 了，你的程序却返回了错误。如果是消息代理拒绝的，它会说明哪个选项不一致",
            );
            assert!(
                channel.status().connected(),
                "the channel is closed: the broker refused, and your program didn't say so\n\
                 信道已经关闭：消息代理拒绝了，你的程序却没有说出来"
            );
            assert_eq!(
                office.texts(1, "hello").await,
                [text],
                "a message was waiting in the queue, and it is lost\n队列里本来有一条消息在等，现在丢了"
            );
        });
    }

    #[test]
    fn a_missing_queue_is_declared_and_it_is_durable() {
        check(&["hello"], async |office| {
            let channel = office.channel().await;
            let made = open_queue(&channel).await.map_err(|error| error.to_string());
            assert!(
                office.queue("hello").await.is_some(),
                "there was no queue `hello`, and after your program there is none; the program returned {made:?}\n\
                 原来没有队列 `hello`，运行你的程序之后还是没有；程序返回的是 {made:?}"
            );
            made.expect("there is a queue now, and your program returned an error\n队列已经有了，你的程序却返回了错误");
            office.assert_declared_alike("hello").await;
        });
    }

    #[test]
    fn declaring_twice_does_no_harm() {
        check(&["hello"], async |office| {
            let channel = office.channel().await;
            for (time, count) in [("first", "第一次"), ("second", "第二次")] {
                open_queue(&channel).await.unwrap_or_else(|error| {
                    panic!(
                        "the {time} time, the queue couldn't be declared; your program returned an error\n\
                         {count}声明，队列没有声明成，你的程序返回了错误：{error}"
                    )
                });
            }
        });
    }
}
