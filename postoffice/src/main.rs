//! The post office as a command: `cargo run -p postoffice`, and any AMQP 0-9-1 client can send mail.

use clap::Parser;
use postoffice::{Builder, DeprecatedFeature, PostOffice, Signals};
use std::{
    error::Error,
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

/// A small, true AMQP 0-9-1 broker to learn with. Without --data messages live in memory: they are gone when it closes.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The address to listen on
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:5672", value_parser = address)]
    listen: SocketAddr,
    /// Print each method that comes in and goes out
    #[arg(long)]
    trace: bool,
    /// Keep durable queues and their persistent messages in this folder
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Block publishers while fewer than this many bytes are free on the disk of the data folder
    #[arg(long, value_name = "BYTES", default_value_t = 50_000_000, requires = "data")]
    disk_free_limit: u64,
    /// Block publishers while messages take more than this many bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30)]
    memory_limit: usize,
    /// Take back what a consumer of a quorum queue doesn't acknowledge within this many milliseconds
    #[arg(long, value_name = "MS", default_value_t = 30 * 60 * 1000)]
    consumer_timeout: u64,
    /// Permit what RabbitMQ has deprecated, as deprecated_features.permit.FEATURE = true does there
    #[arg(long, value_name = "FEATURE", value_parser = feature)]
    permit: Vec<DeprecatedFeature>,
}

/// A deprecated feature by RabbitMQ's name.
fn feature(name: &str) -> Result<DeprecatedFeature, String> {
    let known = DeprecatedFeature::ALL.map(DeprecatedFeature::name).join(", ");
    DeprecatedFeature::ALL.into_iter().find(|feature| feature.name() == name).ok_or(format!("there is: {known}"))
}

/// An address to listen on.
fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "write an IP address and a port, such as 127.0.0.1:5672 (this is localhost) or [::1]:5672")
}

#[tokio::main]
async fn main() -> ExitCode {
    run(Arguments::parse()).await.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let mut builder = PostOffice::builder()
        .listen(arguments.listen)
        .memory_limit(arguments.memory_limit)
        .consumer_timeout(Duration::from_millis(arguments.consumer_timeout));
    builder = arguments.permit.into_iter().fold(builder, Builder::permit_deprecated);
    if let Some(data) = &arguments.data {
        builder = builder.data(data).disk_free_limit(arguments.disk_free_limit);
    }
    if arguments.trace {
        builder = builder.trace(say);
    }
    let office = builder.open().await?;
    let mut signals = Signals::listen()?; // not a moment later than CTRL+C is announced
    say(&format!("The post office is open: {}", office.uri()));
    match &arguments.data {
        None => say("It keeps messages in memory; they are gone when it closes. CTRL+C closes it."),
        Some(data) => {
            say(&format!(
                "It keeps durable queues and their persistent messages in {}. CTRL+C closes it.",
                data.display()
            ));
        }
    }
    tokio::select! {
        _ = signals.next() => {}
        () = report_blocked_publishers(&office) => {}
    }
    say("Closing.");
    tokio::select! {
        () = office.close() => Ok(ExitCode::SUCCESS),
        status = signals.next() => Ok(ExitCode::from(status)), // somebody can't wait until all clients have agreed
    }
}

/// Says when publishers are blocked and when they may go on: on their side, nothing tells but silence. Never ends.
async fn report_blocked_publishers(office: &PostOffice) {
    let mut look = tokio::time::interval(Duration::from_millis(200));
    let mut were_blocked = false;
    loop {
        look.tick().await;
        let blocked: Vec<_> = office.connections().into_iter().filter(|connection| connection.blocked).collect();
        if blocked.is_empty() == were_blocked {
            were_blocked = !were_blocked;
            let names = blocked.iter().map(|one| one.name.as_ref().unwrap_or(&one.peer).as_str()).collect::<Vec<_>>();
            say(&match were_blocked {
                true => format!(
                    "Low on memory: messages take more than --memory-limit. Publishers are blocked until consumers have \
                     made room: {}",
                    names.join(", ")
                ),
                false => "There is room again: no publisher is blocked.".to_owned(),
            });
        }
    }
}

/// Prints a line, if anybody still reads: `postoffice | head -1` is no reason to close.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}"); // the reader is gone, the clients are not
}
