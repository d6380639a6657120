//! A listing with a mistake in it that a reader might make.

use crate::stage;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};
use workbook::listings::{Listing, edited_name, write_edited};

/// The program of a listing in which texts were replaced by others. Each has to be there once, or the mistake is not
/// the one that the page describes.
pub fn program(mistake: &str, listing: &'static str, edits: &[(&str, &str)]) -> PathBuf {
    static BUILDING: Mutex<()> = Mutex::new(()); // all versions of a listing are built in the same place
    let _building = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let source = with_mistakes(&Path::new(listing).join("src/main.rs"), edits);
    let target = stage::programs().parent().expect("target").to_owned();
    // Where the server builds it too: cargo takes packages of one name for the same, and looks at one file of the two.
    let workspace = write_edited(stage::root(), &target, listing, &source).unwrap();
    let name = edited_name(listing);
    let build = Command::new(env!("CARGO"))
        .args(Listing::build_arguments([&*name]))
        .current_dir(workspace)
        .env("CARGO_TARGET_DIR", &target)
        .output()
        .unwrap();
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    // By a process of its own: a program that this one still has open for writing can't be run.
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{mistake}"));
    let copy = Command::new("cp").arg("-f").arg(Listing::program(&target, &name)).arg(&kept).status();
    assert!(copy.unwrap().success(), "the next version would take its place");
    kept
}

/// A listing in Python in which a text was replaced by another.
pub fn script(listing: &str, edit: (&str, &str)) -> PathBuf {
    let script = Path::new(env!("CARGO_TARGET_TMPDIR")).join(listing);
    fs::write(&script, with_mistakes(&Path::new("python").join(listing), &[edit])).unwrap();
    script
}

fn with_mistakes(listing: &Path, edits: &[(&str, &str)]) -> String {
    let source = fs::read_to_string(stage::root().join("listings").join(listing)).unwrap();
    edits.iter().fold(source, |source, (right, wrong)| {
        assert_eq!(source.matches(right).count(), 1, "{right:?} in {}", listing.display());
        source.replace(right, wrong)
    })
}
