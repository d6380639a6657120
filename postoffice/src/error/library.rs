//! Why the library could not do what it was asked.

use std::{fmt, io, net::SocketAddr, path::PathBuf};

/// Why the library could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another program listens on that address already.
    #[error(
        "port {} on {} is taken: a broker (that of `cargo workbook`, another post office, or RabbitMQ) listens there \
         already. Use that one; nothing more is to be done. Or choose another address with --listen", .0.port(), .0.ip()
    )]
    PortTaken(SocketAddr),
    /// The address can be reached from other machines, and nobody allowed that.
    #[error(
        "{0} can be reached from other machines; the post office has no TLS, and its user guest gets in from this machine \
         only. Choose a loopback address, such as 127.0.0.1:5672; a program allows others with Builder::allow_remote"
    )]
    NotLoopback(SocketAddr),
    /// The address can't be had for another reason.
    #[error("can't listen on {address}: {source}{}", advice(.source))]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The data folder can't be read or written.
    #[error("can't use the data folder {}: {source}; choose one that this user can write to", path.display())]
    DataFolder {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process, or another office of this one, has the data folder open.
    #[error("another post office uses the data folder {}: stop it, or choose another folder", .0.display())]
    DataInUse(PathBuf),
    /// The folder has something in it that isn't a post office's.
    #[error("{} holds something else than the data of a post office: choose an empty folder, or a new one", .0.display())]
    ForeignData(PathBuf),
    /// The data folder was written by a newer version of this program.
    #[error(
        "the data in {} was written by a newer post office (schema {found}; this one knows {known}): use that one, or \
         choose another folder", path.display()
    )]
    NewerData {
        /// The folder.
        path: PathBuf,
        /// The version of its schema.
        found: u32,
        /// The version that this program writes.
        known: u32,
    },
    /// What is in the data folder can't be read.
    #[error("the data in {} is damaged ({why}): put back a copy of the folder, or choose another", path.display())]
    DataDamaged {
        /// The folder.
        path: PathBuf,
        /// What could not be read.
        why: String,
    },
    /// The runtime ended before the data folder was read.
    #[error("the runtime ended before the post office was open")]
    Interrupted,
    /// No queue has that name.
    #[error("no queue '{name}'; {}", Existing(.existing))]
    NoSuchQueue {
        /// The name that was asked for.
        name: String,
        /// The queues that do exist, by name.
        existing: Vec<String>,
    },
}

/// What to do about an address that can't be had, where that can be said.
fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::AddrNotAvailable => "; choose an address that this machine has, such as 127.0.0.1",
        io::ErrorKind::PermissionDenied => "; choose another port, such as 5672",
        _ => "",
    }
}

/// Lists names for a person.
struct Existing<'a>(&'a [String]);

impl fmt::Display for Existing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("there are no queues"),
            names => write!(f, "there are: '{}'", names.join("', '")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cannot_be_had_comes_with_advice() {
        let listen = |kind: io::ErrorKind| {
            Error::Listen { address: ([192, 0, 2, 1], 80).into(), source: kind.into() }.to_string()
        };
        assert!(
            listen(io::ErrorKind::AddrNotAvailable).ends_with("an address that this machine has, such as 127.0.0.1")
        );
        assert!(listen(io::ErrorKind::PermissionDenied).ends_with("choose another port, such as 5672"));
        assert_eq!(listen(io::ErrorKind::OutOfMemory), "can't listen on 192.0.2.1:80: out of memory");
    }

    #[test]
    fn a_missing_queue_is_reported_with_those_that_exist() {
        let error = Error::NoSuchQueue { name: "helo".into(), existing: vec!["hello".into(), "logs".into()] };
        assert_eq!(error.to_string(), "no queue 'helo'; there are: 'hello', 'logs'");
    }
}
