// All letters, and no more waiting · 收完就走
//
// 10 minutes · 10 分钟
// The page · 对应的页：src/basic/get.md#ack, src/basic/get.zh-CN.md#ack
//
// A consumer waits for ever: it can't know whether another letter will come. This program shall take all letters that are
// there, in order, and end when the mailbox is empty.
//
// 消费者会一直等下去：它不可能知道还会不会有信来。这个程序要把现有的信按顺序全部取走，
// 邮箱空了就结束。

use anyhow::Result;
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicConsumeOptions, BasicGetOptions},
    types::FieldTable,
};

/// Takes all letters out of `hello`, the oldest first. · 把 `hello` 里的信全部取出来，先来的在前。
async fn receive_all(channel: &Channel) -> Result<Vec<String>> {
    let mut letters = Vec::new();
    // TODO: This loop never ends. Use what tells you that the mailbox is empty, and sign for what you take.
    // 待办：这个循环永远不会结束。请改用能告诉你邮箱空了的办法；取走的信，别忘了签收。
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = channel.basic_consume("hello".into(), "".into(), options, FieldTable::default()).await?;
    while let Some(delivery) = consumer.next().await {
        letters.push(String::from_utf8(delivery?.data)?);
    }
    Ok(letters)
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::receive_all;
    use window::{check, soon};

    const WAITS: &str = "your program still waits for a letter: nothing tells a consumer that the mailbox is empty\n\
                         你的程序还在等信：没有人会告诉消费者邮箱空了";

    #[test]
    fn all_letters_are_taken_in_order() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            for text in ["one", "two", "three"] {
                office.put("hello", text).await;
            }
            let program = office.connect().await;
            let channel = program.create_channel().await.expect("a channel");
            let received =
                soon(receive_all(&channel), WAITS).await.expect("your program returned an error · 你的程序返回了错误");
            assert_eq!(received, ["one", "two", "three"], "three letters were waiting · 本来有三封信在等");
            program.close(200, "the program ends".into()).await.expect("closed");
            assert!(
                office.texts(0, "hello").await.is_empty(),
                "your program has ended, and letters are back in the mailbox: nobody signed for them\n\
                 程序结束了，信又回到了邮箱里：没有人签收过"
            );
        });
    }

    #[test]
    fn an_empty_mailbox_has_none() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let channel = office.channel().await;
            let received =
                soon(receive_all(&channel), WAITS).await.expect("an empty mailbox is no error · 邮箱空了不算错误");
            assert!(received.is_empty(), "the mailbox is empty · 邮箱是空的");
        });
    }
}
