//! What a Rust program sees that uses lapin, the client of the workbook.

use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    message::Delivery,
    options::{
        BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions,
        BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions, QueueDeleteOptions,
    },
    types::FieldTable,
};
use postoffice::PostOffice;
use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::time::timeout;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

async fn connect(office: &PostOffice) -> Result<(Connection, Channel), lapin::Error> {
    let connection = Connection::connect(&office.uri(), ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    Ok((connection, channel))
}

/// Whether a program connects to this office, and to no other, by the address that it gives.
async fn can_be_reached(office: &PostOffice) -> bool {
    connect(office).await.is_ok() && office.connections().len() == 1
}

async fn declare(channel: &Channel, queue: &str) -> Result<(), lapin::Error> {
    channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
    Ok(())
}

async fn send(
    channel: &Channel,
    queue: &str,
    options: BasicPublishOptions,
    body: &[u8],
) -> lapin::Result<Confirmation> {
    channel.basic_publish("".into(), queue.into(), options, body, BasicProperties::default()).await?.await
}

async fn next(consumer: &mut lapin::Consumer) -> Result<Delivery, Box<dyn std::error::Error>> {
    Ok(timeout(PATIENCE, consumer.next()).await?.ok_or("the consumer ended")??)
}

#[tokio::test]
async fn a_message_arrives_and_is_acknowledged() -> Outcome {
    let office = PostOffice::open().await?;
    let (connection, channel) = connect(&office).await?;
    declare(&channel, "hello").await?;
    assert_eq!(send(&channel, "hello", BasicPublishOptions::default(), b"hi").await?, Confirmation::NotRequested);
    let mut consumer =
        channel.basic_consume("hello".into(), "".into(), BasicConsumeOptions::default(), FieldTable::default()).await?;
    let delivery = next(&mut consumer).await?;
    assert_eq!(delivery.data, b"hi");
    assert_eq!(office.queue("hello")?.unacknowledged, 1);
    delivery.ack(BasicAckOptions::default()).await?;
    channel.basic_qos(1, BasicQosOptions::default()).await?; // answered after the acknowledgement
    assert_eq!((office.queue("hello")?.ready, office.queue("hello")?.unacknowledged), (0, 0));
    connection.close(200, "bye".into()).await?;
    Ok(())
}

/// By `[::1]` lapin would understand `localhost`, which is 127.0.0.1 on many machines, and may be another broker.
#[tokio::test]
async fn an_office_is_reached_by_its_address_whatever_it_listens_on() -> Outcome {
    for listen in ["127.0.0.1:0", "127.0.0.2:0", "0.0.0.0:0", "[::1]:0", "[::]:0", "[::ffff:127.0.0.1]:0"] {
        let listen: SocketAddr = listen.parse()?;
        let office = match PostOffice::builder().listen(listen).allow_remote(true).open().await {
            Ok(office) => office,
            Err(error) if listen.is_ipv6() => {
                rabbitmq_node::skip(error);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let other = SocketAddr::from((Ipv4Addr::LOCALHOST, office.address().port()));
        let _other = match listen.ip() == Ipv6Addr::LOCALHOST {
            true => Some(PostOffice::builder().listen(other).open().await), // it may be taken, which is as good
            false => None,
        };
        assert!(can_be_reached(&office).await, "{} for {listen}", office.uri());
    }
    Ok(())
}

#[tokio::test]
async fn confirms_and_returns_tell_a_publisher_what_became_of_its_message() -> Outcome {
    let office = PostOffice::open().await?;
    let (_connection, channel) = connect(&office).await?;
    declare(&channel, "hello").await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mandatory = BasicPublishOptions { mandatory: true, ..Default::default() };
    assert_eq!(send(&channel, "hello", mandatory, b"one").await?, Confirmation::Ack(None));
    assert_eq!(send(&channel, "nobody", BasicPublishOptions::default(), b"two").await?, Confirmation::Ack(None));
    let Confirmation::Ack(Some(returned)) = send(&channel, "nobody", mandatory, b"three").await? else {
        panic!("the message comes back")
    };
    assert_eq!((returned.reply_code, returned.delivery.data.as_slice()), (312, &b"three"[..]));
    Ok(())
}

#[tokio::test]
async fn ten_thousand_confirms_come_without_asking_twice() -> Outcome {
    let office = PostOffice::open().await?;
    let (_connection, channel) = connect(&office).await?;
    declare(&channel, "hello").await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    for _ in 0..10_000 {
        let options = BasicPublishOptions::default();
        // whether it was confirmed, `wait_for_confirms` knows
        drop(channel.basic_publish("".into(), "hello".into(), options, b"x", BasicProperties::default()).await?);
    }
    let returned = timeout(PATIENCE, channel.wait_for_confirms()).await??;
    assert!(returned.is_empty(), "{returned:?}");
    assert_eq!(office.queue("hello")?.ready, 10_000);
    Ok(())
}

#[tokio::test]
async fn a_large_message_arrives_whole() -> Outcome {
    let office = PostOffice::open().await?;
    let (_connection, channel) = connect(&office).await?;
    declare(&channel, "hello").await?;
    let body: Vec<u8> = (0..3_000_000_u32).map(|n| n as u8).collect();
    send(&channel, "hello", BasicPublishOptions::default(), &body).await?;
    let got = channel.basic_get("hello".into(), BasicGetOptions { no_ack: true }).await?.ok_or("a message is there")?;
    assert!(got.delivery.data == body);
    Ok(())
}

#[tokio::test]
async fn a_consumer_hears_that_its_queue_was_deleted() -> Outcome {
    let office = PostOffice::open().await?;
    let (_connection, channel) = connect(&office).await?;
    declare(&channel, "hello").await?;
    let mut consumer = channel
        .basic_consume("hello".into(), "me".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await?;
    channel.queue_delete("hello".into(), QueueDeleteOptions::default()).await?;
    assert!(timeout(PATIENCE, consumer.next()).await?.is_none_or(|delivery| delivery.is_err()));
    Ok(())
}

#[tokio::test]
async fn a_cancelled_consumer_leaves_what_it_has_not_acknowledged() -> Outcome {
    let office = PostOffice::open().await?;
    let (_connection, channel) = connect(&office).await?;
    declare(&channel, "hello").await?;
    let mut consumer = channel
        .basic_consume("hello".into(), "me".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await?;
    send(&channel, "hello", BasicPublishOptions::default(), b"one").await?;
    let delivery = next(&mut consumer).await?;
    channel.basic_cancel("me".into(), BasicCancelOptions::default()).await?;
    assert_eq!(office.queue("hello")?.consumers, 0);
    delivery.nack(BasicNackOptions { requeue: true, ..Default::default() }).await?;
    let got = channel.basic_get("hello".into(), BasicGetOptions::default()).await?.ok_or("it is back")?;
    assert!(got.delivery.redelivered);
    Ok(())
}

#[tokio::test]
async fn logs_reach_everybody_who_listens() -> Outcome {
    let office = PostOffice::open().await?;
    let (_connection, channel) = connect(&office).await?;
    let options = ExchangeDeclareOptions::default();
    channel.exchange_declare("logs".into(), lapin::ExchangeKind::Fanout, options, FieldTable::default()).await?;
    let mut listeners = Vec::new();
    for _ in 0..3 {
        let exclusive = QueueDeclareOptions { exclusive: true, ..Default::default() };
        let queue = channel.queue_declare("".into(), exclusive, FieldTable::default()).await?.name().clone();
        let bind = QueueBindOptions::default();
        channel.queue_bind(queue.clone(), "logs".into(), "".into(), bind, FieldTable::default()).await?;
        let no_ack = BasicConsumeOptions { no_ack: true, ..Default::default() };
        listeners.push(channel.basic_consume(queue, "".into(), no_ack, FieldTable::default()).await?);
    }
    let options = BasicPublishOptions::default();
    channel.basic_publish("logs".into(), "".into(), options, b"news", BasicProperties::default()).await?.await?;
    for listener in &mut listeners {
        assert_eq!(next(listener).await?.data, b"news");
    }
    Ok(())
}

#[tokio::test]
async fn an_error_names_its_cause_and_the_connection_goes_on() -> Outcome {
    let office = PostOffice::open().await?;
    let (connection, channel) = connect(&office).await?;
    let passive = QueueDeclareOptions { passive: true, ..Default::default() };
    let error = channel.queue_declare("nowhere".into(), passive, FieldTable::default()).await.unwrap_err();
    assert!(error.to_string().contains("NOT_FOUND - no queue 'nowhere' in vhost '/'"), "{error}");
    let channel = connection.create_channel().await?;
    declare(&channel, "hello").await?;
    Ok(())
}

#[tokio::test]
async fn a_closing_office_tells_its_clients_why() -> Outcome {
    let office = PostOffice::open().await?;
    let (_connection, channel) = connect(&office).await?;
    declare(&channel, "hello").await?;
    let mut consumer = channel
        .basic_consume("hello".into(), "me".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await?;
    timeout(PATIENCE, office.close()).await?;
    let error = timeout(PATIENCE, consumer.next()).await?.ok_or("an error is due")?.unwrap_err();
    assert!(error.to_string().contains("CONNECTION_FORCED"), "{error}");
    Ok(())
}

/// One connection sends, another receives: everything arrives, in order.
async fn a_stream_of_messages(no_ack: bool, size: usize, count: u32) -> Outcome {
    let office = PostOffice::open().await?;
    let (_sending, sender) = connect(&office).await?;
    let (_receiving, receiver) = connect(&office).await?;
    declare(&receiver, "hello").await?;
    receiver.basic_qos(100, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions { no_ack, ..Default::default() };
    let mut consumer = receiver.basic_consume("hello".into(), "me".into(), options, FieldTable::default()).await?;
    let sending = tokio::spawn(async move {
        for number in 0..count {
            let (options, body) = (BasicPublishOptions::default(), number.to_be_bytes().repeat(size / 4));
            // without confirms there is nothing to wait for
            drop(sender.basic_publish("".into(), "hello".into(), options, &body, BasicProperties::default()).await?);
        }
        Ok::<_, lapin::Error>(sender)
    });
    for number in 0..count {
        let delivery = next(&mut consumer).await.map_err(|error| {
            format!("waiting for {number}: {error}; {:?} {:?}", office.queue("hello"), office.connections())
        })?;
        assert_eq!(delivery.data[..4], number.to_be_bytes());
        if !no_ack {
            delivery.ack(BasicAckOptions::default()).await?;
        }
    }
    sending.await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_messages_arrives_in_order() -> Outcome {
    a_stream_of_messages(true, 4096, 20_000).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_messages_arrives_in_order_when_each_is_acknowledged() -> Outcome {
    a_stream_of_messages(false, 4096, 20_000).await
}
