//! Supervisor: starts programs for the server, interrupts them, and ends each together with everything that it has started,
//! in whichever way the server ends (`tests/supervisor.rs`).
//!
//! Between the server and each program stands a [`process`] of its own, `workbook supervise`. What is built and run, and who
//! sees its output, does not live here.

pub mod process;
mod shutdown;

pub use shutdown::until_signal;

use anyhow::{Context, Result};
use process::INTERRUPT;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
};

/// Starts programs that end with this process.
#[derive(Debug, Clone)]
pub struct Supervisor {
    /// The `workbook` program.
    workbook: PathBuf,
}

impl Supervisor {
    /// `workbook` is the program with the subcommand `supervise`.
    pub fn new(workbook: PathBuf) -> Self {
        Self { workbook }
    }

    /// A command for [`Supervised::start`]; add arguments, environment and folder. Its output is dropped unless it is piped.
    ///
    /// The supervising process has a process group of its own: CTRL+C goes to the server's group, and the server may have to
    /// tell others first.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(&self.workbook);
        command.args(["supervise", "--"]).arg(program);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        #[cfg(unix)]
        command.process_group(0);
        #[cfg(windows)]
        command.creation_flags(0x200); // CREATE_NEW_PROCESS_GROUP
        command
    }
}

/// A program that was started. Dropping it ends the program.
#[derive(Debug)]
pub struct Supervised {
    child: Child,
    /// The supervising process ends the program when this is closed, and so also when this process is gone.
    stdin: ChildStdin,
    /// What the program prints to its standard output, where that is piped.
    pub stdout: Option<ChildStdout>,
    /// What the program prints to its standard error, where that is piped.
    pub stderr: Option<ChildStderr>,
}

impl Supervised {
    /// Starts a [`Supervisor::command`].
    ///
    /// # Errors
    /// When the supervising process can't be started. One that can't start the program says so on standard error.
    pub fn start(mut command: Command) -> Result<Self> {
        let mut child = command.spawn().context("can't start a program")?;
        let stdin = child.stdin.take().context("standard input is piped")?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        Ok(Self { child, stdin, stdout, stderr })
    }

    /// Asks the program to end, as CTRL+C does.
    pub async fn interrupt(&mut self) {
        let _ = self.stdin.write_all(&[INTERRUPT]).await; // it may have ended in this moment
    }

    /// Waits for the program's end, and gives its status.
    ///
    /// # Errors
    /// When the system doesn't tell.
    pub async fn wait(mut self) -> Result<i32> {
        Ok(self.child.wait().await?.code().unwrap_or(1))
    }

    /// Ends the program if it still runs, and gives its status.
    ///
    /// # Errors
    /// When the system doesn't tell.
    pub async fn end(self) -> Result<i32> {
        let Self { mut child, stdin, .. } = self;
        drop(stdin);
        Ok(child.wait().await?.code().unwrap_or(1))
    }
}
