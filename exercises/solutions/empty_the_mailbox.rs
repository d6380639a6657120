// All letters, and no more waiting: a solution · 收完就走：一种解法

use anyhow::Result;
use lapin::{Channel, options::BasicGetOptions};

/// Takes all letters out of `hello`, the oldest first. · 把 `hello` 里的信全部取出来，先来的在前。
async fn receive_all(channel: &Channel) -> Result<Vec<String>> {
    let mut letters = Vec::new();
    // To this question the broker may answer “none”, and that is how we learn that the mailbox is empty.
    // 对这个问题，消息代理可以回答“没有”；邮箱空了，我们就是这样知道的。
    let options = BasicGetOptions { no_ack: true };
    while let Some(letter) = channel.basic_get("hello".into(), options).await? {
        letters.push(String::from_utf8(letter.delivery.data)?);
    }
    Ok(letters)
}

fn main() {}

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
