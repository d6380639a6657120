//! No broker at all: what one client publishes is copied to the other that consumes. Whatever time a message takes through
//! this, no broker can save, because it is the clients', the kernel's and one thread's that has to wake up.

use super::client::encode;
use amq_protocol::{
    frame::{AMQPFrame, parse_frame},
    protocol::{AMQPClass, basic, channel, connection, queue},
};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// The client that consumes, once there is one.
type Receiver = Arc<Mutex<Option<TcpStream>>>;

/// Opens a relay that lives as long as the program.
pub(crate) fn open() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        let receiver = Receiver::default();
        for stream in listener.incoming().flatten() {
            let receiver = receiver.clone();
            thread::spawn(move || {
                let _ = serve(stream, &receiver); // a client that hangs up has what it wanted
            });
        }
    });
    Ok(address)
}

fn serve(mut stream: TcpStream, receiver: &Receiver) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.read_exact(&mut [0; 8])?;
    let start = connection::Start {
        version_major: 0,
        version_minor: 9,
        server_properties: Default::default(),
        mechanisms: "PLAIN".into(),
        locales: "en_US".into(),
    };
    stream.write_all(&method(0, AMQPClass::Connection(connection::AMQPMethod::Start(start))))?;
    let mut unread = Vec::new();
    let mut chunk = [0; 64 * 1024];
    let mut deliveries = 0;
    loop {
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        unread.extend_from_slice(&chunk[..read]);
        let mut copied = Vec::new();
        let mut at = 0;
        while let Ok((rest, frame)) = parse_frame(&unread[at..]) {
            let length = unread.len() - at - rest.len();
            match frame {
                AMQPFrame::Method(number, AMQPClass::Basic(basic::AMQPMethod::Publish(publish))) => {
                    deliveries += 1;
                    let deliver = basic::Deliver {
                        consumer_tag: "bench".into(),
                        delivery_tag: deliveries,
                        redelivered: false,
                        exchange: publish.exchange,
                        routing_key: publish.routing_key,
                    };
                    copied.extend(method(number, AMQPClass::Basic(basic::AMQPMethod::Deliver(deliver))));
                }
                AMQPFrame::Header(..) | AMQPFrame::Body(..) => copied.extend(&unread[at..at + length]),
                AMQPFrame::Method(number, asked) => {
                    if let AMQPClass::Basic(basic::AMQPMethod::Consume(_)) = asked {
                        *receiver.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream.try_clone()?);
                    }
                    if let Some(answer) = answer(asked)? {
                        stream.write_all(&method(number, answer))?;
                    }
                }
                _ => {}
            }
            at += length;
        }
        unread.drain(..at);
        if let Some(receiver) = receiver.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            receiver.write_all(&copied)?;
        }
    }
}

fn method(channel: u16, method: AMQPClass) -> Vec<u8> {
    encode(&AMQPFrame::Method(channel, method))
}

/// What a client of the benchmark waits for.
fn answer(asked: AMQPClass) -> io::Result<Option<AMQPClass>> {
    use connection::AMQPMethod as Connection;
    Ok(Some(match asked {
        AMQPClass::Connection(Connection::StartOk(_)) => {
            let tune = connection::Tune { channel_max: 2047, frame_max: 131_072, heartbeat: 0 };
            AMQPClass::Connection(Connection::Tune(tune))
        }
        AMQPClass::Connection(Connection::TuneOk(_)) => return Ok(None),
        AMQPClass::Connection(Connection::Open(_)) => AMQPClass::Connection(Connection::OpenOk(connection::OpenOk {})),
        AMQPClass::Connection(Connection::Close(_)) => {
            AMQPClass::Connection(Connection::CloseOk(connection::CloseOk {}))
        }
        AMQPClass::Channel(channel::AMQPMethod::Open(_)) => {
            AMQPClass::Channel(channel::AMQPMethod::OpenOk(channel::OpenOk {}))
        }
        AMQPClass::Queue(queue::AMQPMethod::Declare(declare)) => {
            let ok = queue::DeclareOk { queue: declare.queue, message_count: 0, consumer_count: 0 };
            AMQPClass::Queue(queue::AMQPMethod::DeclareOk(ok))
        }
        AMQPClass::Queue(queue::AMQPMethod::Delete(_)) => {
            AMQPClass::Queue(queue::AMQPMethod::DeleteOk(queue::DeleteOk { message_count: 0 }))
        }
        AMQPClass::Basic(basic::AMQPMethod::Consume(consume)) => {
            AMQPClass::Basic(basic::AMQPMethod::ConsumeOk(basic::ConsumeOk { consumer_tag: consume.consumer_tag }))
        }
        other => return Err(io::Error::new(ErrorKind::Unsupported, format!("the relay has no answer to {other:?}"))),
    }))
}
