// Close properly · 好好道别
//
// 8 minutes · 8 分钟
// The page · 对应的页：src/basic/send.md#close, src/basic/send.zh-CN.md#close
//
// The road to this post office is long. Your program publishes and goes home while the letter is still on its way, and then the
// road is closed. Find the call that comes back only when the broker has read everything.
//
// 通往这家邮局的路很长。程序发布完就回家了，信还在路上，这时路断了。
// 请找到那个调用：它要等消息代理把前面的内容都读完，才会返回。

use anyhow::Result;
use lapin::{BasicProperties, Channel, Connection, options::BasicPublishOptions};

async fn send(connection: &Connection, channel: &Channel, text: &str) -> Result<()> {
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "hello".into(), options, text.as_bytes(), BasicProperties::default()).await?;
    // TODO: Don't go before the letter has arrived. The program needs its connection no longer.
    // 待办：信没有送到之前不要走。这条连接，程序以后不再需要了。
    Ok(())
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

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
