//! Whatever clients do, the ledger says what is held, the memory stays within its bounds, and so does each turn.

use super::{
    bounds::{consume_replies, declare_storm, steps},
    *,
};
use crate::{
    broker::{
        backlog::STEPS_IN_A_TURN,
        memory::{DEFINITION, queue_bytes},
    },
    ledger::{Account, Place, table_bytes},
    message::Message,
    queue::Queue,
};
use std::collections::HashMap;

/// What a walk through everything finds, for each account of the ledger.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    messages: usize,
    transfers: usize,
    definitions: usize,
}

/// Everything that holds messages, walked; each message counts once.
#[derive(Default)]
struct Walk {
    messages: HashMap<*const Message, usize>,
    places: usize,
}

impl Walk {
    fn message(&mut self, message: &Message) {
        self.messages.insert(message, message.bytes());
    }

    fn place(&mut self, message: &Message) {
        self.places += Place::BYTES;
        self.message(message);
    }

    fn bytes(&self) -> usize {
        self.messages.values().sum::<usize>() + self.places
    }
}

/// The messages that are somewhere else than in an outbox.
fn walk_kept(broker: &Broker) -> Walk {
    let mut walk = Walk::default();
    broker.queues.values().flat_map(Queue::all_entries).for_each(|entry| walk.place(&entry.message));
    broker.dead_letters.iter().for_each(|message| walk.place(message));
    for channel in broker.connections.values().flat_map(|known| known.channels.values()) {
        channel.unacknowledged_entries().for_each(|entry| walk.place(&entry.message));
        let open = channel.transaction.iter();
        for transaction in open {
            transaction.publishes.iter().for_each(|held| walk.message(&held.message));
            let settled = transaction.settlements.iter().flat_map(|(_, taken)| taken);
            settled.for_each(|(_, given)| walk.place(&given.entry.message));
        }
    }
    walk
}

fn found(broker: &Broker) -> Found {
    let mut walk = walk_kept(broker);
    let mut transfers = 0;
    for known in broker.connections.values() {
        transfers += known.half_sent.bytes();
        for outgoing in known.outbox.items() {
            transfers += outgoing.effect.own_bytes();
            match &outgoing.effect {
                Effect::Deliver { message, .. } | Effect::GetOk { message, .. } | Effect::Return(message) => {
                    walk.message(message);
                }
                _ => {}
            }
        }
        let held = known.channels.values().flat_map(|channel| &channel.transaction).flat_map(|open| &open.publishes);
        transfers += held.map(|held| held.charge.bytes()).sum::<usize>();
    }
    let queues = broker.queues.values();
    let queues: usize = queues
        .map(|known| queue_bytes(&known.name, Queue::priorities(&known.settings), table_bytes(&known.arguments)))
        .sum();
    let declared = broker.exchanges.values().filter(|known| !known.name.is_empty() && !known.name.starts_with("amq."));
    let exchanges: usize =
        declared.map(|known| DEFINITION + 3 * known.name.len() + table_bytes(&known.arguments)).sum();
    let bindings = broker.exchanges.values().flat_map(|known| known.bindings());
    let bindings: usize = bindings.map(|binding| DEFINITION + binding.bytes()).sum();
    let consumers: usize = broker.consumers.values().map(|known| DEFINITION + 3 * known.tag.len()).sum();
    Found { messages: walk.bytes(), transfers, definitions: queues + exchanges + bindings + consumers }
}

fn counted(broker: &Broker) -> Found {
    let ledger = broker.ledger();
    let [messages, transfers, definitions] =
        [Account::Messages, Account::Transfers, Account::Definitions].map(|account| ledger.held_for(account));
    Found { messages, transfers, definitions }
}

/// Something that a client does, or that happens.
#[derive(Clone, Debug)]
enum Act {
    Publish { client: usize, target: usize, size: usize },
    Consume { client: usize, queue: usize, prefetch: u16, no_ack: bool },
    Get { client: usize, queue: usize },
    Settle { client: usize, tag: u64, how: u8 },
    Transact { client: usize, how: u8 },
    Declare { client: usize, number: usize, size: usize },
    Bind { client: usize, queue: usize, words: usize },
    HalfSend { client: usize, bytes: usize },
    Leave { client: usize },
    Read { client: usize },
    Remove { number: usize },
    Wait { milliseconds: u64 },
    GoOn,
}

/// Where messages go: queues, the storm, and the address of each client's replies.
const QUEUES: [&str; 6] = ["plain", "short", "brief", "votes", "refusing", "sink"];
const CLIENTS: usize = 3;
const LIMIT: usize = 100_000;
const LARGEST: usize = 9_000;

fn act() -> impl Strategy<Value = Act> {
    let client = 0..CLIENTS;
    let size = prop_oneof![3 => 0_usize..50, 1 => 0_usize..LARGEST];
    let queue = 0..QUEUES.len();
    let publish = (client.clone(), 0..QUEUES.len() + 1 + CLIENTS, size.clone());
    let consume = (client.clone(), queue.clone(), 0_u16..3, any::<bool>());
    prop_oneof![
        12 => publish.prop_map(|(client, target, size)| Act::Publish { client, target, size }),
        2 => consume.prop_map(|(client, queue, prefetch, no_ack)| Act::Consume { client, queue, prefetch, no_ack }),
        2 => (client.clone(), queue.clone()).prop_map(|(client, queue)| Act::Get { client, queue }),
        5 => (client.clone(), 0_u64..8, 0_u8..4).prop_map(|(client, tag, how)| Act::Settle { client, tag, how }),
        3 => (client.clone(), 0_u8..5).prop_map(|(client, how)| Act::Transact { client, how }),
        2 => (client.clone(), 0_usize..9, size).prop_map(|(client, number, size)| Act::Declare { client, number, size }),
        1 => (client.clone(), queue, 1_usize..9).prop_map(|(client, queue, words)| Act::Bind { client, queue, words }),
        2 => (client.clone(), 0_usize..20_000).prop_map(|(client, bytes)| Act::HalfSend { client, bytes }),
        1 => client.clone().prop_map(|client| Act::Leave { client }),
        3 => client.prop_map(|client| Act::Read { client }),
        1 => (0_usize..9).prop_map(|number| Act::Remove { number }),
        2 => (0_u64..40).prop_map(|milliseconds| Act::Wait { milliseconds }),
        3 => Just(Act::GoOn),
    ]
}

struct Scene {
    office: Office,
    owner: u64,
    clients: [u64; CLIENTS],
    replies: [String; CLIENTS],
}

impl Scene {
    fn open() -> Self {
        let text = |text: &str| AMQPValue::LongString(text.into());
        let mut office = Office::open();
        office.broker.limits.memory = LIMIT;
        let owner = office.client();
        let dead = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("plain"))];
        let limited = |name, value| [&dead[..], &[(name, AMQPValue::LongInt(value))]].concat();
        office.declare(owner, "plain", &[]);
        office.declare(owner, "short", &limited("x-max-length", 3));
        office.declare(owner, "brief", &limited("x-message-ttl", 50));
        let quorum = ("x-queue-type", text("quorum"));
        office.declare(owner, "votes", &[limited("x-delivery-limit", 1), vec![quorum.clone()]].concat());
        let reject = ("x-overflow", text("reject-publish"));
        office.declare(owner, "refusing", &[quorum, ("x-max-length", AMQPValue::LongInt(2)), reject]);
        declare_storm(&mut office, owner, 5);
        office.declare(owner, "sink", &[]);
        bind(&mut office, owner, "sink", "storm", "");
        let clients = [office.client(), office.client(), office.client()];
        let replies = clients.map(|client| consume_replies(&mut office, client));
        Self { office, owner, clients, replies }
    }

    /// Another client in this one's place.
    fn replace(&mut self, client: usize) {
        self.office.broker.disconnect(self.clients[client], self.office.now);
        self.office.end_turn();
        self.clients[client] = self.office.client();
        self.replies[client] = consume_replies(&mut self.office, self.clients[client]);
    }

    /// A method that may end the connection.
    fn attempt(&mut self, client: usize, ids: Ids, method: AMQPClass) {
        let id = self.clients[client];
        if self.office.broker.method(id, 1, ids, method, Table::default(), self.office.now).is_err() {
            self.replace(client);
        }
    }

    /// What the connection's task does before it goes on with a message: it waits, or has to end.
    fn may_publish(&mut self, client: usize) -> bool {
        let broker = &mut self.office.broker;
        let is_full = broker.is_alarmed() || broker.ledger().held() > LIMIT;
        !is_full || !broker.block(self.clients[client], self.office.now)
    }

    fn perform(&mut self, act: Act) {
        match act {
            Act::Publish { client, target, size } if self.may_publish(client) => {
                let (exchange, key) = match target.checked_sub(QUEUES.len()) {
                    None => ("", QUEUES[target].to_owned()),
                    Some(0) => ("storm", String::new()),
                    Some(other) => ("", self.replies[other - 1].clone()),
                };
                let publish = Publish { exchange: exchange.into(), ..Publish::default() };
                let content = Content::new(key.as_bytes(), &[0, 0], &vec![b'x'; size]);
                let id = self.clients[client];
                self.office.broker.publish(id, 1, &publish, content, self.office.now).unwrap();
            }
            Act::Publish { .. } => {}
            Act::Consume { client, queue, prefetch, no_ack } => {
                self.replace(client); // a second consumer with the same tag would end the connection
                let qos = basic::Qos { prefetch_count: prefetch, global: false };
                self.attempt(client, (60, 10), AMQPClass::Basic(basic::AMQPMethod::Qos(qos)));
                let queue = QUEUES[queue].into();
                let consume = basic::Consume { queue, no_ack, nowait: true, ..basic::Consume::default() };
                self.attempt(client, (60, 20), AMQPClass::Basic(basic::AMQPMethod::Consume(consume)));
            }
            Act::Get { client, queue } => {
                let get = basic::Get { queue: QUEUES[queue].into(), no_ack: false };
                self.attempt(client, (60, 70), AMQPClass::Basic(basic::AMQPMethod::Get(get)));
            }
            Act::Settle { client, tag, how } => {
                let (multiple, requeue) = (how == 0, how == 2);
                match how {
                    0 | 1 => {
                        let ack = basic::AMQPMethod::Ack(basic::Ack { delivery_tag: tag, multiple });
                        self.attempt(client, (60, 80), AMQPClass::Basic(ack));
                    }
                    _ => {
                        let nack = basic::AMQPMethod::Nack(basic::Nack { delivery_tag: tag, multiple: true, requeue });
                        self.attempt(client, (60, 120), AMQPClass::Basic(nack));
                    }
                }
            }
            Act::Transact { client, how } => {
                let at = At { connection: self.clients[client], channel: 1 };
                let is_open = self.office.broker.channel(at).is_some_and(|channel| channel.transaction.is_some());
                if (is_open || how == 0) && transact(&mut self.office, at.connection, how).is_err() {
                    self.replace(client);
                }
            }
            Act::Declare { client, number, size } => {
                let mut arguments = FieldTable::default();
                arguments.insert("x-of-my-own".into(), AMQPValue::LongString("x".repeat(size).into()));
                let queue = format!("extra-{number}").into();
                let declare = queue::Declare { queue, durable: true, nowait: true, arguments, ..Default::default() };
                self.attempt(client, (50, 10), AMQPClass::Queue(queue::AMQPMethod::Declare(declare)));
            }
            Act::Bind { client, queue, words } => {
                let bind = queue::Bind {
                    queue: QUEUES[queue].into(),
                    exchange: "amq.topic".into(),
                    routing_key: ["#.a"; 9][..words].join(".").into(),
                    nowait: true,
                    arguments: FieldTable::default(),
                };
                self.attempt(client, (50, 20), AMQPClass::Queue(queue::AMQPMethod::Bind(bind)));
            }
            Act::HalfSend { client, bytes } if self.may_publish(client) => {
                self.office.broker.half_sent(self.clients[client]).unwrap().resize(bytes);
            }
            Act::HalfSend { .. } => {}
            Act::Leave { client } => self.replace(client),
            Act::Read { client } => drop(self.office.hears(self.clients[client])),
            Act::Remove { number } => {
                let _ = self.office.broker.remove_queue(&format!("extra-{number}"), self.office.now); // if it is there
            }
            Act::Wait { milliseconds } => {
                self.office.now += milliseconds;
                self.office.broker.tick(self.office.now);
            }
            Act::GoOn => self.office.broker.resume_dead_letters(self.office.now),
        }
        for client in 0..CLIENTS {
            if self.office.broker.close_reason(self.clients[client]).is_some() {
                self.replace(client);
            }
        }
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        let broker = &self.office.broker;
        prop_assert_eq!(found(broker), counted(broker));
        // What outboxes hold for consumers has a bound of its own.
        let replies: usize = broker.connections.values().map(|known| known.outbox.replies()).sum();
        let (kept, held) = (walk_kept(broker).bytes(), counted(broker));
        let slack = LIMIT / 4 + CLIENTS * (LARGEST + 2_000) + 20_000;
        let bytes = kept + replies + held.transfers + held.definitions;
        prop_assert!(bytes <= LIMIT + slack, "{bytes} bytes: {held:?}");
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]
    #[test]
    fn whatever_clients_do_the_ledger_says_what_is_held_and_every_bound_holds(
        acts in proptest::collection::vec(act(), 1..250),
    ) {
        let mut scene = Scene::open();
        steps(&mut scene.office);
        for act in acts {
            scene.perform(act);
            let widest = STEPS_IN_A_TURN + 1 + LARGEST / 4096 + QUEUES.len();
            scene.office.end_turn();
            prop_assert!(steps(&mut scene.office) <= 3 * widest);
            scene.check()?;
        }
        let Scene { mut office, owner, clients, .. } = scene;
        clients.iter().chain([&owner]).for_each(|&client| office.broker.disconnect(client, office.now));
        office.broker.reset(office.now);
        while office.end_turn() {
            office.broker.resume_dead_letters(office.now);
        }
        prop_assert_eq!(office.broker.ledger().held(), 0);
    }
}
