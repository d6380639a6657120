// Bytes and text · 字节与文字
//
// 8 minutes · 8 分钟
// The page · 对应的页：src/basic/send.md#publish, src/basic/send.zh-CN.md#publish
//
// A body is bytes. The producer turns text into bytes, the consumer turns them back, and anybody may have sent something else.
// Both functions work for English. A queue holds more languages than that.
//
// 消息体是字节。生产者把文字变成字节，消费者再变回文字；何况谁都可能发来别的东西。
// 下面两个函数对英文都管用，可是队列里不会只有英文。

/// A text as the body of a message. · 把文字变成消息体。
fn body(text: &str) -> Vec<u8> {
    // TODO: Not every character fits into one byte.
    // 待办：并不是每个字符都能装进一个字节。
    text.chars().map(|character| character as u8).collect()
}

/// The line to print for a body: its text, or `bytes that are not text: ` and the bytes, shown as `escape_ascii` shows them.
/// 收到消息体之后要打印的一行：是文字就打印文字；不是文字，就打印 `bytes that are not text: `，后面跟上 `escape_ascii` 转写的字节。
fn line(body: &[u8]) -> String {
    // TODO: A message from somebody else must not stop the consumer: `str::from_utf8` tells whether it is text.
    // 待办：别人发来的消息，不能让消费者停下来。是不是文字，`str::from_utf8` 会告诉你。
    String::from_utf8(body.to_vec()).unwrap()
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::{body, line};
    use std::panic::catch_unwind;
    use window::{check, fresh};

    #[test]
    fn a_text_arrives_as_it_was_sent() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let sent = ["Hello!", "你好，Rust！", "Grüße 🦀"].map(fresh);
            for text in &sent {
                office.put("hello", body(text)).await;
            }
            let messages = office.messages(3, "hello").await;
            let lines = messages.iter().map(|message| catch_unwind(|| line(&message.body)).ok());
            let lines: Vec<Option<String>> = lines.collect();
            assert_eq!(
                lines,
                sent.map(Some),
                "what is printed is not what was sent (`None`: `line` panicked). Are all bytes of the text in the message?\n\
                 打印出来的和发出去的不一样（`None` 就是 `line` panic 了）。文字的每个字节都在消息里吗？"
            );
        });
    }

    #[test]
    fn bytes_that_are_not_text_are_shown() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let rust = fresh("Rust");
            office.put("hello", [b"\xff\x00", rust.as_bytes()].concat()).await;
            let strange = office.messages(1, "hello").await.remove(0).body;
            let shown = catch_unwind(|| line(&strange)).unwrap_or_else(|_| {
                panic!(
                    "your program stopped at a message that is not text, and will print no other\n\
                     遇到一条不是文字的消息，你的程序就停下了，后面的消息再也打印不出来"
                )
            });
            assert_eq!(
                shown,
                format!(r"bytes that are not text: \xff\x00{rust}"),
                "the bytes themselves have to show, so that nothing is guessed\n请用 `escape_ascii` 显示这些字节，不要猜成文字"
            );
        });
    }
}
