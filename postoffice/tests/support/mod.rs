//! What the tests share: a client at the level of frames, scripts, and the brokers on which they run.
#![allow(dead_code, unreachable_pub)] // each test program uses its own part

pub mod brokers;
pub mod client;
pub mod methods;
pub mod raw;
pub mod script;
pub mod show;
pub mod talk;
