//! One connection, frame by frame: it sends exactly what it is told and hands back exactly what comes.

use amq_protocol::{
    frame::{AMQPContentHeader, AMQPFrame, gen_frame, parse_frame},
    protocol::{AMQPClass, basic::AMQPProperties, connection},
    types::{AMQPValue, FieldTable, LongString},
};
use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// How long a broker may take for an answer before a test calls it missing.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What the other end does.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)] // there is one at a time
pub enum Incoming {
    Frame(AMQPFrame),
    /// A whole frame whose payload makes no sense to the codec, or shall not be parsed.
    Garbage(Vec<u8>),
    /// The other end has closed the socket.
    Closed,
}

/// What a client says about itself on the way in.
#[derive(Debug, Clone)]
pub struct Hello {
    pub mechanism: &'static str,
    pub response: LongString,
    pub vhost: &'static str,
    pub channel_max: u16,
    pub frame_max: u32,
    pub heartbeat: u16,
    pub capabilities: &'static [&'static str],
}

impl Default for Hello {
    fn default() -> Self {
        Self {
            mechanism: "PLAIN",
            response: "\0guest\0guest".into(),
            vhost: "/",
            channel_max: 2047,
            frame_max: 131_072,
            heartbeat: 0,
            capabilities: &[
                "consumer_cancel_notify",
                "authentication_failure_close",
                "basic.nack",
                "publisher_confirms",
            ],
        }
    }
}

impl Hello {
    pub fn start_ok(&self) -> AMQPClass {
        let mut capabilities = FieldTable::default();
        for &capability in self.capabilities {
            capabilities.insert(capability.into(), AMQPValue::Boolean(true));
        }
        let mut client_properties = FieldTable::default();
        client_properties.insert("product".into(), AMQPValue::LongString("a raw client".into()));
        client_properties.insert("capabilities".into(), AMQPValue::FieldTable(capabilities));
        AMQPClass::Connection(connection::AMQPMethod::StartOk(connection::StartOk {
            client_properties,
            mechanism: self.mechanism.into(),
            response: self.response.clone(),
            locale: "en_US".into(),
        }))
    }

    pub fn tune_ok(&self) -> AMQPClass {
        AMQPClass::Connection(connection::AMQPMethod::TuneOk(connection::TuneOk {
            channel_max: self.channel_max,
            frame_max: self.frame_max,
            heartbeat: self.heartbeat,
        }))
    }

    pub fn open(&self) -> AMQPClass {
        AMQPClass::Connection(connection::AMQPMethod::Open(connection::Open { virtual_host: self.vhost.into() }))
    }
}

#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    pub frame_max: usize,
    /// Content headers are handed back as bytes: the codec sorts the headers in them.
    pub raw_properties: bool,
}

impl Client {
    /// A TCP connection on which nothing has been said.
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("the broker listens");
        stream.set_nodelay(true).expect("a socket option");
        Self { stream, received: Vec::new(), frame_max: 131_072, raw_properties: false }
    }

    /// A connection that is open for work.
    pub fn open(addr: SocketAddr) -> Self {
        Self::open_as(addr, &Hello::default())
    }

    pub fn open_as(addr: SocketAddr, hello: &Hello) -> Self {
        let mut client = Self::connect(addr);
        client.send_bytes(b"AMQP\0\0\x09\x01");
        client.expect_method();
        client.send_method(0, hello.start_ok());
        client.expect_method();
        client.send_method(0, hello.tune_ok());
        client.send_method(0, hello.open());
        let opened = client.expect_method();
        assert!(
            matches!(opened, AMQPClass::Connection(connection::AMQPMethod::OpenOk(_))),
            "the connection opens, but here came {opened:?}"
        );
        client.frame_max = hello.frame_max as usize;
        client
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        // A peer that has hung up is what the next read will tell.
        let _ = self.stream.write_all(bytes);
    }

    pub fn send(&mut self, frame: &AMQPFrame) {
        self.send_bytes(&encode(frame));
    }

    pub fn send_method(&mut self, channel: u16, method: AMQPClass) {
        self.send(&AMQPFrame::Method(channel, method));
    }

    /// The header and the body of a message, the body in frames as large as they may be.
    pub fn send_content(&mut self, channel: u16, properties: &AMQPProperties, body: &[u8]) {
        let header = AMQPContentHeader { class_id: 60, body_size: body.len() as u64, properties: properties.clone() };
        let mut bytes = encode(&AMQPFrame::Header(channel, header));
        for piece in body.chunks(self.frame_max - 8) {
            bytes.extend(encode(&AMQPFrame::Body(channel, piece.to_vec())));
        }
        self.send_bytes(&bytes);
    }

    /// The same with these bytes for the properties, and the body in one frame.
    pub fn send_raw_content(&mut self, channel: u16, properties: &[u8], body: &[u8]) {
        let mut payload = vec![0, 60, 0, 0];
        payload.extend((body.len() as u64).to_be_bytes());
        payload.extend(properties);
        let mut bytes = vec![2];
        bytes.extend(channel.to_be_bytes());
        bytes.extend((payload.len() as u32).to_be_bytes());
        bytes.extend(payload);
        bytes.push(0xce);
        if !body.is_empty() {
            bytes.extend(encode(&AMQPFrame::Body(channel, body.to_vec())));
        }
        self.send_bytes(&bytes);
    }

    /// What comes next, or `None` when nothing has come by then.
    pub fn next_before(&mut self, deadline: Instant) -> Option<Incoming> {
        loop {
            if let Some(length) = self.frame_length()
                && self.received.len() >= length
            {
                let bytes: Vec<u8> = self.received.drain(..length).collect();
                return Some(match parse_frame(bytes.as_slice()) {
                    Ok((_, frame)) if !(self.raw_properties && bytes[0] == 2) => Incoming::Frame(frame),
                    _ => Incoming::Garbage(bytes),
                });
            }
            let left = deadline.saturating_duration_since(Instant::now());
            self.stream.set_read_timeout(Some(left.max(Duration::from_micros(1)))).expect("a socket option");
            let mut chunk = [0; 64 * 1024];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Some(Incoming::Closed),
                Ok(count) => self.received.extend_from_slice(&chunk[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if left.is_zero() {
                        return None;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A peer that closes with our bytes unread resets the connection: for us it is closed too.
                Err(_) => return Some(Incoming::Closed),
            }
        }
    }

    pub fn next(&mut self) -> Option<Incoming> {
        self.next_before(Instant::now() + PATIENCE)
    }

    /// The next frame, which has to be a method.
    pub fn expect_method(&mut self) -> AMQPClass {
        match self.next() {
            Some(Incoming::Frame(AMQPFrame::Method(_, method))) => method,
            other => panic!("a method was due, but here came {other:?}"),
        }
    }

    /// Reads until the socket is closed; says everything that came before.
    pub fn until_closed(&mut self) -> Vec<Incoming> {
        let mut seen = Vec::new();
        loop {
            match self.next() {
                Some(Incoming::Closed) => return seen,
                Some(incoming) => seen.push(incoming),
                None => panic!("the socket should close; before came {seen:?}"),
            }
        }
    }

    /// Ends the connection as a crash does: without a word.
    pub fn kill(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both); // it may be closed already
    }

    fn frame_length(&self) -> Option<usize> {
        match *self.received.as_slice() {
            [b'A', ..] => Some(8),
            [_, _, _, a, b, c, d, ..] => Some(u32::from_be_bytes([a, b, c, d]) as usize + 8),
            _ => None,
        }
    }
}

pub fn encode(frame: &AMQPFrame) -> Vec<u8> {
    gen_frame(frame)(Vec::new().into()).expect("memory takes any frame").write
}
