//! Nothing but tests: see `build.rs`.
