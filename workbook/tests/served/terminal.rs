//! A terminal whose keyboard and window a test has.

use nix::{
    fcntl::OFlag,
    pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt},
};
use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    sync::Arc,
    thread,
    time::Duration,
};

/// What a person has of a terminal. Dropping it closes the window.
pub struct Terminal(Arc<PtyMaster>);

impl Terminal {
    /// A new terminal, and what a program gets as its input and output.
    pub fn open() -> (Self, File) {
        // No child may have the person's end: the terminal is closed when nobody has it any more.
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let ours = posix_openpt(flags).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let mut options = File::options();
        let theirs = options.read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits());
        let theirs = theirs.open(ptsname_r(&ours).unwrap()).unwrap();
        (Self(Arc::new(ours)), theirs)
    }

    pub fn type_keys(&self, keys: &str) {
        (&*self.0).write_all(keys.as_bytes()).unwrap();
    }

    /// What it shows, up to the moment when the window is closed.
    pub fn screen(&self) -> impl Read + Send + use<> {
        Screen(self.0.clone())
    }
}

struct Screen(Arc<PtyMaster>);

impl Read for Screen {
    fn read(&mut self, shown: &mut [u8]) -> io::Result<usize> {
        loop {
            match (&*self.0).read(shown) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && Arc::strong_count(&self.0) > 1 => {
                    thread::park_timeout(Duration::from_millis(5)); // between two looks
                }
                Err(_) => return Ok(0),
                read => return read,
            }
        }
    }
}
