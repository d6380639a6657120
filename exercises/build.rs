//! Stops the build when the tests of an exercise are not those that it came with: without them, anything passes.

use std::{fs, io, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=exercises");
    println!("cargo::rerun-if-changed=solutions");
    for name in altered(Path::new(".")).expect("the folders exercises and solutions") {
        println!(
            "cargo::error=the tests in exercises/{name} were changed or deleted, so they prove nothing. Copy everything \
             from `#[cfg(test)]` on out of solutions/{name} · \
             exercises/{name} 里的测试被改过或删掉了，通过了也说明不了什么。请从 solutions/{name} 里把 `#[cfg(test)]` 以下的部分抄回来"
        );
    }
}

/// The exercises whose tests differ from those of their solutions. An emptied solution has none to compare with.
pub fn altered(folder: &Path) -> io::Result<Vec<String>> {
    let mut altered = Vec::new();
    for entry in fs::read_dir(folder.join("exercises"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let solution = fs::read_to_string(folder.join("solutions").join(&name)).unwrap_or_default();
        let exercise = fs::read_to_string(folder.join("exercises").join(&name))?;
        if tests(&solution).is_some_and(|wanted| tests(&exercise) != Some(wanted)) {
            altered.push(name);
        }
    }
    altered.sort();
    Ok(altered)
}

/// The tests at the end of a file, however they are laid out.
fn tests(file: &str) -> Option<String> {
    let at = file.rfind("#[cfg(test)]")?;
    Some(file[at..].split_whitespace().collect())
}
