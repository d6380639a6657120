//! Scripts of operations run on a private RabbitMQ and on a post office; what a client observes must be the same.

#[path = "../support/mod.rs"]
mod support;

mod alarms;
mod arguments;
mod confirms;
mod consumer_timeouts;
mod consuming;
mod dead_letters;
mod exchanges;
mod frames;
mod handshake;
mod leases;
mod queues;
mod random;
