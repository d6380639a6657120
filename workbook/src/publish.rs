//! From pages to a folder of HTML: the three editions, and the pages that send a visitor to one of them.

use crate::{address::Address, edition::Edition, finish::finish, includes::Includes, news::News, twins};
use anyhow::{Context, Result, bail};
use notify_debouncer_full::{DebounceEventResult, new_debouncer, notify::RecursiveMode};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

/// The book's first page, and the one for what isn't there; a mark in each says that it is ours.
const FRONT: [(&str, &str); 2] =
    [("index.html", include_str!("page/index.html")), ("404.html", include_str!("page/404.html"))];
const MARK: &str = "rabbitmq-workbook";
/// Between an editor's first write and the build; editors save in several steps.
const SETTLE: Duration = Duration::from_millis(150);

/// Builds all editions of the book in `root` into `dest`, which is replaced only when everything is built.
///
/// # Errors
/// When pages or includes are wrong (all of it is said at once, each with file and line), or when `dest` holds something
/// that is not a book of ours.
pub fn build(root: &Path, dest: &Path) -> Result<()> {
    build_for(root, dest, None, None)
}

/// [`build`], for an address on the web if the book will have one, and with links to its repository if it is known.
///
/// # Errors
/// As of [`build`].
pub fn build_for(root: &Path, dest: &Path, address: Option<&Address>, repository: Option<&Address>) -> Result<()> {
    let mut problems = twins::problems(root)?;
    problems.extend(Includes::read(root)?.broken);
    if !problems.is_empty() {
        bail!("the book has mistakes:\n{}", problems.join("\n"));
    }
    check_replaceable(dest)?;

    let parent = dest.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("can't make the folder {}", parent.display()))?;
    let fresh = tempfile::Builder::new()
        .prefix(".book-")
        .tempdir_in(parent)
        .with_context(|| format!("can't write into {}", parent.display()))?;
    let fresh_path = fs::canonicalize(fresh.path())?; // mdBook takes relative paths as relative to the book
    thread::scope(|scope| {
        let fresh_path = &fresh_path;
        let builds = Edition::ALL.map(|edition| {
            scope.spawn(move || {
                let folder = fresh_path.join(edition.folder());
                let mut book = edition.load(root, fresh_path)?;
                repository.map_or(Ok(()), |repository| edition.link_to(repository, &mut book))?;
                book.build()?;
                finish(edition, &folder)?;
                address.map_or(Ok(()), |address| address.announce(root, edition, &folder))
            })
        });
        builds.into_iter().try_for_each(|build| build.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    for (name, html) in FRONT {
        fs::write(fresh.path().join(name), html)?;
    }
    #[cfg(unix)] // temporary folders are private; a book is there to be served
    fs::set_permissions(fresh.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;

    if dest.exists() {
        let old = tempfile::Builder::new().prefix(".book-").tempdir_in(parent)?;
        fs::rename(dest, old.path().join("book"))?;
    }
    fs::rename(fresh.keep(), dest).with_context(|| format!("can't put the book to {}", dest.display()))
}

/// Refuses to replace a folder unless all that it holds is an earlier book.
fn check_replaceable(dest: &Path) -> Result<()> {
    let entries = match fs::read_dir(dest) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("can't build into {}", dest.display())),
    };
    for entry in entries {
        let entry = entry?;
        let is_edition = Edition::ALL.iter().any(|edition| entry.file_name() == edition.folder());
        let is_ours = if is_edition {
            entry.path().join(".nojekyll").exists() // mdBook leaves one in each book
        } else {
            let is_front = FRONT.iter().any(|(name, _)| entry.file_name() == *name);
            is_front && fs::read_to_string(entry.path())?.contains(MARK)
        };
        if !is_ours {
            bail!(
                "{} holds {}, which is not part of a book built earlier: choose an empty folder, nothing was changed",
                dest.display(),
                entry.file_name().display()
            );
        }
    }
    Ok(())
}

/// Builds again, on a thread of its own, whenever something that goes into the book changes; tells the pages.
///
/// # Errors
/// When the system can't watch files.
pub fn watch(root: PathBuf, dest: PathBuf, news: News) -> Result<()> {
    let (changes, changed) = mpsc::channel();
    let mut debouncer = new_debouncer(SETTLE, None, move |result: DebounceEventResult| drop(changes.send(result)))?;
    let folders = ["src", "assets", "listings"].map(|folder| root.join(folder));
    for folder in folders.iter().filter(|folder| folder.exists()) {
        debouncer.watch(folder, RecursiveMode::Recursive)?;
    }
    debouncer.watch(&root, RecursiveMode::NonRecursive)?; // for book.toml and Cargo.toml
    let files = ["book.toml", "Cargo.toml"].map(|file| root.join(file));
    let belongs = move |path: &PathBuf| folders.iter().any(|folder| path.starts_with(folder)) || files.contains(path);

    thread::spawn(move || {
        let _keep = debouncer;
        for result in changed {
            match result {
                // A build reads every page, and reading is an event too.
                Ok(events) if !events.iter().any(|e| !e.kind.is_access() && e.paths.iter().any(&belongs)) => continue,
                Ok(_) => {}
                Err(errors) => {
                    errors.iter().for_each(|error| eprintln!("can't watch for changes: {error}"));
                    continue;
                }
            }
            match build(&root, &dest) {
                Ok(()) => {
                    println!("Built again.");
                    news.tell("built", &());
                }
                Err(error) => {
                    eprintln!("Not built: {error:#}\nThe pages stay as they were.");
                    news.tell("failed", &format!("{error:#}"));
                }
            }
        }
    });
    Ok(())
}
