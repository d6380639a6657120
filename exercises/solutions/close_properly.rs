// Close properly: a solution · 好好道别：一种解法

use anyhow::Result;
use lapin::{BasicProperties, Channel, Connection, options::BasicPublishOptions};

async fn send(connection: &Connection, channel: &Channel, text: &str) -> Result<()> {
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
    // The broker reads in order. When it answers the goodbye, it has read the letter. `await` waits for that answer.
    // 消息代理按顺序读。它回答道别的时候，信一定已经读过了。`await` 等的就是这个回答。
    connection.close(200, "goodbye".into()).await?;
    Ok(())
}

fn main() {}

#[cfg(test)]
mod tests {
    use super::send;
    use window::{check, soon};

    #[test]
    fn the_letter_arrives_before_the_program_ends() {
        check(&["hello"], async |office| {
            office.declare("hello").await;
            let mut road = office.road().await;
            let connection = window::connect(road.addr()).await;
            let channel = connection.create_channel().await.expect("a channel");
            let waits = "two seconds are over and your program has not ended: what does it wait for?\n过了两秒，你的程序还没有结束：它在等什么？";
            soon(send(&connection, &channel, "Wait for me!"), waits)
                .await
                .expect("your program returned an error · 你的程序返回了错误");
            road.close().await;
            assert_eq!(
                office.texts(1, "hello").await,
                ["Wait for me!"],
                "your program ended while its letter was still on the road, and the letter is lost\n\
                 程序结束时，信还在路上，结果丢了"
            );
            assert!(
                road.saw_goodbye(),
                "the letter is there, and the broker still believes that your connection is open\n\
                 信到了，可是消息代理以为你的连接还开着"
            );
        });
    }
}
