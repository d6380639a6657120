// Find the bug: the program that plays dead · 找 bug：装死的程序
//
// 12 minutes · 12 分钟
// The page · 对应的页：src/patterns/work-queues.md#worker, src/patterns/work-queues.zh-CN.md#worker
//
// This program draws invoices. `draw` is a library's function that computes for minutes and knows nothing of `async`. While it draws,
// nothing else in the program runs, not even the heartbeats: the broker takes us for dead, and the invoice begins anew.
// Let `draw` have a thread where it disturbs nobody, and acknowledge an order when its invoice is drawn.
//
// 这个程序画发票。`draw` 是别人库里的函数，一算就是几分钟，它不知道什么是 `async`。它画图的时候，程序里别的都停下来，
// 连心跳也发不出去：消息代理以为我们已经不在了，发票又得从头画。
// 请让 `draw` 到一个不碍别人事的线程上去跑；发票画好了，再确认订单。

use anyhow::{Context, Result};
use futures_lite::StreamExt;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions},
    types::FieldTable,
};
use tokio::task::spawn_blocking;

async fn invoices(channel: &Channel, draw: fn(&str)) -> Result<()> {
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume("packing".into(), "".into(), options, FieldTable::default()).await?;
    loop {
        let delivery = consumer.next().await.context("the broker cancelled our subscription")??;
        let order = String::from_utf8_lossy(&delivery.data).into_owned();
        // TODO: On which thread does this run? · 待办：这个函数在哪个线程上跑？
        draw(&order);
        delivery.ack(BasicAckOptions::default()).await?;
    }
}

fn main() {
    // The tests below call your function. Here you may try things. · 下面的测试会调用你的函数；这里可以随意试验。
}

#[cfg(test)]
mod tests {
    use super::invoices;
    use std::{
        sync::atomic::{AtomicBool, Ordering::SeqCst},
        thread,
        time::{Duration, Instant},
    };
    use tokio::{select, time::sleep};
    use window::{check, soon};

    static BEGUN: AtomicBool = AtomicBool::new(false);
    static GOES_ON: AtomicBool = AtomicBool::new(false);
    static OTHERS_RAN: AtomicBool = AtomicBool::new(false);
    static OVER: AtomicBool = AtomicBool::new(false);

    /// Draws until the rest of the program has had its turn, or for a second.
    fn draw(_order: &str) {
        BEGUN.store(true, SeqCst);
        let start = Instant::now();
        while !GOES_ON.load(SeqCst) && start.elapsed() < Duration::from_secs(1) {
            thread::sleep(Duration::from_millis(5));
        }
        OTHERS_RAN.store(GOES_ON.load(SeqCst), SeqCst);
        OVER.store(true, SeqCst);
    }

    async fn comes_true(what: &AtomicBool) {
        while !what.load(SeqCst) {
            sleep(Duration::from_millis(5)).await;
        }
    }

    #[test]
    fn the_program_lives_while_it_draws_and_acknowledges_what_is_drawn() {
        check(&["packing"], async |office| {
            office.declare("packing").await;
            office.put("packing", "sofa").await;
            // The first program dies in the middle of a drawing, once others have had their turn.
            let program = office.connect().await;
            let channel = program.create_channel().await.expect("a channel");
            let drawing = async {
                soon(comes_true(&BEGUN), "nobody draws the invoice · 没有谁画发票").await;
                sleep(Duration::from_millis(100)).await; // whoever acknowledges too early does so now
            };
            select! {
                ended = invoices(&channel, draw) => panic!("your program has ended · 你的程序结束了: {ended:?}"),
                () = drawing => {}
            }
            program.close(200, "somebody pulled the plug".into()).await.expect("closed");
            let is_left = office.texts(1, "packing").await;
            GOES_ON.store(true, SeqCst);
            soon(comes_true(&OVER), "the drawing doesn't end · 图一直画不完").await;
            assert!(
                OTHERS_RAN.load(SeqCst),
                "while your program draws, nothing else in it runs · 你的程序画图的时候，别的都停下来了"
            );
            assert_eq!(
                is_left,
                ["sofa"],
                "the program died over its drawing, and the order has to be there\n程序画到一半就倒下了，订单应该还在"
            );
        });
    }

    #[test]
    fn each_order_is_drawn_once() {
        static DRAWN: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
        check(&["packing"], async |office| {
            office.declare("packing").await;
            for order in ["sofa", "cup"] {
                office.put("packing", order).await;
            }
            let program = office.connect().await;
            let channel = program.create_channel().await.expect("a channel");
            let all_drawn = async {
                while DRAWN.lock().expect("whole").len() < 2 {
                    sleep(Duration::from_millis(5)).await;
                }
                sleep(Duration::from_millis(200)).await; // the last one is being acknowledged
            };
            let draw = |order: &str| DRAWN.lock().expect("whole").push(order.to_owned());
            select! {
                ended = invoices(&channel, draw) => panic!("your program has ended · 你的程序结束了: {ended:?}"),
                () = soon(all_drawn, "two invoices have to be drawn · 应该画两张发票") => {}
            }
            program.close(200, "evening".into()).await.expect("closed");
            assert_eq!(*DRAWN.lock().expect("whole"), ["sofa", "cup"], "the invoices that were drawn · 画好的发票");
            let back = office.texts(0, "packing").await;
            assert_eq!(back, [""; 0], "its invoice is drawn, and the order is back · 发票画好了，订单却又回来了");
        });
    }
}
