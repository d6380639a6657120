//! The process between the server and a reader's program. It ends the program, and whatever that has started, as soon as
//! its own standard input ends; so nothing outlives the server, however the server ends.

use anyhow::{Context, Result};
use std::{
    ffi::OsString,
    io::Read,
    path::Path,
    process::{Child, Command, Stdio, exit},
    thread,
};

/// What the server writes to have the program interrupted, as CTRL+C does it.
pub const INTERRUPT: u8 = b'i';

/// The command with which the server has `workbook` keep a program.
///
/// It is a group of its own: what CTRL+C and a closed terminal send goes to the server's group, and a keeper that it ended
/// would leave its program alone.
pub fn command(workbook: &Path, program: &Path) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(workbook);
    command.args(["keep", "--"]).arg(program).stdin(Stdio::piped());
    #[cfg(unix)]
    command.process_group(0);
    command
}

/// Runs `program` and ends with its status. Called by `workbook keep`, which is not for people.
///
/// # Errors
/// When the program can't be started.
pub fn keep(program: &[OsString]) -> Result<()> {
    let (name, arguments) = program.split_first().context("keep needs a program")?;
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().with_context(|| format!("can't run {}", name.display()))?;
    let id = child.id();
    thread::spawn(move || {
        for byte in std::io::stdin().lock().bytes() {
            match byte {
                Ok(INTERRUPT) => interrupt(id),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        end(id);
        exit(137);
    });
    let code = wait(&mut child)?;
    end(id); // what the program has left behind
    exit(code)
}

#[cfg(unix)]
fn interrupt(id: u32) {
    signal(id, nix::sys::signal::Signal::SIGINT);
}

#[cfg(unix)]
fn end(id: u32) {
    signal(id, nix::sys::signal::Signal::SIGKILL);
}

#[cfg(unix)]
fn signal(id: u32, signal: nix::sys::signal::Signal) {
    let group = nix::unistd::Pid::from_raw(id.cast_signed());
    let _ = nix::sys::signal::killpg(group, signal); // it may have ended meanwhile
}

/// Windows has no signal for one program among several: Stop ends it at once.
#[cfg(windows)]
fn interrupt(id: u32) {
    end(id);
}

#[cfg(windows)]
fn end(id: u32) {
    let kill = ["/F", "/T", "/PID"];
    let _ =
        Command::new("taskkill").args(kill).arg(id.to_string()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// The program's status; 128 and the signal's number where a signal ended it, as shells say it.
fn wait(child: &mut Child) -> Result<i32> {
    let status = child.wait()?;
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return Ok(128 + signal);
    }
    Ok(status.code().unwrap_or(1))
}
