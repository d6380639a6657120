//! A small, true AMQP 0-9-1 broker: a post office to open in a test, on a laptop, in a lesson.
//!
//! It speaks the protocol as RabbitMQ 4.3 does: the same replies, the same errors in the same words, the same order.
//! It keeps everything in memory: **what is in it when it closes is gone**, unless it is given a folder
//! ([`Builder::data`]). It is meant for learning and for tests, not for mail that matters.
//!
//! ```
//! use lapin::{BasicProperties, Connection, ConnectionProperties, options::*, types::FieldTable};
//! use postoffice::PostOffice;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let office = PostOffice::open().await?;
//!
//! let connection = Connection::connect(&office.uri(), ConnectionProperties::default()).await?;
//! let channel = connection.create_channel().await?;
//! channel.queue_declare("hello".into(), QueueDeclareOptions::durable(), FieldTable::default()).await?;
//! channel.confirm_select(ConfirmSelectOptions::default()).await?;
//! channel
//!     .basic_publish("".into(), "hello".into(), BasicPublishOptions::default(), b"Hi!", BasicProperties::default())
//!     .await?
//!     .await?;
//!
//! assert_eq!(office.queue("hello")?.ready, 1);
//! assert_eq!(office.peek("hello")?[0].body, b"Hi!");
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

// The broker: no network, no disk, no clock.
mod annotations;
mod arguments;
mod broker;
mod channel;
mod deprecated;
mod destination;
mod effect;
mod equivalence;
mod erlang;
mod error;
mod exchange;
mod expiration;
mod headers;
mod journal;
mod ledger;
mod limits;
mod message;
mod properties;
mod queue;
mod randomness;
mod request;
mod rota;
pub mod simulation;
mod state;
mod store_op;
mod table;
mod topic;

// The server around it.
#[cfg(feature = "server")]
mod assembly;
#[cfg(feature = "server")]
mod builder;
#[cfg(feature = "server")]
mod connection;
#[cfg(feature = "server")]
mod encoder;
#[cfg(feature = "server")]
mod handshake;
#[cfg(feature = "server")]
mod listener;
#[cfg(feature = "server")]
mod office;
#[cfg(feature = "server")]
mod pace;
#[cfg(feature = "server")]
mod persistence;
#[cfg(feature = "server")]
mod rate;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod shared;
#[cfg(feature = "server")]
mod signals;
#[cfg(feature = "server")]
mod store;
#[cfg(feature = "server")]
mod timer;
#[cfg(feature = "server")]
mod trace;
#[cfg(feature = "server")]
mod wire;

#[cfg(feature = "server")]
pub use crate::{builder::Builder, error::Error, journal::Journal, office::PostOffice, signals::Signals};
pub use crate::{
    deprecated::DeprecatedFeature,
    journal::Event,
    limits::{HostLimits, ResourceLimits},
    state::{BindingState, ConnectionState, ExchangeState, PeekedMessage, QueueState},
};
pub use amq_protocol::{
    protocol::BasicProperties,
    types::{AMQPValue, FieldTable},
};
