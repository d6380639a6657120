//! Every Rust block of the book compiles. The tests are named after edition, page and line.

include!(concat!(env!("OUT_DIR"), "/skeptic-tests.rs"));
