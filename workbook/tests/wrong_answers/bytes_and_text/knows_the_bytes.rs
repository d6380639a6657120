// wrong: Shows the bytes of the exercise, whatever they are.
// says: the bytes themselves have to show

/// A text as the body of a message. · 把文字变成消息体。
fn body(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// The line to print for a body: its text, or `bytes that are not text: ` and the bytes, shown as `escape_ascii` shows them.
/// 收到消息体之后要打印的一行：是文字就打印文字；不是文字，就打印 `bytes that are not text: `，后面跟上 `escape_ascii` 转写的字节。
fn line(body: &[u8]) -> String {
    match str::from_utf8(body) {
        Ok(text) => text.to_owned(),
        Err(_) => r"bytes that are not text: \xff\x00Rust".to_owned(),
    }
}

fn main() {}
