// Close properly: a solution · 关好连接再走：一种解法

use anyhow::Result;
use lapin::{BasicProperties, Channel, Connection, options::BasicPublishOptions};

async fn send(connection: &Connection, channel: &Channel, text: &str) -> Result<()> {
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
    // The broker reads in order. When it answers this, it has read the message. `await` waits for that answer.
    // 消息代理按顺序读。它回答关闭连接的时候，消息一定已经读过了。`await` 等的就是这个回答。
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::send;
    use window::{CONNECTION_CLOSE, check, fresh, soon};

    #[test]
    fn the_message_arrives_before_the_program_ends() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let mut road = office.road().await;
            let connection = window::connect(road.addr()).await;
            let channel = connection.create_channel().await.expect("a channel");
            let text = fresh("Wait for me!");
            let waits = "your program has not ended: what does it wait for?\n你的程序还没有结束：它在等什么？";
            soon(send(&connection, &channel, &text), waits)
                .await
                .expect("your program returned an error · 你的程序返回了错误");
            road.close().await;
            assert_eq!(
                office.texts(1, "hello").await,
                [text],
                "this message has to be in `hello`. If nothing is there, your program ended while it was still on its way\n\
                 `hello` 里应该是这一条消息。如果什么也没有，就是程序结束时消息还在路上"
            );
            assert!(
                road.saw(CONNECTION_CLOSE),
                "the message is there, and the broker still believes that your connection is open\n\
                 消息到了，可是消息代理以为你的连接还开着"
            );
        });
    }
}
