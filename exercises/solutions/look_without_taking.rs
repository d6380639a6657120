// Look without taking: a solution · 只看不取：一种解法

use anyhow::Result;
use lapin::{
    Channel,
    options::{BasicGetOptions, BasicNackOptions},
};

/// What the next letter in `hello` says, or `None`. The letter stays in the mailbox.
/// `hello` 里下一封信写了什么；没有信就是 `None`。信要留在邮箱里。
async fn look(channel: &Channel) -> Result<Option<String>> {
    let options = BasicGetOptions::default(); // no_ack: false
    let Some(letter) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    // A nack is the opposite of a signature; `requeue` puts the letter where it was. It is marked as redelivered now.
    // nack 和签收相反；`requeue` 把信放回原处。从此它带着“重新投递过”的记号。
    letter.nack(BasicNackOptions { requeue: true, ..Default::default() }).await?;
    Ok(Some(String::from_utf8(letter.delivery.data)?))
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::look;
    use window::check;

    #[test]
    fn the_letter_is_read_and_stays() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            office.put("hello", "first").await;
            office.put("hello", "second").await;
            let program = office.connect().await;
            let channel = program.create_channel().await.expect("a channel");
            for time in ["first time · 第一次", "second time · 第二次"] {
                let seen = look(&channel).await.expect("your program returned an error · 你的程序返回了错误");
                assert_eq!(
                    seen.as_deref(),
                    Some("first"),
                    "({time}) the next letter is “first”: where has it gone?\n下一封信应该是 “first”，它到哪里去了？"
                );
                assert_eq!(
                    office.texts(2, "hello").await,
                    ["first", "second"],
                    "({time}) both letters have to be in the mailbox while your program goes on. Is one still in your hands, or thrown away?\n\
                     程序还在运行，两封信都应该在邮箱里。是还在你手里，还是被丢掉了？"
                );
            }
        });
    }

    #[test]
    fn an_empty_mailbox_shows_nothing() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let seen = look(&office.channel().await).await.expect("an empty mailbox is no error · 邮箱空了不算错误");
            assert_eq!(seen, None, "the mailbox is empty · 邮箱是空的");
        });
    }
}
