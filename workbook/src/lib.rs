//! What `cargo workbook` is made of: the editions of the book, its twin pages, its includes, drawings and pictures, and the server.
#![warn(missing_docs)]

pub mod address;
pub mod auth;
pub mod beside;
pub mod blocks;
pub mod broker;
pub mod class;
pub mod comments;
pub mod compiler;
pub mod drawings;
pub mod edition;
pub mod exercises;
pub mod finish;
pub mod glossary;
pub mod includes;
pub mod listings;
pub mod news;
pub mod panes;
pub mod pictures;
pub mod publish;
pub mod runs;
pub mod server;
pub mod site;
pub mod supervisor;
pub mod twins;

use std::path::{Path, PathBuf};

/// The folder of the whole project: the one with `book.toml`.
pub fn root() -> PathBuf {
    // At run time cargo says where the package is; the place of the build is right as long as nobody moved the project.
    let package = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").into());
    let here = Path::new(&package);
    here.parent().unwrap_or(here).to_owned()
}
