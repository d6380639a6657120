// A guest book: a solution · 留言簿：一种解法

use anyhow::Result;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};

async fn sign(addr: &str, name: &str, words: &str) -> Result<()> {
    let (connection, channel) = open(addr).await?;
    let entry = format!("{name}: {words}");
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "guestbook".into(), options, entry.as_bytes(), BasicProperties::default()).await?;
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}

async fn read(addr: &str) -> Result<Vec<String>> {
    let (connection, channel) = open(addr).await?;
    let mut entries = Vec::new();
    // `basic_get` says when there is none left, which a subscription never does.
    // 没有了，`basic_get` 会说出来；订阅不会。
    while let Some(letter) = channel.basic_get("guestbook".into(), BasicGetOptions { no_ack: true }).await? {
        let body = letter.delivery.data;
        entries.push(String::from_utf8(body).unwrap_or_else(|error| error.as_bytes().escape_ascii().to_string()));
    }
    connection.close(200, "goodbye".into()).await?;
    Ok(entries)
}

/// What guest and host both begin with. Whoever comes first makes the mailbox, and both give it the same qualities.
/// 客人和主人都从这里开始。谁先来，谁建邮箱；两边给的特性是一样的。
async fn open(addr: &str) -> Result<(Connection, Channel)> {
    let connection = Connection::connect(addr, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.queue_declare("guestbook".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    Ok((connection, channel))
}

fn main() {}

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
