//! The post office as a command: `cargo run -p postoffice`, and any AMQP 0-9-1 client can send mail.

use clap::Parser;
use postoffice::{Builder, DeprecatedFeature, Error, PostOffice};
use std::{
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
    time::Duration,
};

/// A small, true AMQP 0-9-1 broker to learn with. Messages live in memory: they are gone when it closes.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The address to listen on
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:5672")]
    listen: SocketAddr,
    /// Print each method that comes in and goes out
    #[arg(long)]
    trace: bool,
    /// Block publishers while messages take more than this many bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30)]
    memory_limit: usize,
    /// Take back what a consumer of a quorum queue doesn't acknowledge within this many milliseconds
    #[arg(long, value_name = "MS", default_value_t = 30 * 60 * 1000)]
    consumer_timeout: u64,
    /// Permit what RabbitMQ has deprecated, as deprecated_features.permit.FEATURE = true does there
    #[arg(long, value_name = "FEATURE", value_parser = feature)]
    permit: Vec<DeprecatedFeature>,
    /// Allow an address that other machines can reach
    #[arg(long)]
    allow_remote: bool,
}

/// A deprecated feature by RabbitMQ's name.
fn feature(name: &str) -> Result<DeprecatedFeature, String> {
    let known = DeprecatedFeature::ALL.map(DeprecatedFeature::name).join(", ");
    DeprecatedFeature::ALL.into_iter().find(|feature| feature.name() == name).ok_or(format!("there is: {known}"))
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Error> {
    let mut builder = PostOffice::builder()
        .listen(arguments.listen)
        .memory_limit(arguments.memory_limit)
        .consumer_timeout(Duration::from_millis(arguments.consumer_timeout))
        .allow_remote(arguments.allow_remote);
    builder = arguments.permit.into_iter().fold(builder, Builder::permit_deprecated);
    if arguments.trace {
        builder = builder.trace(say);
    }
    let office = builder.open().await?;
    say(&format!("The post office is open: {}", office.uri()));
    say("It keeps messages in memory; they are gone when it closes. CTRL+C closes it.");
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a signal to wait for, it stays open until it is killed.
        std::future::pending::<()>().await;
    }
    say("Closing.");
    office.close().await;
    Ok(())
}

/// Prints a line, if anybody still reads: `postoffice | head -1` is no reason to close.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}"); // the reader is gone, the clients are not
}
