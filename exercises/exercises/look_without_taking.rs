// Look without taking · 只看不取
//
// 8 minutes · 8 分钟
// The page · 对应的页：src/basic/get.md#nack, src/basic/get.zh-CN.md#nack
//
// The console shows a letter and puts it back. Our program asks for a letter too (`basic_get`: give me the next one, or tell me
// that there is none), but what it has looked at is gone.
//
// 控制台把信拿出来看，看完放回去。我们的程序也要了一封信（`basic_get`：给我下一封，没有就告诉我），
// 可是它看过的信就没有了。

use anyhow::Result;
use lapin::{
    Channel,
    options::{BasicGetOptions, BasicNackOptions},
};

/// What the next letter in `hello` says, or `None`. The letter stays in the mailbox.
/// `hello` 里下一封信写了什么；没有信就是 `None`。信要留在邮箱里。
async fn look(channel: &Channel) -> Result<Option<String>> {
    // TODO: With `no_ack: true` the broker forgets the letter when it hands it out. Take it in hand without that, and put it back.
    // 待办：有了 `no_ack: true`，消息代理一把信交出来，就把信忘掉了。请去掉这个选项，把信拿在手里，看完放回去。
    let options = BasicGetOptions { no_ack: true };
    let Some(letter) = channel.basic_get("hello".into(), options).await? else { return Ok(None) };
    Ok(Some(String::from_utf8(letter.delivery.data)?))
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

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
