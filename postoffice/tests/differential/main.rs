//! Scripts of operations run on a private RabbitMQ and on a post office; what a client observes must be the same.

#[path = "../support/mod.rs"]
mod support;

mod alarms;
mod arguments;
mod confirms;
mod consuming;
mod dead_letters;
mod deaths;
mod exchanges;
mod frames;
mod handshake;
mod headers;
mod leases;
mod properties;
mod queues;
mod quorum;
mod random;
mod replies;
mod single_active;
mod transactions;
