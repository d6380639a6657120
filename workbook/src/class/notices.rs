//! What the teacher should know about: what the limits have done, and who could not log in.

use super::register::{shown, shown_in};
use postoffice::Event;
use serde::Serialize;
use std::{collections::VecDeque, net::SocketAddr};

/// How many notices are kept.
const KEPT: usize = 4;
/// How many characters of the post office's own words are shown.
const REASON: usize = 160;

/// Something that the teacher should know about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "about")]
pub(super) enum Notice {
    /// A client of this machine gave a wrong user or password.
    LoginFailed(String),
    /// A client wanted more than it may have.
    LimitReached {
        /// The connection's name, or the machine.
        client: String,
        /// Why, in the words that the client gets.
        reason: String,
    },
    /// A queue had more letters than it may have, and lost its oldest.
    Overflowed(String),
    /// There are as many names as the register holds.
    RegisterFull,
}

impl Notice {
    /// The notice that an event is worth, if it is worth one. `name` is that of a connection.
    pub(super) fn of<'a>(event: &Event, name: impl Fn(u64) -> Option<&'a str>) -> Option<Self> {
        match event {
            Event::AuthenticationFailed { peer, .. } => Some(Self::LoginFailed(machine(peer))),
            Event::LimitReached { connection, peer, reason } => {
                let client = connection.and_then(name).map_or_else(|| machine(peer), shown);
                Some(Self::LimitReached { client, reason: shown_in(REASON, reason) })
            }
            _ => None,
        }
    }

    /// Whether this one says nothing that another hasn't said. A client that is refused again and again is one.
    fn repeats(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::LimitReached { client, .. }, Self::LimitReached { client: before, .. }) => client == before,
            _ => self == other,
        }
    }
}

/// The machine at this address.
fn machine(peer: &str) -> String {
    peer.parse().map_or_else(|_| shown(peer), |peer: SocketAddr| peer.ip().to_canonical().to_string())
}

/// The latest notices, the newest first.
#[derive(Debug, Default)]
pub(super) struct Notices(VecDeque<Notice>);

impl Notices {
    /// Puts a notice first, in place of one that it repeats.
    pub(super) fn tell(&mut self, notice: Notice) {
        self.0.retain(|known| !notice.repeats(known));
        self.0.push_front(notice);
        self.0.truncate(KEPT);
    }

    pub(super) fn latest(&self) -> Vec<Notice> {
        self.0.iter().cloned().collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_refused_again_and_again_pushes_nobody_out() {
        let mut notices = Notices::default();
        notices.tell(Notice::Overflowed("hello".into()));
        for number in 0..100 {
            let reason = format!("cannot declare queue 'mine {number}'");
            let event = Event::LimitReached { connection: Some(1), peer: "192.168.1.7:1".into(), reason };
            notices.tell(Notice::of(&event, |_| Some("anna")).unwrap());
        }
        let event = Event::AuthenticationFailed { peer: "192.168.1.8:1".into(), user: "guest".into() };
        notices.tell(Notice::of(&event, |_| None).unwrap());
        let latest = notices.latest();
        assert_eq!(latest.len(), 3, "{latest:?}");
        assert_eq!(latest[0], Notice::LoginFailed("192.168.1.8".into()));
        assert!(
            matches!(&latest[1], Notice::LimitReached { client, reason } if client == "anna" && reason.contains("99"))
        );
    }
}
