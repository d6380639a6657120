//! Anything at all from a peer: the office may answer or hang up, but it must not panic, hang, or remember the peer.
//!
//! The first byte of the input chooses how far the peer behaves: not at all, until it was greeted, or until a channel is
//! open. The bytes after it are sent as they are, or, since random bytes seldom make a frame, packed into frames: a length
//! byte and so many bytes of payload, with the frame's type and channel before them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postoffice::PostOffice;
use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};
use tokio::runtime;

const HEADER: &[u8] = b"AMQP\0\0\x09\x01";
/// start-ok with PLAIN and guest, tune-ok, open, channel.open.
const WAY_IN: &[u8] = b"\
    \x01\0\0\0\0\0\x24\0\x0a\0\x0b\0\0\0\0\x05PLAIN\0\0\0\x0c\0guest\0guest\x05en_US\xce\
    \x01\0\0\0\0\0\x0c\0\x0a\0\x1f\x07\xff\0\x02\0\0\0\0\xce\
    \x01\0\0\0\0\0\x08\0\x0a\0\x28\x01/\0\0\xce\
    \x01\0\x01\0\0\0\x05\0\x14\0\x0a\0\xce";

/// What a client may send, by class and method, so that the inputs needn't guess it.
const METHODS: [[u8; 2]; 27] = [
    [20, 10],
    [20, 20],
    [20, 40],
    [20, 41],
    [40, 10],
    [40, 20],
    [40, 30],
    [40, 40],
    [50, 10],
    [50, 20],
    [50, 30],
    [50, 40],
    [50, 50],
    [60, 10],
    [60, 20],
    [60, 30],
    [60, 40],
    [60, 70],
    [60, 80],
    [60, 90],
    [60, 100],
    [60, 110],
    [60, 120],
    [85, 10],
    [90, 10],
    [90, 20],
    [90, 30],
];

/// One office for all inputs. It stays open until the process ends.
fn office() -> &'static PostOffice {
    static OFFICE: OnceLock<PostOffice> = OnceLock::new();
    OFFICE.get_or_init(|| {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let office = runtime.block_on(PostOffice::builder().memory_limit(1 << 26).open()).expect("an office");
        std::mem::forget(runtime); // its threads serve the office
        office
    })
}

fn frames(mut bytes: &[u8]) -> Vec<u8> {
    let mut frames = Vec::new();
    while let [choice, length, rest @ ..] = bytes {
        let (payload, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        // mostly methods, headers and bodies on the open channel
        let kind = [1, 1, 1, 2, 3, 3, 8, *choice][usize::from(choice & 7)];
        let channel = [1, 1, 0, 2][usize::from(choice >> 3 & 3)];
        let payload = match payload {
            [which, arguments @ ..] if kind == 1 && choice & 0x20 != 0 => {
                let [class, method] = METHODS[usize::from(*which) % METHODS.len()];
                [&[0, class, 0, method], arguments].concat()
            }
            [first, rest @ ..] if kind == 2 && choice & 0x20 != 0 => {
                [&[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, *first], rest].concat()
            }
            _ => payload.to_vec(),
        };
        frames.extend([kind, 0, channel]);
        frames.extend((payload.len() as u32).to_be_bytes());
        frames.extend(payload);
        frames.push(0xce);
        bytes = rest;
    }
    frames
}

/// Says it all and hangs up the sending side; reads what comes until the office hangs up too.
fn converse(addr: SocketAddr, bytes: &[u8]) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(bytes)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = [0; 4096];
    loop {
        match stream.read(&mut answer) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("the office does not hang up")
            }
            Err(_) => return Ok(()), // it hung up with some of our bytes unread
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, rest)) = input.split_first() else { return };
    let office = office();
    let sent = if choice & 4 == 0 { rest.to_vec() } else { frames(rest) };
    let before: &[&[u8]] = [&[][..], &[HEADER], &[HEADER, WAY_IN], &[HEADER, WAY_IN]][usize::from(choice & 3)];
    let _ = converse(office.address(), &[&before.concat(), &sent[..]].concat()); // a refused write is an answer too
    let deadline = Instant::now() + Duration::from_secs(20);
    while !office.connections().is_empty() {
        assert!(Instant::now() < deadline, "a connection is left: {:?}", office.connections());
        thread::yield_now();
    }
    office.reset();
});
