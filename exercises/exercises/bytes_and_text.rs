// Bytes and text · 字节与文字
//
// 8 minutes · 8 分钟
// The page · 对应的页：src/basic/send.md#publish, src/basic/send.zh-CN.md#publish
//
// A body is bytes. The sender turns text into bytes, the receiver turns them back, and anybody may have sent something else.
// Both functions work for English. The broker knows more languages than that.
//
// 消息体是字节。寄信的一方把文字变成字节，收信的一方再变回来；何况谁都可能寄来别的东西。
// 下面两个函数对英文都管用。可是消息代理里不只有英文。

/// A text as the body of a letter. · 把文字变成消息体。
fn body(text: &str) -> Vec<u8> {
    // TODO: Not every character fits into one byte.
    // 待办：并不是每个字符都能装进一个字节。
    text.chars().map(|character| character as u8).collect()
}

/// The line to print for a body: its text, or `bytes that are not text: ` and the bytes, shown as `escape_ascii` shows them.
/// 收到消息体之后要打印的一行：是文字就打印文字；不是文字，就打印 `bytes that are not text: `，后面跟上 `escape_ascii` 转写的字节。
fn line(body: &[u8]) -> String {
    // TODO: A stranger's letter must not stop the consumer.
    // 待办：陌生人的来信不能让消费者停下来。
    String::from_utf8(body.to_vec()).unwrap()
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::{body, line};
    use std::panic::catch_unwind;
    use window::check;

    #[test]
    fn a_text_arrives_as_it_was_sent() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            for text in ["Hello!", "你好，Rust！", "Grüße 🦀"] {
                office.put("hello", body(text)).await;
            }
            let letters = office.letters(3, "hello").await;
            let lines = letters.iter().map(|letter| catch_unwind(|| line(&letter.body)).ok());
            let lines: Vec<Option<String>> = lines.collect();
            assert_eq!(
                lines,
                ["Hello!", "你好，Rust！", "Grüße 🦀"].map(|text| Some(text.to_owned())),
                "what is printed is not what was sent. Are all bytes of the text in the letter?\n\
                 打印出来的和寄出去的不一样。文字的每个字节都在信里吗？"
            );
        });
    }

    #[test]
    fn bytes_that_are_not_text_are_shown() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            office.put("hello", b"\xff\x00Rust").await;
            let strange = office.letters(1, "hello").await.remove(0).body;
            let shown = catch_unwind(|| line(&strange)).unwrap_or_else(|_| {
                panic!(
                    "your program stopped at a letter that is not text, and will print no other\n\
                     遇到一封不是文字的信，你的程序就停下了，后面的信再也打印不出来"
                )
            });
            assert_eq!(
                shown, r"bytes that are not text: \xff\x00Rust",
                "the bytes themselves have to show, so that nothing is guessed\n请用 `escape_ascii` 显示这些字节，不要猜成文字"
            );
        });
    }
}
