//! A conversation with a broker before there is anything to settle: what is said, what is heard.

use super::{
    client::{Client, Incoming, PATIENCE, encode},
    methods::Method,
    script::Step,
    show,
};
use amq_protocol::frame::AMQPFrame;
use std::{net::SocketAddr, panic, thread, time::Instant};

pub struct Talk {
    addr: SocketAddr,
    client: Client,
    steps: Vec<Step>,
}

impl Talk {
    pub fn new(addr: SocketAddr) -> Self {
        Self { addr, client: Client::connect(addr), steps: Vec::new() }
    }

    /// Starts over on another connection.
    pub fn again(&mut self) {
        self.client = Client::connect(self.addr);
        self.steps.push(Step { operation: "on a new connection".into(), observed: Vec::new() });
    }

    /// Has several such conversations at once: a broker lets those wait that it doesn't trust.
    pub fn each<T: Sync>(&mut self, cases: &[T], talk: impl Fn(&mut Self, &T) + Sync) {
        let addr = self.addr;
        let talks = thread::scope(|scope| {
            let one = |case| {
                let mut own = Self::new(addr);
                own.steps.push(Step { operation: "on a new connection".into(), observed: Vec::new() });
                talk(&mut own, case);
                own.steps
            };
            let threads: Vec<_> = cases.iter().map(|case| scope.spawn(move || one(case))).collect();
            threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
        });
        for steps in talks {
            self.steps.extend(steps.unwrap_or_else(|panic| panic::resume_unwind(panic)));
        }
    }

    /// The usual protocol header and its answer, unobserved.
    pub fn greet(&mut self) {
        self.client.send_bytes(b"AMQP\0\0\x09\x01");
        self.client.expect_method();
    }

    pub fn say(&mut self, channel: u16, method: impl Method) {
        let method = method.class();
        let operation = format!("{channel}: {}", show::method(&method));
        self.say_raw(&operation, &encode(&AMQPFrame::Method(channel, method)));
    }

    pub fn say_raw(&mut self, what: &str, bytes: &[u8]) {
        self.client.send_bytes(bytes);
        self.steps.push(Step { operation: what.into(), observed: Vec::new() });
    }

    /// Hears so many things that the broker says.
    pub fn hear(&mut self, count: usize) {
        for _ in 0..count {
            if !self.hear_before(Instant::now() + PATIENCE) {
                break;
            }
        }
    }

    /// Hears everything until the broker closes the socket.
    pub fn hear_the_end(&mut self) {
        let end = Instant::now() + PATIENCE;
        while self.hear_before(end) {}
    }

    /// Hears the end and the heartbeats before it: how many depends on the moment, that there are four doesn't.
    pub fn hear_four_heartbeats_until_the_end(&mut self) {
        self.hear_the_end();
        if let Some(step) = self.steps.last_mut() {
            let all = step.observed.len();
            step.observed.retain(|line| !line.starts_with("Heartbeat"));
            let heartbeats = all - step.observed.len();
            step.observed.push(format!("{} heartbeats", heartbeats.min(4)));
        }
    }

    /// `false`: there is no more to hear.
    fn hear_before(&mut self, deadline: Instant) -> bool {
        let incoming = self.client.next_before(deadline);
        let line = match &incoming {
            None => "silence".into(),
            Some(Incoming::Closed) => "the socket is closed".into(),
            Some(Incoming::Frame(AMQPFrame::Method(channel, method))) => format!("{channel}: {}", show::method(method)),
            Some(Incoming::Frame(frame)) => format!("{frame:?}"),
            Some(Incoming::Garbage(bytes)) => format!("nonsense: {bytes:?}"),
        };
        if let Some(step) = self.steps.last_mut() {
            step.observed.push(line);
        }
        !matches!(incoming, None | Some(Incoming::Closed))
    }

    pub fn end(self) -> Vec<Step> {
        self.steps
    }
}
