//! The broker that the book's programs use: a post office of our own, or one that runs already.
//!
//! What the live strip shows of it is in [`watch`], what waits in its queues in [`queues`], how a reader stops and starts it in
//! [`office`], and the addresses that programs can use in [`address`].

pub mod address;
pub mod office;
pub mod queues;
pub mod watch;

pub use address::readable;
pub use queues::shown_queues;
pub use watch::Watch;

use anyhow::{Context, Result};
use office::{Action, Office};
use postoffice::Error;
use std::{env, path::Path};

/// The broker behind the book.
pub enum Broker {
    /// Opened by us, and closed with us.
    Office(Box<Office>),
    /// One that was there already: RabbitMQ, or a post office that somebody else opened.
    Other {
        /// Its AMQP address.
        addr: String,
    },
}

impl Broker {
    /// The broker that `AMQP_ADDR` names; else a post office on `port` of 127.0.0.1, which keeps its data in the folder `data`;
    /// else the broker that has that port.
    ///
    /// # Errors
    /// When `AMQP_ADDR` is no address that programs can use, and when the port can't be had for another reason than that
    /// it is taken.
    pub async fn find(port: u16, data: Option<&Path>) -> Result<Self> {
        if let Ok(addr) = env::var("AMQP_ADDR") {
            return Ok(Self::Other { addr: readable(&addr)? });
        }
        match Office::open(port, data).await {
            Ok(office) => Ok(Self::Office(Box::new(office))),
            Err(Error::PortTaken(address)) => Ok(Self::Other { addr: format!("amqp://{address}") }),
            Err(error) => Err(error).context("can't open the post office"),
        }
    }

    /// Where programs find it.
    pub fn addr(&self) -> String {
        match self {
            Self::Office(office) => office.uri().to_owned(),
            Self::Other { addr } => addr.clone(),
        }
    }

    /// Closes it if it is ours: its clients are told.
    pub async fn close(&self) {
        if let Self::Office(office) = self {
            let _ = office.act(Action::Stop).await; // only a start can fail
        }
    }

    /// What a person should know about it.
    pub fn introduce(&self) -> String {
        match self {
            Self::Office(office) => format!("The post office is open at {}", office.uri()),
            Self::Other { addr } => {
                let place = addr.rsplit('@').next().unwrap_or(addr); // without the password
                format!("The programs use the broker at {place}")
            }
        }
    }
}
