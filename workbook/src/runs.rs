//! The programs that readers run from the page, listings and answers to exercises: each in a pane of its own, built, started,
//! listened to, and ended.

use crate::{
    compiler::{AS_JSON, Message},
    exercises::{self, Exercise, write_answer},
    listings::{Listing, edited_name, write_edited},
    news::News,
    panes::{MOST_RUNNING, Note, Panes, Source, State, Stop},
    supervisor::{Supervised, Supervisor},
};
use anyhow::{Context, Result};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::Command,
    sync::mpsc,
    time::{sleep, timeout},
};

/// How long a program may run.
const LONGEST_RUN: Duration = Duration::from_secs(15 * 60);
/// How long a program may take to leave after CTRL+C.
const FAREWELL: Duration = Duration::from_secs(3);
/// The status of a program that CTRL+C ends, as shells say it.
const INTERRUPTED: i32 = 130;
/// How many bytes of arguments and variables a program may get.
const MOST_ARGUMENTS: usize = 4 << 10;

/// What a page asks for: a listing, perhaps with arguments, perhaps in the reader's version; or a verdict on an answer to an
/// exercise.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The listing's name, or `exercise-` and the exercise's.
    pub listing: String,
    /// The program's arguments. No shell sees them.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Environment variables of the program, such as `AMQP_ADDR`.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The reader's version of the program's source; the book's own without it.
    pub source: Option<String>,
}

/// Why an order is not carried out; a page has the words for it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "code", content = "detail")]
pub enum Refusal {
    /// There is no listing of this name.
    NoSuchListing(String),
    /// All arguments and variables together are longer than so many bytes.
    ArgumentsTooLong(usize),
    /// An argument or a variable contains a NUL byte.
    NulInArgument,
    /// The listing doesn't read this environment variable.
    UnknownVariable(String),
    /// A program in Python can't be edited.
    PythonEdited,
    /// As many programs run as may: so many.
    TooManyRunning(usize),
}

/// Where things are.
#[derive(Debug, Clone)]
pub struct Places {
    /// The project's folder.
    pub root: PathBuf,
    /// cargo's target folder.
    pub target: PathBuf,
    /// What starts and ends programs.
    pub supervisor: Supervisor,
    /// The broker's address for the programs.
    pub broker: String,
}

/// All panes.
pub struct Runs {
    places: Places,
    listings: Vec<Listing>,
    exercises: Vec<Exercise>,
    /// What the exercises need is compiled, or is being compiled.
    is_prepared: AtomicBool,
    panes: Panes,
    /// When cargo last had a listing to build: held while it builds.
    building: tokio::sync::Mutex<HashMap<String, SystemTime>>,
}

impl Runs {
    /// No panes yet.
    ///
    /// # Errors
    /// When the listings or the exercises can't be read.
    pub fn new(places: Places, news: News) -> Result<Arc<Self>> {
        let listings = Listing::all(&places.root)?;
        let exercises = Exercise::all(&places.root)?;
        let (panes, building) = (Panes::new(news), tokio::sync::Mutex::default());
        let is_prepared = AtomicBool::default();
        Ok(Arc::new(Self { places, listings, exercises, is_prepared, panes, building }))
    }

    /// The exercises that can be solved.
    pub fn exercises(&self) -> &[Exercise] {
        &self.exercises
    }

    /// The exercise that an order is about.
    fn exercise(&self, order: &Order) -> Option<&Exercise> {
        let name = order.listing.strip_prefix(exercises::PREFIX)?;
        self.exercises.iter().find(|exercise| exercise.name == name)
    }

    /// The listings that can be run.
    pub fn listings(&self) -> &[Listing] {
        &self.listings
    }

    /// The panes that they run in.
    pub fn panes(&self) -> &Panes {
        &self.panes
    }

    /// Opens a pane and runs a listing in it.
    ///
    /// # Errors
    /// A [`Refusal`], for an order that can't be carried out.
    pub fn start(self: &Arc<Self>, order: Order) -> Result<u64, Refusal> {
        let listing = self.listings.iter().find(|listing| listing.name == order.listing);
        let command = match (listing, self.exercise(&order)) {
            (Some(listing), _) => {
                fits(listing, &order)?;
                command_line(listing, &order)
            }
            (None, Some(exercise)) if order.source.is_some() => format!("rustlings run {}", exercise.name),
            (None, _) => return Err(Refusal::NoSuchListing(order.listing)),
        };
        let opened = self.panes.open(&order.listing, command, order.source.is_some());
        let (id, wished) = opened.ok_or(Refusal::TooManyRunning(MOST_RUNNING))?;
        let runs = self.clone();
        tokio::spawn(async move {
            let status = runs.build_and_run(id, order, wished).await.unwrap_or_else(|error| {
                runs.panes.note(id, Note::Failed(format!("{error:#}")));
                None
            });
            runs.panes.set_state(id, State::Ended(status));
        });
        Ok(id)
    }

    async fn build_and_run(&self, id: u64, order: Order, mut wished: mpsc::Receiver<Stop>) -> Result<Option<i32>> {
        let target = &self.places.target;
        if let Some(script) = Listing::script(&order.listing) {
            let python = python(&self.places.root);
            if !python.exists() {
                self.panes.note(id, Note::NoPython);
                return Ok(None);
            }
            let mut command = self.program(&python, &order);
            command.args(["-u", &script]).args(&order.arguments);
            self.panes.set_state(id, State::Running);
            return self.run(id, command, [Source::Out, Source::Err], &mut wished).await.map(Some);
        }
        // Two edits of one listing are built in the same place, so one after the other, up to the copy of the program.
        let mut built = tokio::select! {
            built = self.building.lock() => built,
            stop = wished.recv() => {
                if stop.is_some() {
                    self.panes.note(id, Note::Interrupted);
                }
                return Ok(Some(INTERRUPTED));
            }
        };
        let (root, exercise) = (&self.places.root, self.exercise(&order));
        let listing = |name: String, folder| {
            let mut arguments = Listing::build_arguments([name.as_str()]);
            arguments.push(AS_JSON.into());
            (name, folder, arguments)
        };
        let (name, folder, arguments) = match (&order.source, exercise) {
            (Some(answer), Some(exercise)) => {
                let folder = write_answer(root, target, exercise, answer)?;
                (exercise.judge(), folder, exercises::build_arguments(exercise, AS_JSON))
            }
            (Some(source), None) => {
                listing(edited_name(&order.listing), write_edited(root, target, &order.listing, source)?)
            }
            (None, _) => listing(order.listing.clone(), root.clone()),
        };
        let program = Listing::program(target, &name);
        let is_own = order.source.is_none();
        if !(is_own && is_fresh(&program, built.get(&order.listing), &self.inputs(&order.listing))) {
            let start = SystemTime::now();
            let mut cargo = self.command(Path::new("cargo"));
            cargo.args(arguments).current_dir(folder);
            cargo.env("CARGO_TARGET_DIR", target).env("CARGO_TERM_COLOR", "always"); // the page shows colours
            match self.run(id, cargo, [Source::Compiler, Source::Cargo], &mut wished).await? {
                0 if is_own => drop(built.insert(order.listing.clone(), start)),
                0 => {}
                _ => return Ok(None),
            }
        }
        let copy = match &order.source {
            Some(_) => Some(Copy::of(&program, target, id)?),
            None => None,
        };
        drop(built);
        self.panes.set_state(id, State::Running);
        let mut command = self.program(copy.as_ref().map_or(&program, |copy| &copy.0), &order);
        match exercise {
            // It opens a broker of its own for each test.
            Some(_) => command.env_remove("AMQP_ADDR").env("RUST_BACKTRACE", "0"),
            None => command.args(&order.arguments),
        };
        self.run(id, command, [Source::Out, Source::Err], &mut wished).await.map(Some)
    }

    /// Compiles what every answer to an exercise needs, unless that was done before, so that the first verdict comes soon.
    ///
    /// # Errors
    /// When a file can't be written or cargo can't be started. What doesn't compile is said with the first verdict.
    pub async fn prepare_exercises(&self) -> Result<()> {
        let Some(first) = self.exercises.first().filter(|_| !self.is_prepared.swap(true, Ordering::Relaxed)) else {
            return Ok(());
        };
        let folder = write_answer(&self.places.root, &self.places.target, first, "fn main() {}")?;
        let mut cargo = self.places.supervisor.command(Path::new("cargo"));
        cargo.args(["build", "--locked", "--quiet", "--lib"]).current_dir(folder);
        cargo.env("CARGO_TARGET_DIR", &self.places.target);
        Supervised::start(cargo)?.wait().await?;
        Ok(())
    }

    /// The files that a listing's program is built from.
    fn inputs(&self, listing: &str) -> [PathBuf; 3] {
        let (root, folder) = (&self.places.root, self.places.root.join("listings").join(listing));
        [root.join("Cargo.lock"), folder.join("Cargo.toml"), folder.join("src/main.rs")]
    }

    /// A program as an order wants it, without its arguments.
    fn program(&self, program: &Path, order: &Order) -> Command {
        let mut command = self.command(program);
        command.current_dir(&self.places.root).env("AMQP_ADDR", &self.places.broker).envs(&order.environment);
        command
    }

    /// A command whose output the page shows.
    fn command(&self, program: &Path) -> Command {
        let mut command = self.places.supervisor.command(program);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end, or until it is stopped, closed, or out of time; gives its status.
    async fn run(
        &self,
        id: u64,
        command: Command,
        from: [Source; 2],
        wished: &mut mpsc::Receiver<Stop>,
    ) -> Result<i32> {
        let mut program = Supervised::start(command)?;
        let stdout = program.stdout.take().context("stdout is piped")?;
        let stderr = program.stderr.take().context("stderr is piped")?;
        let listen = async { tokio::join!(self.forward(id, from[0], stdout), self.forward(id, from[1], stderr)) };
        tokio::pin!(listen);
        tokio::select! {
            _ = &mut listen => {}
            wish = wished.recv() => {
                // `None`: the pane was closed.
                if let Some(Stop) = wish {
                    self.panes.note(id, Note::Interrupted);
                    program.interrupt().await;
                    if timeout(FAREWELL, &mut listen).await.is_err() {
                        self.panes.note(id, Note::Killed(FAREWELL.as_secs()));
                    }
                }
            }
            () = sleep(LONGEST_RUN) => self.panes.note(id, Note::TimeUp(LONGEST_RUN.as_secs() / 60)),
        }
        program.end().await
    }

    /// Passes on what a program prints, as soon as it comes.
    async fn forward(&self, id: u64, from: Source, mut output: impl AsyncRead + Unpin) {
        if from == Source::Compiler {
            return self.forward_messages(id, output).await;
        }
        let mut buffer = [0; 8 << 10];
        let mut begun = Vec::new(); // a character of which not all bytes have come
        while let Ok(read @ 1..) = output.read(&mut buffer).await {
            begun.extend_from_slice(&buffer[..read]);
            let whole = begun.len() - unfinished(&begun);
            let text = String::from_utf8_lossy(&begun[..whole]).into_owned();
            begun.drain(..whole);
            self.panes.print(id, from, &text);
        }
        if !begun.is_empty() {
            self.panes.print(id, from, &String::from_utf8_lossy(&begun));
        }
    }

    /// Passes on what the compiler says: the errors first, and then the warnings.
    async fn forward_messages(&self, id: u64, output: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(output).lines();
        let mut warnings = Vec::new();
        let tell = |message: Message| {
            self.panes.print(id, Source::Compiler, &message.rendered);
            if let Some(diagnostic) = message.diagnostic {
                self.panes.diagnose(id, diagnostic);
            }
        };
        while let Ok(Some(line)) = lines.next_line().await {
            match Message::read(&line) {
                Some(message) if message.is_error => tell(message),
                Some(message) => warnings.push(message),
                None => {}
            }
        }
        warnings.into_iter().for_each(tell);
    }
}

/// Whether a listing can have what an order gives it.
fn fits(listing: &Listing, order: &Order) -> Result<(), Refusal> {
    let words = || order.arguments.iter().chain(order.environment.values());
    if words().map(String::len).sum::<usize>() > MOST_ARGUMENTS {
        return Err(Refusal::ArgumentsTooLong(MOST_ARGUMENTS));
    }
    if words().any(|word| word.contains('\0')) {
        return Err(Refusal::NulInArgument);
    }
    if let Some(name) = order.environment.keys().find(|name| !listing.environment.contains(name)) {
        return Err(Refusal::UnknownVariable(name.clone()));
    }
    if listing.is_python && order.source.is_some() {
        return Err(Refusal::PythonEdited);
    }
    Ok(())
}

/// A reader's program in a file of its own, which is removed after the run: the next edit is built over the original.
struct Copy(PathBuf);

impl Copy {
    fn of(program: &Path, target: &Path, id: u64) -> Result<Self> {
        let copy =
            target.join("edited").join(format!("run-{}-{id}{}", std::process::id(), std::env::consts::EXE_SUFFIX));
        fs::copy(program, &copy).with_context(|| format!("can't copy the program to {}", copy.display()))?;
        Ok(Self(copy))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0); // a file that stays behind is in the target folder, where it harms nobody
    }
}

/// How many bytes at the end belong to a character that goes on.
fn unfinished(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => bytes.len() - error.valid_up_to(),
        _ => 0,
    }
}

/// The command that does the same in a terminal.
fn command_line(listing: &Listing, order: &Order) -> String {
    let quoted = |word: &String| {
        let is_plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_.,:/@%+=".contains(c));
        if is_plain { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    let mut words: Vec<_> = order.environment.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    words.push(listing.command());
    if !order.arguments.is_empty() && !listing.is_python {
        words.push("--".into());
    }
    words.extend(order.arguments.iter().map(quoted));
    words.join(" ")
}

/// The Python that the book tells its readers to make, which has what our Python programs need.
fn python(root: &Path) -> PathBuf {
    root.join(if cfg!(windows) { "target/python/Scripts/python.exe" } else { "target/python/bin/python" })
}

/// Whether `program` is there and all of `inputs` are older than it, or than the last time that cargo had them to build:
/// it leaves the program as it is where a change is of no matter to it, such as another package's in `Cargo.lock`.
fn is_fresh(program: &Path, built: Option<&SystemTime>, inputs: &[PathBuf]) -> bool {
    let written = |path: &Path| -> Option<SystemTime> { fs::metadata(path).ok()?.modified().ok() };
    let Some(last) = written(program).max(built.copied()).filter(|_| program.exists()) else { return false };
    inputs.iter().all(|input| written(input).is_some_and(|changed| changed < last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_shown_when_all_its_bytes_have_come() {
        let text = "a你".as_bytes();
        assert_eq!(unfinished(&text[..2]), 1);
        assert_eq!(unfinished(&text[..3]), 2);
        assert_eq!(unfinished(text), 0);
        assert_eq!(unfinished(b"\xff"), 0);
    }

    #[test]
    fn cargo_is_asked_once_about_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let [program, input] = ["send", "Cargo.lock"].map(|name| folder.path().join(name));
        let write = |path: &Path, second: u64| {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
            fs::File::create(path).unwrap().set_modified(time).unwrap();
            time
        };
        let inputs = std::slice::from_ref(&input);
        write(&input, 10);
        assert!(!is_fresh(&program, None, inputs), "there is no program");
        let built = write(&program, 20);
        assert!(is_fresh(&program, None, inputs));
        write(&input, 30);
        assert!(!is_fresh(&program, Some(&built), inputs), "it has changed");
        let asked = write(&input, 30) + Duration::from_secs(1);
        assert!(is_fresh(&program, Some(&asked), inputs), "cargo found nothing to do");
        fs::remove_file(&program).unwrap();
        assert!(!is_fresh(&program, Some(&asked), inputs), "the program is gone");
    }

    #[test]
    fn the_shown_command_is_one_that_a_shell_reads_the_same() {
        let order = |arguments: &[&str]| Order {
            listing: "send".into(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            environment: BTreeMap::new(),
            source: None,
        };
        let listings = Listing::all(&crate::root()).unwrap();
        let send = listings.iter().find(|listing| listing.name == "send").unwrap();
        assert_eq!(command_line(send, &order(&[])), "cargo run -p send");
        assert_eq!(command_line(send, &order(&["hi", "it's; rm", ""])), r"cargo run -p send -- hi 'it'\''s; rm' ''");
        let elsewhere = BTreeMap::from([("AMQP_ADDR".into(), "amqp://a:b c@host".into())]);
        let order = Order { environment: elsewhere, ..order(&["hi"]) };
        assert_eq!(command_line(send, &order), "AMQP_ADDR='amqp://a:b c@host' cargo run -p send -- hi");
    }
}
