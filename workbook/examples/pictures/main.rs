//! `cargo workbook pictures`: takes the book's pictures again, of a real RabbitMQ and of the book's own pages.
//!
//! An example, so that nobody who reads the book has to compile a browser's protocol.

mod camera;
mod cards;
mod console;

use anyhow::Result;

fn main() -> Result<()> {
    let root = workbook::root();
    for picture in console::take(&root, &root)?.iter().chain(&cards::take(&root, &root)?) {
        println!("{picture}");
    }
    Ok(())
}
