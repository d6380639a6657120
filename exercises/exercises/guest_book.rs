// A guest book · 留言簿
//
// 15 minutes · 15 分钟
// The page · 对应的页：src/basic/review.md#can-do, src/basic/review.zh-CN.md#can-do
//
// Everything together. Guests `sign` the book, whenever they come. The host `read`s it now and then: all entries so far, in order,
// each one once. The mailbox is `guestbook`; nobody knows who comes first. An entry is the text `NAME: WORDS`.
//
// 把学过的都用上。客人随时来留言（`sign`），主人有空就来读（`read`）：到目前为止的留言，按顺序，每条只读一次。
// 邮箱叫 `guestbook`；谁先来，谁也不知道。一条留言就是一段文字：`名字: 留言`（半角冒号，后面空一格）。

use anyhow::{Result, bail};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn sign(addr: &str, name: &str, words: &str) -> Result<()> {
    // TODO: Connect, open a channel, declare, publish, close.
    // 待办：建立连接、打开信道、声明队列、发布消息、关闭连接。
    bail!("not written yet · 还没有写")
}

async fn read(addr: &str) -> Result<Vec<String>> {
    // TODO: Take all entries, until the mailbox is empty. Show bytes that are not text with `escape_ascii`.
    // 待办：取出所有留言，直到邮箱空了。不是文字的字节，用 `escape_ascii` 显示。
    bail!("not written yet · 还没有写")
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::{read, sign};
    use window::check;

    const FAILED: &str = "your program returned an error · 你的程序返回了错误";

    #[test]
    fn what_guests_write_waits_for_the_host() {
        check(&["guestbook"], async |office| {
            sign(office.addr(), "Anna", "Lovely!").await.expect(FAILED);
            sign(office.addr(), "小李", "下次再来！").await.expect(FAILED);
            assert_eq!(
                office.texts(2, "guestbook").await,
                ["Anna: Lovely!", "小李: 下次再来！"],
                "this is what `guestbook` has to hold · `guestbook` 里应该是这些"
            );
            assert!(
                office.is_durable("guestbook").await,
                "the guest book would be gone after the broker's restart · 消息代理一重启，留言簿就没有了"
            );
        });
    }

    #[test]
    fn the_host_reads_each_entry_once() {
        check(&["guestbook"], async |office| {
            sign(office.addr(), "Anna", "Lovely!").await.expect(FAILED);
            sign(office.addr(), "小李", "下次再来！").await.expect(FAILED);
            let entries = read(office.addr()).await.expect(FAILED);
            assert_eq!(entries, ["Anna: Lovely!", "小李: 下次再来！"], "all entries, in order · 全部留言，按顺序");
            sign(office.addr(), "Tom", "Me too").await.expect(FAILED);
            let entries = read(office.addr()).await.expect(FAILED);
            assert_eq!(
                entries,
                ["Tom: Me too"],
                "the host has read the other entries already; are they signed for?\n别的留言主人已经读过了；签收了吗？"
            );
        });
    }

    #[test]
    fn the_host_may_come_first() {
        check(&["guestbook"], async |office| {
            let entries = read(office.addr()).await.expect(
                "nobody has signed yet, and that is no error: who declares the mailbox, and how?\n\
                 还没有人留言，这不算错误：谁来声明邮箱？怎样声明？",
            );
            assert!(entries.is_empty(), "nobody has signed yet · 还没有人留言");
        });
    }

    #[test]
    fn a_scribble_stops_nobody() {
        check(&["guestbook"], async |office| {
            office.declare("guestbook").await;
            office.put("guestbook", b"\xff\xfe").await;
            office.put("guestbook", "Anna: Lovely!").await;
            let entries = read(office.addr()).await.expect(
                "your program returned an error: a letter that is not text is no error, and the mailbox is there, durable\n\
                 程序返回了错误：不是文字的信不算错误；邮箱也已经有了，是持久化的",
            );
            assert_eq!(
                entries,
                [r"\xff\xfe", "Anna: Lovely!"],
                "bytes that are not text are shown, and the next entry is read\n不是文字的字节要显示出来，后面的留言也要读到"
            );
        });
    }
}
