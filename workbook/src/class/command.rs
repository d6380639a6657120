//! `cargo workbook class` on the terminal: what the teacher is told, asked, and given.

use super::{Class, Options, addresses::reachable};
use crate::supervisor::until_signal;
use anyhow::{Context, Result, bail};
use postoffice::Signals;
use std::{
    io::{self, BufRead, IsTerminal, Write},
    net::SocketAddr,
};

/// What can be said after `cargo workbook class`.
#[derive(Debug, clap::Args)]
pub struct ClassArgs {
    /// The address and port that students' programs connect to
    #[arg(long, value_name = "IP:PORT", default_value = "0.0.0.0:5672", value_parser = address)]
    listen: SocketAddr,
    /// The port of the big screen on 127.0.0.1; the next free one where it is taken
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Open it without asking
    #[arg(long)]
    yes: bool,
    /// Don't open the browser
    #[arg(long)]
    no_open: bool,
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "write an IP address of this machine and a port, such as 192.168.1.20:5672 or 0.0.0.0:5672")
}

/// Asks, opens the class's post office, says how to reach it, and closes it at CTRL+C or another signal to end.
///
/// # Errors
/// When the teacher doesn't agree, or something can't be opened.
pub async fn class(args: ClassArgs) -> Result<()> {
    print!("{}", warning(args.listen)?);
    if !args.yes {
        ask()?;
    }
    let class = Class::open(Options { listen: args.listen, port: args.port }).await?;
    let signals = Signals::listen()?; // from here on CTRL+C is ours: not a moment later than it is announced
    print!("{}", introduction(&class)?);
    io::stdout().flush()?; // a pipe would keep it otherwise
    if !args.no_open
        && let Err(error) = opener::open_browser(class.page())
    {
        eprintln!("No browser could be opened ({error}): open the address yourself.");
    }
    until_signal(signals, |stopped| class.run(stopped)).await?;
    let _ = writeln!(io::stdout(), "Closed. All messages are gone."); // the terminal may be gone, too
    Ok(())
}

/// What opening it means.
fn warning(listen: SocketAddr) -> Result<String> {
    let addresses = reachable(listen)?;
    if addresses.is_empty() {
        bail!("this machine is on no network: connect it to the one that the class uses, then try again");
    }
    let mut text = String::from("This opens a post office for the class at\n");
    for address in addresses {
        text += &format!("  {address}\n");
    }
    Ok(text
        + "Whoever can reach these addresses and has the password can send, read and delete every message in it,\n\
           until you close it. They can run no program here and see no file of yours. Nothing is encrypted.\n\
           If the network isn't yours, ask whoever looks after it first.\n")
}

/// Waits for a yes.
fn ask() -> Result<()> {
    let input = io::stdin();
    if !input.is_terminal() {
        bail!("nobody is there to agree: run this in a terminal, or say --yes");
    }
    print!("Open it? Type yes: ");
    io::stdout().flush()?;
    let mut answer = String::new();
    input.lock().read_line(&mut answer).context("can't read your answer")?;
    if !is_yes(&answer) {
        bail!("nothing was opened");
    }
    Ok(())
}

fn is_yes(answer: &str) -> bool {
    ["yes", "y", "是"].contains(&answer.trim().to_lowercase().as_str())
}

/// What students type, and where the big screen is.
fn introduction(class: &Class) -> Result<String> {
    let mut text = format!("It is open. User: class   Password: {}\n", class.password());
    for addr in class.addrs()? {
        text += &format!(
            "\nStudents type, in the project's folder (the second line is for PowerShell):\n  \
             AMQP_ADDR={addr} cargo run -p send\n  \
             $env:AMQP_ADDR = \"{addr}\"; cargo run -p send\n\
             or once in each terminal, for all programs that follow:\n  \
             export AMQP_ADDR={addr}\n"
        );
    }
    Ok(text + &format!("\nThe big screen is at {} (press CTRL+C to close everything)\n", class.page()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        for yes in ["yes\n", "Y\r\n", " Yes ", "是\n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "no", "yes please", "否"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }

    #[test]
    fn the_warning_names_the_address() {
        let text = warning("192.168.1.20:5672".parse().unwrap()).unwrap();
        assert!(text.contains("  192.168.1.20:5672\n"), "{text}");
    }
}
