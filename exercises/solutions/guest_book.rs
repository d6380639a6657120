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
    while let Some(message) = channel.basic_get("guestbook".into(), BasicGetOptions { no_ack: true }).await? {
        let body = message.delivery.data;
        entries.push(String::from_utf8(body).unwrap_or_else(|error| error.as_bytes().escape_ascii().to_string()));
    }
    connection.close(200, "goodbye".into()).await?;
    Ok(entries)
}

/// What guest and host both begin with. Whoever comes first makes the queue, and both declare it alike.
/// 客人和主人都从这里开始。谁先来，谁建队列；两边声明得一样。
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
    use std::net::TcpListener;
    use window::{Office, check, fresh};

    const FAILED: &str = "your program returned an error · 你的程序返回了错误";

    /// What the host reads; not by a subscription. · 主人读到的留言；不能用订阅去读。
    async fn entries(office: &Office, or_else: &str) -> Vec<String> {
        let road = office.road().await;
        let entries = read(road.addr()).await.expect(or_else);
        road.assert_no_subscription();
        entries
    }

    #[test]
    fn what_guests_write_waits_for_the_host() {
        check(&["guestbook"], async |office| {
            let (lovely, again) = (fresh("Lovely!"), fresh("下次再来！"));
            sign(office.addr(), "Anna", &lovely).await.expect(FAILED);
            sign(office.addr(), "小李", &again).await.expect(FAILED);
            assert_eq!(
                office.texts(2, "guestbook").await,
                [format!("Anna: {lovely}"), format!("小李: {again}")],
                "this is what `guestbook` has to hold · `guestbook` 里应该是这些"
            );
            office.assert_declared_alike("guestbook").await;
        });
    }

    #[test]
    fn the_host_reads_each_entry_once() {
        check(&["guestbook"], async |office| {
            let (lovely, again, me_too) = (fresh("Lovely!"), fresh("下次再来！"), fresh("Me too"));
            sign(office.addr(), "Anna", &lovely).await.expect(FAILED);
            sign(office.addr(), "小李", &again).await.expect(FAILED);
            let read = entries(office, FAILED).await;
            let wanted = [format!("Anna: {lovely}"), format!("小李: {again}")];
            assert_eq!(read, wanted, "all entries, in order · 全部留言，按顺序");
            sign(office.addr(), "Tom", &me_too).await.expect(FAILED);
            assert_eq!(
                entries(office, FAILED).await,
                [format!("Tom: {me_too}")],
                "this is the only entry that the host has not read yet; are the others acknowledged?\n\
                 主人没读过的留言只有这一条；别的都确认了吗？"
            );
        });
    }

    #[test]
    fn the_host_may_come_first() {
        check(&["guestbook"], async |office| {
            let read = entries(
                office,
                "nobody has signed yet, and that is no error: who declares the queue, and how?\n\
                 还没有人留言，这不算错误：谁来声明队列？怎样声明？",
            )
            .await;
            assert!(
                read.is_empty(),
                "nobody has signed yet, and the host has read {read:?} · 还没有人留言，主人却读到了 {read:?}"
            );
            office.assert_declared_alike("guestbook").await;
        });
    }

    #[test]
    fn a_scribble_stops_nobody() {
        check(&["guestbook"], async |office| {
            office.declare("guestbook").await;
            let words = fresh("Anna: Lovely!");
            office.put("guestbook", b"\xff\xfe").await;
            office.put("guestbook", &words).await;
            let read = entries(
                office,
                "your program returned an error: a message that is not text is no error, and the queue is there, durable\n\
                 程序返回了错误：不是文字的消息不算错误；队列也已经有了，是持久化的",
            )
            .await;
            assert_eq!(
                read,
                [r"\xff\xfe".to_owned(), words],
                "bytes that are not text are shown, and the next entry is read\n不是文字的字节要显示出来，后面的留言也要读到"
            );
        });
    }

    #[test]
    fn without_a_broker_both_return_an_error() {
        check(&[], async |_office| {
            let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it is bound");
            let nobody = format!("amqp://{free}"); // the listener is gone: nobody answers there
            assert!(
                sign(&nobody, "Anna", "Lovely!").await.is_err() && read(&nobody).await.is_err(),
                "no broker answers, and your program says that all is well\n没有消息代理应答，你的程序却说一切正常"
            );
        });
    }
}
