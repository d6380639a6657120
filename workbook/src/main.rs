//! `cargo workbook`: builds the book, serves it, keeps its languages together.

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process,
    time::Instant,
};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};
use workbook::{
    address::Address,
    class::{self, ClassArgs},
    publish, root,
    server::{Options, serve},
    supervisor::process::{SuperviseArgs, supervise},
    twins,
};

/// The RabbitMQ workbook: build it, read it, keep its languages together.
#[derive(Parser)]
#[command(name = "cargo workbook", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Build the book, serve it on this machine and open it in the browser (the default)
    Serve(ServeArgs),
    /// Build the three editions: en, zh-CN and en-zh
    Build {
        /// The folder to build into; without it, book/ in the project
        #[arg(long, value_name = "DIR")]
        dest: Option<PathBuf>,
        /// Where the folder will be read, such as https://example.org/rabbitmq: for links that show a picture, and for
        /// search engines
        #[arg(long)]
        url: Option<Address>,
        /// The project's repository on the web, for links to suggest an edit of a page
        #[arg(long, value_name = "URL")]
        repository: Option<Address>,
    },
    /// Open a post office for a whole class on the local network, with a big screen for the projector
    Class(ClassArgs),
    /// Run a program for as long as standard input is open (used by the server)
    #[command(hide = true)]
    Supervise(SuperviseArgs),
    /// Take the pictures of RabbitMQ's console and of the book again (needs RabbitMQ and Chromium)
    Pictures,
    /// Print the three editions as PDF, with contents, page numbers and the answers to the quizzes (needs Chromium)
    Pdf(PaperArgs),
    /// Write the three editions as e-books (needs Chromium)
    Epub(PaperArgs),
    /// Say that each changed page and its twin were read against each other (writes src/twins.lock)
    Twins,
}

#[derive(clap::Args)]
struct PaperArgs {
    /// The folder to write into; without it, target/paper/ in the project
    #[arg(long, value_name = "DIR")]
    dest: Option<PathBuf>,
}

#[derive(clap::Args)]
struct ServeArgs {
    /// The port on 127.0.0.1; the next free one where it is taken
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// The port on 127.0.0.1 for the post office; a broker that has it already is used instead
    #[arg(long, value_name = "PORT", default_value_t = 5672)]
    office_port: u16,
    /// The folder in which the post office keeps durable queues and their persistent messages; without it, post-office/PORT in
    /// cargo's target folder
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The folder to build into; without it, book/ in the project
    #[arg(long, value_name = "DIR")]
    dest: Option<PathBuf>,
    /// Don't open the browser
    #[arg(long)]
    no_open: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mdbook_warns = Targets::new().with_target("mdbook", LevelFilter::WARN);
    let lines = tracing_subscriber::fmt::layer().without_time().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines.with_filter(mdbook_warns)).init();
    let cli = Cli::parse();
    let root = root();
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => {
            let program = env::current_exe().context("can't find the workbook's own program")?;
            let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
            let options = Options {
                dest: args.dest.unwrap_or_else(|| root.join("book")),
                data: args.data.or_else(|| {
                    let is_chosen = args.office_port != 0; // a free port is another one the next time
                    is_chosen.then(|| target.join("post-office").join(args.office_port.to_string()))
                }),
                target,
                port: args.port,
                office_port: args.office_port,
                program,
                root,
            };
            serve(options, |url, broker| {
                println!("{broker}\nThe book is at {url} (press CTRL+C to end)");
                println!("Programs in a terminal use the same broker: nobody has to run `cargo run -p postoffice`.");
                if !args.no_open
                    && let Err(error) = opener::open_browser(url)
                {
                    eprintln!("No browser could be opened ({error}): open the address yourself.");
                }
            })
            .await
        }
        Command::Class(args) => class::class(args).await,
        Command::Supervise(args) => supervise(args).await,
        Command::Build { dest, url, repository } => {
            let start = Instant::now();
            let dest = dest.unwrap_or_else(|| root.join("book"));
            publish::build_for(&root, &dest, url.as_ref(), repository.as_ref())?;
            let dest = dest.display();
            println!("Built {dest}/en, {dest}/zh-CN and {dest}/en-zh in {:.1} s", start.elapsed().as_secs_f32());
            Ok(())
        }
        Command::Pictures => example(&root, "pictures", &[]),
        Command::Pdf(args) => paper(&root, "pdf", args),
        Command::Epub(args) => paper(&root, "epub", args),
        Command::Twins => {
            let problems = twins::problems(&root)?;
            if !problems.is_empty() {
                bail!("src/twins.lock stays as it is, the pages differ:\n{}", problems.join("\n"));
            }
            let changed = twins::unlocked(&root)?.len();
            twins::lock(&root)?;
            println!("Pages that count as read against their twins since now: {changed}. The rest was so before.");
            Ok(())
        }
    }
}

/// Makes the editions as files of one kind.
fn paper(root: &Path, kind: &str, args: PaperArgs) -> Result<()> {
    let dest = match args.dest {
        Some(dest) => env::current_dir()?.join(dest),
        None => root.join("target/paper"),
    };
    example(root, "paper", &[kind.as_ref(), dest.as_os_str()])
}

/// Runs an example of this package, so that a reader's build is spared the browser's protocol.
fn example(root: &Path, name: &str, arguments: &[&OsStr]) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let run = ["run", "--quiet", "--package", "workbook", "--example", name, "--"];
    let status = process::Command::new(cargo).args(run).args(arguments).current_dir(root).status();
    if !status.context("can't run cargo")?.success() {
        bail!("not everything was made");
    }
    Ok(())
}
