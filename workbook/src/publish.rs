//! From pages to a folder of HTML: the three editions, and the pages that send a visitor to one of them. The folder is replaced as
//! a whole. When it is built again does not live here.

use crate::{address::Address, edition::Edition, finish::finish, includes::Includes, twins};
use anyhow::{Context, Result, bail};
use std::{fs, io, path::Path, process, thread};
use tempfile::TempDir;

/// The book's first page, and the one for what isn't there; a mark in each says that it is ours.
const FRONT: [(&str, &str); 2] =
    [("index.html", include_str!("page/index.html")), ("404.html", include_str!("page/404.html"))];
const MARK: &str = "rabbitmq-workbook";
/// How the names of folders begin that are here for the time of a build; the process's id follows.
const TEMPORARY: &str = ".book-";

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
    let former = temporary_beside(dest)?;
    replace(root, dest, &former.path().join("book"), address, repository)
}

/// [`build_for`], with a place for the book that stood in `dest`: pages that are open may still ask for parts of it.
///
/// There is always a book in one of the two. `former` is replaced, too.
///
/// # Errors
/// As of [`build`].
pub(crate) fn replace(
    root: &Path,
    dest: &Path,
    former: &Path,
    address: Option<&Address>,
    repository: Option<&Address>,
) -> Result<()> {
    let mut problems = twins::problems(root)?;
    problems.extend(Includes::read(root)?.broken);
    if !problems.is_empty() {
        bail!("the book has mistakes:\n{}", problems.join("\n"));
    }
    check_replaceable(dest)?;

    let fresh = temporary_beside(dest)?;
    let fresh_path = fs::canonicalize(fresh.path())?; // mdBook takes relative paths as relative to the book
    thread::scope(|scope| {
        let fresh_path = &fresh_path;
        let builds = Edition::ALL.map(|edition| {
            scope.spawn(move || {
                let folder = fresh_path.join(edition.folder());
                let mut book = edition.load(root, fresh_path)?;
                repository.map_or(Ok(()), |repository| edition.link_to(repository, &mut book))?;
                book.build()?;
                finish(edition, &folder, address)?;
                address.map_or(Ok(()), |_| Address::copy_card(root, &folder))
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
        if former.exists() {
            fs::remove_dir_all(former).with_context(|| format!("can't remove {}", former.display()))?;
        }
        fs::rename(dest, former).with_context(|| format!("can't replace {}", dest.display()))?;
    }
    if let Err(error) = fs::rename(fresh.path(), dest) {
        let _ = fs::rename(former, dest); // there may have been none
        return Err(error).with_context(|| format!("can't put the book to {}", dest.display()));
    }
    let _ = fresh.keep(); // it has another name now
    Ok(())
}

/// A folder that is removed with the value, or else by the next build beside the same `dest`.
pub(crate) fn temporary_beside(dest: &Path) -> Result<TempDir> {
    let parent = dest.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("can't make the folder {}", parent.display()))?;
    for entry in fs::read_dir(parent)?.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(TEMPORARY)?.split_once('-')?.0.parse().ok());
        if owner.is_some_and(|owner| !is_running(owner)) {
            let _ = fs::remove_dir_all(entry.path()); // another build may be removing it
        }
    }
    tempfile::Builder::new()
        .prefix(&format!("{TEMPORARY}{}-", process::id()))
        .tempdir_in(parent)
        .with_context(|| format!("can't write into {}", parent.display()))
}

#[cfg(unix)]
fn is_running(process: i32) -> bool {
    use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
    kill(Pid::from_raw(process), None) != Err(Errno::ESRCH)
}

/// Nothing tells, so what another process has left stays.
#[cfg(not(unix))]
fn is_running(process: i32) -> bool {
    process.cast_unsigned() != process::id()
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
