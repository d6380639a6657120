//! `cargo workbook pictures`: takes the book's pictures again, of a real RabbitMQ and of the book's own pages.
//!
//! An example, so that nobody who reads the book has to compile a browser's protocol.

mod camera;
mod cards;
mod console;

use anyhow::Result;

fn main() -> Result<()> {
    let root = workbook::root();
    let mut taken = console::take(&root, &root)?;
    taken.extend(cards::take(&root, &root)?); // afterwards: a page of the book may show the console
    for picture in taken {
        println!("{picture}");
    }
    Ok(())
}
