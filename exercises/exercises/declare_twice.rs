// Declare twice · 声明两次
//
// 8 minutes · 8 分钟
// The page · 对应的页：src/basic/send.md#declare, src/basic/send.zh-CN.md#declare
//
// Another program has made the mailbox `hello` already, as this book does: durable. Ours wants to use it too
// and is refused. Run the test and read the broker's words.
//
// 另一个程序已经建好了邮箱 `hello`，和本书的做法一样，是持久化的。我们的程序也要用它，
// 却被拒绝了。运行测试，读一读消息代理是怎么说的。

use anyhow::Result;
use lapin::{Channel, options::QueueDeclareOptions, types::FieldTable};

/// Makes sure that there is a mailbox `hello`. · 确保邮箱 `hello` 存在。
async fn open_mailbox(channel: &Channel) -> Result<()> {
    // TODO: Declare the mailbox with the qualities that everybody else gives it.
    // 待办：声明邮箱，特性要和别的程序一致。
    channel.queue_declare("hello".into(), QueueDeclareOptions::default(), FieldTable::default()).await?;
    Ok(())
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::open_mailbox;
    use window::check;

    #[test]
    fn a_mailbox_that_is_there_keeps_its_letters() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            office.put("hello", "Don't lose me").await;
            let channel = office.channel().await;
            open_mailbox(&channel).await.expect(
                "the broker refused, because your qualities differ from those of the mailbox; its words follow\n\
                 消息代理拒绝了，因为你要的特性和邮箱现有的不一致；它的原话如下",
            );
            assert!(
                channel.status().connected(),
                "the channel is closed: the broker refused, and your program didn't say so\n\
                 信道已经关闭：消息代理拒绝了，你的程序却没有说出来"
            );
            assert_eq!(
                office.texts(1, "hello").await,
                ["Don't lose me"],
                "a letter was waiting in the mailbox, and it is lost\n邮箱里本来有一封信在等，现在丢了"
            );
        });
    }

    #[test]
    fn a_missing_mailbox_is_made_and_it_is_durable() {
        check(&["hello"], async |office| {
            let channel = office.channel().await;
            let made = open_mailbox(&channel).await.map_err(|error| error.to_string());
            assert!(
                office.queue("hello").await.is_some(),
                "there was no mailbox, and after your program there is none; the program returned {made:?}\n\
                 原来没有邮箱，运行你的程序之后还是没有；程序返回的是 {made:?}"
            );
            made.expect(
                "there is a mailbox now, and your program returned an error\n邮箱已经有了，你的程序却返回了错误",
            );
            assert!(
                office.is_durable("hello").await,
                "the mailbox that you made is not durable: it would be gone after the broker's restart\n\
                 你建的邮箱不是持久化的：消息代理一重启，它就没有了"
            );
        });
    }

    #[test]
    fn declaring_twice_does_no_harm() {
        check(&["hello"], async |office| {
            let channel = office.channel().await;
            for time in ["first time · 第一次", "second time · 第二次"] {
                open_mailbox(&channel).await.unwrap_or_else(|error| {
                    panic!(
                        "({time}) the broker refused to declare the mailbox; its words follow\n\
                         消息代理拒绝声明这个邮箱，它的原话如下：{error}"
                    )
                });
            }
        });
    }
}
