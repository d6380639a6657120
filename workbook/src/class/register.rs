//! The class's register: who is there, and who has done which step. It knows what the post office's journal tells and
//! how its queues stand; no sockets, no clock.

use postoffice::Event;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// What the name of a student's queue begins with; the student's name follows.
pub const PREFIX: &str = "class.";
/// The longest name that the register takes, in bytes.
pub const NAME: usize = 64;
/// How many names the register holds.
pub const STUDENTS: usize = 200;
/// How many characters of a name are shown.
const SHOWN: usize = 32;
/// How many of the latest letters are shown.
const LATEST: usize = 8;
/// How many queues are shown that are no student's.
const OTHER_QUEUES: usize = 4;
/// How many names of clients are shown that are no students.
const VISITORS: usize = 12;
/// Names that the book's programs give their connections. Many clients can have them, so they are nobody's.
const PROGRAMS: [&str; 3] = ["send", "receive", "workbook"];

/// A step of the exercise, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// A connection has the student's name.
    Connected,
    /// The student's queue is there, and durable.
    Queue,
    /// A letter came into that queue.
    Letter,
    /// The student's connection put a letter into another student's queue.
    Wrote,
    /// The student's connection was given a letter out of the student's queue.
    Received,
    /// A letter out of that queue was acknowledged by hand.
    Signed,
}

/// How many steps there are.
const STEPS: usize = 6;

/// A queue as it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Queue {
    /// Its name; as it is shown, in a [`View`].
    pub(super) name: String,
    /// Letters that wait.
    pub(super) ready: usize,
    /// Letters in consumers' hands.
    pub(super) unacknowledged: usize,
    /// Its consumers.
    pub(super) consumers: usize,
    /// Whether it is durable.
    pub(super) durable: bool,
}

#[derive(Debug, Default)]
struct Student {
    done: [bool; STEPS],
    connections: usize,
}

/// Who is there, and what they have done.
#[derive(Debug, Default)]
pub(super) struct Register {
    /// The names of the open connections.
    names: HashMap<u64, String>,
    students: BTreeMap<String, Student>,
    letters: u64,
    latest: VecDeque<Passed>,
    was_full: bool,
}

/// A letter that has passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Passed {
    from: String,
    to: Vec<String>,
    /// The routing key; for a letter that no queue wanted.
    key: String,
}

/// What the big screen shows. All names in it are fit to be shown, except [`Row::name`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct View {
    /// How many letters have come in.
    pub(super) letters: u64,
    /// How many clients are connected.
    pub(super) clients: usize,
    /// The students, by name.
    pub(super) students: Vec<Row>,
    /// Queues that are no student's.
    pub(super) queues: Vec<Queue>,
    /// How many more of them there are.
    pub(super) more_queues: usize,
    /// Names of clients that are no students, and how many have each.
    pub(super) visitors: Vec<(String, usize)>,
    /// The latest letters, the newest first.
    pub(super) latest: Vec<Passed>,
}

/// A student's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    /// The name as the student has written it, to ask for something with.
    pub(super) name: String,
    /// The name, fit to be shown.
    pub(super) shown: String,
    /// How many connections of this name are open.
    pub(super) connections: usize,
    /// Which steps are done.
    pub(super) done: [bool; STEPS],
    /// The queue, if there is one.
    pub(super) queue: Option<Queue>,
}

impl Register {
    /// Notes what has happened.
    pub(super) fn take(&mut self, event: Event) {
        match event {
            Event::Connected { connection, name, peer } => {
                let name = name.filter(|name| !name.is_empty()).unwrap_or(peer);
                if let Some(student) = self.student(&name) {
                    student.connections += 1;
                    student.done[Step::Connected as usize] = true;
                }
                self.names.insert(connection, name);
            }
            Event::Disconnected { connection } => {
                if let Some(student) = self.names.remove(&connection).and_then(|name| self.students.get_mut(&name)) {
                    student.connections = student.connections.saturating_sub(1);
                }
            }
            Event::Published { connection: Some(sender), routing_key, queues, .. } => {
                let from = self.names.get(&sender).cloned().unwrap_or_default();
                for owner in queues.iter().filter_map(|queue| owner(queue)) {
                    self.tick(owner, Step::Letter);
                    if owner != from {
                        self.tick(&from, Step::Wrote);
                    }
                }
                self.letters += 1;
                let to = queues.iter().map(|queue| shown(owner(queue).unwrap_or(queue))).collect();
                self.latest.push_front(Passed { from: shown(&from), to, key: shown(&routing_key) });
                self.latest.truncate(LATEST);
            }
            Event::Delivered { queue, connection, .. } => {
                let receiver = self.names.get(&connection).map(String::as_str);
                if let Some(owner) = owner(&queue)
                    && receiver == Some(owner)
                {
                    self.tick(owner, Step::Received);
                }
            }
            Event::Acknowledged { queue, .. } => {
                if let Some(owner) = owner(&queue) {
                    self.tick(owner, Step::Signed);
                }
            }
            _ => {}
        }
    }

    /// The row of this name, which is made if it can be. Only for a name that somebody has given to a connection or to a
    /// queue.
    fn student(&mut self, name: &str) -> Option<&mut Student> {
        if name.is_empty()
            || name.len() > NAME
            || PROGRAMS.contains(&name)
            || name.parse::<std::net::SocketAddr>().is_ok()
        {
            return None;
        }
        if !self.students.contains_key(name) {
            if self.students.len() >= STUDENTS {
                self.was_full = true;
                return None;
            }
            self.students.insert(name.to_owned(), Student::default());
        }
        self.students.get_mut(name)
    }

    fn tick(&mut self, name: &str, step: Step) {
        if let Some(student) = self.student(name) {
            student.done[step as usize] = true;
        }
    }

    /// Whether a name has found no room since the last time this was asked.
    pub(super) fn was_full(&mut self) -> bool {
        std::mem::take(&mut self.was_full)
    }

    /// What there is to show, with the queues as they stand.
    pub(super) fn view(&mut self, queues: Vec<Queue>) -> View {
        let (own, others): (Vec<_>, Vec<_>) = queues.into_iter().partition(|queue| owner(&queue.name).is_some());
        let mut of_students = HashMap::new();
        for queue in own {
            let Some(name) = owner(&queue.name).map(str::to_owned) else { continue };
            if let Some(student) = self.student(&name) {
                student.done[Step::Queue as usize] |= queue.durable;
                of_students.insert(name, Queue { name: shown(&queue.name), ..queue });
            }
        }
        let rows = self.students.iter().map(|(name, student)| Row {
            name: name.clone(),
            shown: shown(name),
            connections: student.connections,
            done: student.done,
            queue: of_students.remove(name),
        });
        let students = rows.collect();
        let mut visitors: BTreeMap<String, usize> = BTreeMap::new();
        for name in self.names.values().filter(|name| !self.students.contains_key(*name)) {
            // An address has a port that says nothing: all clients without a name on one machine are shown as one.
            let name = name.parse().map_or_else(|_| shown(name), |_: std::net::SocketAddr| String::new());
            *visitors.entry(name).or_default() += 1;
        }
        let more_queues = others.len().saturating_sub(OTHER_QUEUES);
        let queues = others.into_iter().take(OTHER_QUEUES);
        View {
            letters: self.letters,
            clients: self.names.len(),
            students,
            queues: queues.map(|queue| Queue { name: shown(&queue.name), ..queue }).collect(),
            more_queues,
            visitors: visitors.into_iter().take(VISITORS).collect(),
            latest: self.latest.iter().cloned().collect(),
        }
    }

    /// The name of a connection, or its address if it has none.
    pub(super) fn name(&self, connection: u64) -> Option<&str> {
        self.names.get(&connection).map(String::as_str)
    }

    /// The connections that have this name.
    pub(super) fn connections_of(&self, name: &str) -> Vec<u64> {
        self.names.iter().filter(|(_, known)| *known == name).map(|(id, _)| *id).collect()
    }

    /// Forgets a student, and says whether there was one. Who connects again is there again.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        self.students.remove(name).is_some()
    }

    /// Forgets what was done. Who is connected stays.
    pub(super) fn reset(&mut self) {
        let names = std::mem::take(&mut self.names);
        *self = Self::default();
        for (connection, name) in names {
            self.take(Event::Connected { connection, name: Some(name), peer: String::new() });
        }
    }
}

/// The student whose queue this is.
fn owner(queue: &str) -> Option<&str> {
    queue.strip_prefix(PREFIX).filter(|name| !name.is_empty())
}

/// A name fit for a screen: not too long, and nothing in it that draws elsewhere than where it stands.
pub(super) fn shown(name: &str) -> String {
    shown_in(SHOWN, name)
}

/// The same for a text of at most so many characters.
pub(super) fn shown_in(length: usize, text: &str) -> String {
    let draws_elsewhere = |c: char| {
        c.is_control()
            // directions, joiners, invisible marks, and marks that pile up over the line before
            || matches!(c, '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let mut shown: String =
        text.chars().map(|c| if draws_elsewhere(c) { '\u{fffd}' } else { c }).take(length).collect();
    if text.chars().count() > length {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Class {
        register: Register,
        queues: Vec<Queue>,
    }

    impl Class {
        fn new() -> Self {
            Self { register: Register::default(), queues: Vec::new() }
        }

        fn connect(&mut self, connection: u64, name: &str) {
            let name = Some(name.to_owned());
            self.register.take(Event::Connected { connection, name, peer: "127.0.0.1:1".into() });
        }

        fn declare(&mut self, name: &str) {
            self.queues.push(Queue { name: name.into(), durable: true, ..Queue::default() });
        }

        fn publish(&mut self, connection: u64, queue: &str) {
            let queues = self.queues.iter().filter(|known| known.name == queue).map(|known| known.name.as_str().into());
            let queues = queues.collect();
            self.register.take(Event::Published {
                connection: Some(connection),
                exchange: "".into(),
                routing_key: queue.into(),
                queues,
                size: 3,
                message: 1,
            });
        }

        fn deliver(&mut self, connection: u64, queue: &str) {
            self.register.take(Event::Delivered {
                queue: queue.into(),
                connection,
                consumer_tag: None,
                delivery_tag: 1,
                redelivered: false,
                message: 1,
            });
        }

        fn acknowledge(&mut self, queue: &str) {
            self.register.take(Event::Acknowledged { queue: queue.into(), delivery_tag: 1, message: 1 });
        }

        /// Which steps a student has done, as a teacher reads them.
        #[track_caller]
        fn done(&mut self, name: &str) -> String {
            let view = self.register.view(self.queues.clone());
            let row = view.students.iter().find(|row| row.name == name).expect("is in the register");
            row.done.iter().zip(1..).filter(|(done, _)| **done).map(|(_, number)| number.to_string()).collect()
        }
    }

    #[test]
    fn a_student_does_the_steps_one_after_the_other() {
        let mut class = Class::new();
        class.connect(1, "anna");
        assert_eq!(class.done("anna"), "1");
        class.declare("class.anna");
        assert_eq!(class.done("anna"), "12");
        class.publish(1, "class.anna");
        assert_eq!(class.done("anna"), "123", "a letter to oneself is none to a classmate");
        class.declare("class.ben");
        class.publish(1, "class.ben");
        assert_eq!(class.done("anna"), "1234");
        assert_eq!(class.done("ben"), "23", "ben's queue is there, ben is not");
        class.deliver(1, "class.anna");
        assert_eq!(class.done("anna"), "12345");
        class.acknowledge("class.anna");
        assert_eq!(class.done("anna"), "123456");
    }

    #[test]
    fn a_queue_that_is_not_durable_is_no_step() {
        let mut class = Class::new();
        class.connect(1, "anna");
        class.queues.push(Queue { name: "class.anna".into(), ..Queue::default() });
        assert_eq!(class.done("anna"), "1");
    }

    #[test]
    fn who_takes_somebody_elses_message_has_not_received_one() {
        let mut class = Class::new();
        class.connect(1, "anna");
        class.declare("class.ben");
        class.deliver(1, "class.ben");
        assert_eq!(class.done("anna"), "1");
        assert_eq!(class.done("ben"), "2");
    }

    #[test]
    fn a_message_that_no_queue_took_is_shown_as_such_and_is_no_step() {
        let mut class = Class::new();
        class.connect(1, "anna");
        class.publish(1, "class.bne");
        assert_eq!(class.done("anna"), "1");
        let latest = &class.register.view(Vec::new()).latest[0];
        assert!(latest.to.is_empty() && latest.key == "class.bne" && latest.from == "anna", "{latest:?}");
    }

    #[test]
    fn what_was_done_stays_when_the_student_leaves() {
        let mut class = Class::new();
        class.connect(1, "anna");
        class.register.take(Event::Disconnected { connection: 1 });
        let view = class.register.view(Vec::new());
        assert_eq!((view.clients, view.students[0].connections), (0, 0));
        assert_eq!(class.done("anna"), "1");
    }

    #[test]
    fn the_books_programs_and_clients_without_a_name_are_visitors() {
        let mut class = Class::new();
        for (connection, name) in [(1, "send"), (2, "send"), (3, ""), (4, "receive")] {
            class.connect(connection, name);
        }
        let view = class.register.view(Vec::new());
        assert!(view.students.is_empty(), "{view:?}");
        assert_eq!(view.visitors, [(String::new(), 1), ("receive".into(), 1), ("send".into(), 2)]);
    }

    #[test]
    fn a_reset_forgets_what_was_done_and_keeps_who_is_there() {
        let mut class = Class::new();
        class.connect(1, "anna");
        class.connect(2, "ben");
        class.declare("class.anna");
        class.publish(1, "class.anna");
        class.register.take(Event::Disconnected { connection: 2 });
        class.register.reset();
        class.queues.clear();
        assert_eq!(class.done("anna"), "1");
        let view = class.register.view(Vec::new());
        assert_eq!((view.letters, view.students.len(), view.latest.len()), (0, 1, 0));
        assert_eq!(view.students[0].connections, 1);
    }

    #[test]
    fn hostile_names_are_tamed_before_they_are_shown() {
        assert_eq!(shown("<b>anna</b>"), "<b>anna</b>", "escaping is the page's part");
        assert_eq!(shown("a\u{1b}[2J\n\u{202e}b\u{300}"), "a\u{fffd}[2J\u{fffd}\u{fffd}b\u{fffd}");
        assert_eq!(shown("兔子"), "兔子");
        let long = shown(&"x".repeat(10_000));
        assert_eq!(long.chars().count(), SHOWN + 1);
    }

    #[test]
    fn the_register_holds_so_many_names_and_no_long_ones() {
        let mut class = Class::new();
        class.connect(0, &"x".repeat(NAME + 1));
        assert!(class.register.view(Vec::new()).students.is_empty());
        for connection in 0..1000 {
            class.connect(connection, &format!("student {connection}"));
            class.register.take(Event::Disconnected { connection });
        }
        let view = class.register.view(Vec::new());
        assert_eq!(view.students.len(), STUDENTS);
        assert!(class.register.was_full() && !class.register.was_full());
    }
}
