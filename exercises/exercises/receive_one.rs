// Receive one, leave the rest · 只收一封
//
// 10 minutes · 10 分钟
// The page · 对应的页：src/basic/get.md#ack, src/basic/get.zh-CN.md#ack
//
// Three letters wait. The program wants one of them and then ends. Why are the other two gone?
//
// 有三封信在等。程序只想收一封，收完就结束。另外两封怎么也没有了？

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicConsumeOptions, BasicGetOptions},
    types::FieldTable,
};

/// Takes the next letter out of `hello`, and no other; `None` if none waits.
/// 从 `hello` 里取出下一封信，别的都不动；没有信在等，就是 `None`。
async fn receive_one(channel: &Channel) -> Result<Option<String>> {
    // TODO: This subscribes: the broker sends all that it has, and forgets it. Ask for one letter.
    // 待办：这是订阅：消息代理会把手里的信全都发来，然后忘掉。请改成只要一封。
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;
    let delivery = consumer.next().await.context("the broker cancelled our subscription")??;
    Ok(Some(String::from_utf8(delivery.data)?))
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::receive_one;
    use window::{check, soon};

    #[test]
    fn one_letter_is_taken_and_two_stay() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            for text in ["one", "two", "three"] {
                office.put("hello", text).await;
            }
            let program = office.connect().await;
            let channel = program.create_channel().await.expect("a channel");
            let received = receive_one(&channel).await.expect("your program returned an error · 你的程序返回了错误");
            assert_eq!(received.as_deref(), Some("one"), "the first letter comes first · 先来的信先收");
            program.close(200, "the program ends".into()).await.expect("closed");
            let left = office.texts(2, "hello").await;
            assert!(
                !left.contains(&"one".to_owned()),
                "your program has ended, and “one” is back in the mailbox: nobody signed for it\n\
                 程序结束了，“one” 又回到了邮箱里：没有人签收过它"
            );
            assert_eq!(
                left,
                ["two", "three"],
                "your program has ended; nobody has read these two, and they have to be in the mailbox\n\
                 程序结束了；这两封还没有人读过，应该还在邮箱里"
            );
        });
    }

    #[test]
    fn an_empty_mailbox_has_none() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let channel = office.channel().await;
            let waits = "your program waits for a letter; nobody asked it to wait\n你的程序在等信；可是没有人让它等";
            let received =
                soon(receive_one(&channel), waits).await.expect("an empty mailbox is no error · 邮箱空了不算错误");
            assert_eq!(received, None, "the mailbox is empty · 邮箱是空的");
        });
    }
}
