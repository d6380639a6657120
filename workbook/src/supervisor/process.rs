//! The process between the server and one program: `workbook supervise`, which is not for people.
//!
//! It ends the program, and whatever that has started, as soon as its own standard input ends; and that ends with the server,
//! however the server ends.

use anyhow::{Context, Result, bail};
use std::{
    env,
    ffi::OsString,
    io::{Read, stdin},
    process::{ExitStatus, Stdio, exit},
    thread,
};
use tokio::{process::Command, select, sync::mpsc};

/// What the server writes to have the program interrupted, as CTRL+C does it.
pub(super) const INTERRUPT: u8 = b'i';

/// The status of a program that the end of the server has ended: 128 and SIGKILL.
const KILLED: i32 = 137;

/// What `workbook supervise` is told.
#[derive(Debug, clap::Args)]
pub struct SuperviseArgs {
    /// Becomes the program, which ends with the process of this id
    #[arg(long)]
    child_of: Option<u32>,
    /// The program and its arguments
    #[arg(last = true)]
    program: Vec<OsString>,
}

/// Runs a program and exits with its status.
///
/// # Errors
/// When the program can't be started.
pub async fn supervise(args: SuperviseArgs) -> Result<()> {
    if let Some(parent) = args.child_of {
        return descendants::become_program(parent, &args.program);
    }
    descendants::adopt();
    let mut command = descendants::command(&args.program)?;
    let mut child = command.stdin(Stdio::null()).spawn().context("can't start the program")?;
    let id = child.id().context("a program that has not been waited for has an id")?;
    let code = select! {
        status = child.wait() => code(status?),
        code = told_to_end(id) => code?,
    };
    descendants::end(id); // what the program has left behind, too
    exit(code)
}

/// Waits until the program has to end, and passes on what interrupts it.
async fn told_to_end(id: u32) -> Result<i32> {
    let mut signals = signals::Signals::listen()?;
    let (sender, mut written) = mpsc::unbounded_channel();
    thread::spawn(move || stdin().lock().bytes().map_while(Result::ok).try_for_each(|byte| sender.send(byte)));
    loop {
        select! {
            byte = written.recv() => match byte {
                Some(INTERRUPT) => descendants::interrupt(id),
                Some(_) => {}
                None => return Ok(KILLED),
            },
            code = signals.next() => return Ok(code),
        }
    }
}

/// The program's status; 128 and the signal's number where a signal ended it, as shells say it.
fn code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return 128 + signal;
    }
    status.code().unwrap_or(1)
}

/// What others may send to this process, which must not end before its program.
#[cfg(unix)]
mod signals {
    use std::{future::poll_fn, io, task::Poll};
    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub struct Signals(Vec<(Signal, i32)>);

    impl Signals {
        pub fn listen() -> io::Result<Self> {
            let kinds = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit(), SignalKind::terminate()];
            let listen = |kind: SignalKind| Ok((signal(kind)?, 128 + kind.as_raw_value()));
            Ok(Self(kinds.into_iter().map(listen).collect::<io::Result<_>>()?))
        }

        /// The status to exit with when one has come.
        pub async fn next(&mut self) -> i32 {
            poll_fn(|context| {
                let mut come = self
                    .0
                    .iter_mut()
                    .filter_map(|(signal, code)| signal.poll_recv(context).is_ready().then_some(*code));
                come.next().map_or(Poll::Pending, Poll::Ready)
            })
            .await
        }
    }
}

#[cfg(windows)]
mod signals {
    /// A process group of its own gets none.
    pub struct Signals;

    impl Signals {
        pub fn listen() -> std::io::Result<Self> {
            Ok(Self)
        }

        pub async fn next(&mut self) -> i32 {
            std::future::pending().await
        }
    }
}

/// A program and all processes that come from it: those of its group, and on Linux those that have left it, too.
#[cfg(unix)]
mod descendants {
    use super::*;
    use nix::{
        sys::signal::{Signal, killpg},
        unistd::Pid,
    };

    pub fn interrupt(id: u32) {
        signal_group(id, Signal::SIGINT);
    }

    pub fn end(id: u32) {
        signal_group(id, Signal::SIGKILL);
        #[cfg(target_os = "linux")]
        linux::end_adopted();
    }

    fn signal_group(id: u32, signal: Signal) {
        let _ = killpg(Pid::from_raw(id.cast_signed()), signal); // it may have ended meanwhile
    }

    #[cfg(target_os = "linux")]
    pub use linux::{adopt, become_program, command};

    #[cfg(not(target_os = "linux"))]
    pub fn adopt() {}

    #[cfg(not(target_os = "linux"))]
    pub fn command(program: &[OsString]) -> Result<Command> {
        let (name, arguments) = program.split_first().context("there is no program to supervise")?;
        let mut command = Command::new(name);
        command.args(arguments).process_group(0);
        Ok(command)
    }

    #[cfg(not(target_os = "linux"))]
    pub fn become_program(_: u32, _: &[OsString]) -> Result<()> {
        bail!("only Linux ends a process with its parent")
    }

    /// Linux gives orphans to a process that wants them, and ends a process with its parent if it wishes.
    #[cfg(target_os = "linux")]
    mod linux {
        use super::*;
        use nix::{
            sys::{
                prctl::{set_child_subreaper, set_pdeathsig},
                signal::kill,
                wait::wait,
            },
            unistd::getppid,
        };
        use std::{fs, os::unix::process::CommandExt};

        /// Every orphan among the descendants becomes a child of this process.
        pub fn adopt() {
            let _ = set_child_subreaper(true); // where that isn't to be had, the group has to do
        }

        pub fn end_adopted() {
            // Each that ends leaves its children to us. When there are none left, `wait` fails.
            loop {
                for child in children() {
                    let _ = kill(child, Signal::SIGKILL); // it may have ended meanwhile
                }
                if wait().is_err() {
                    return;
                }
            }
        }

        fn children() -> Vec<Pid> {
            let own = std::process::id().to_string();
            let ids = fs::read_dir("/proc").into_iter().flatten().flatten();
            let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
            let is_child = |id: &i32| {
                // The parent's id is the second field after the name, which is in brackets and may hold anything.
                let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
                stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)) == Some(&own)
            };
            ids.filter(is_child).map(Pid::from_raw).collect()
        }

        /// The program, by way of [`become_program`].
        pub fn command(program: &[OsString]) -> Result<Command> {
            let mut command = Command::new(env::current_exe()?);
            command.args(["supervise", "--child-of", &std::process::id().to_string(), "--"]).args(program);
            command.process_group(0);
            Ok(command)
        }

        /// Has the kernel end this process when its parent is gone, even by SIGKILL, and becomes the program.
        pub fn become_program(parent: u32, program: &[OsString]) -> Result<()> {
            let (name, arguments) = program.split_first().context("there is no program to supervise")?;
            set_pdeathsig(Signal::SIGKILL)?;
            if getppid() != Pid::from_raw(parent.cast_signed()) {
                bail!("the supervising process has ended");
            }
            let error = std::process::Command::new(name).args(arguments).exec();
            Err(error).with_context(|| format!("can't run {}", name.display()))
        }
    }
}

#[cfg(windows)]
mod descendants {
    use super::*;

    pub fn adopt() {}

    pub fn command(program: &[OsString]) -> Result<Command> {
        let (name, arguments) = program.split_first().context("there is no program to supervise")?;
        let mut command = Command::new(name);
        command.args(arguments);
        Ok(command)
    }

    pub fn become_program(_: u32, _: &[OsString]) -> Result<()> {
        bail!("only Linux ends a process with its parent")
    }

    /// Windows has no signal for one program among several: Stop ends it at once.
    pub fn interrupt(id: u32) {
        end(id);
    }

    pub fn end(id: u32) {
        let mut kill = std::process::Command::new("taskkill");
        kill.args(["/F", "/T", "/PID"]).arg(id.to_string()).stdout(Stdio::null()).stderr(Stdio::null());
        let _ = kill.status(); // it may have ended meanwhile
    }
}
