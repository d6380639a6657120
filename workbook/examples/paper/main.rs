//! `cargo workbook pdf` and `cargo workbook epub`: the book as files to print and to carry.
//!
//! An example, so that nobody who reads the book has to compile a browser's protocol.

mod paper;

use anyhow::{Result, bail};
use std::{env, path::Path};

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [kind, dest] = arguments.as_slice() else { bail!("say what to make, `pdf` or `epub`, and the folder for it") };
    let root = workbook::root();
    let written = match kind.as_str() {
        "pdf" => paper::pdf(&root, Path::new(dest))?,
        "epub" => paper::epub(&root, Path::new(dest))?,
        other => bail!("`{other}` can't be made: say `pdf` or `epub`"),
    };
    for file in written {
        println!("{}", file.display());
    }
    Ok(())
}
