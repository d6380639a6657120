//! The flash sale: each table holds what must be in it. How many orders get into the queue differs from run to run, and from
//! broker to broker; which rows are zero doesn't.

use super::Shop;
use crate::stage::{self, End, Terminal};
use nix::sys::signal::Signal;
use std::{env, fs};

const QUEUES: &[&str] = &["flash-sale"];

/// The table at the end of a sale.
struct Table<'a>(&'a str);

impl<'a> Table<'a> {
    fn rows(shown: &'a str) -> impl Iterator<Item = (&'a str, u32)> {
        let rows = shown.lines().filter(|line| !line.starts_with('$'));
        rows.filter_map(|line| {
            let (label, count) = line.trim_end().rsplit_once("  ")?;
            Some((label.trim_end(), count.trim().parse().ok()?))
        })
    }

    /// The count in the row that begins so.
    #[track_caller]
    fn count(&self, label: &str) -> u32 {
        let row = Self::rows(self.0).find(|(row, _)| row.starts_with(label));
        row.unwrap_or_else(|| panic!("no row {label:?} in\n{}", self.0)).1
    }

    /// What has to be so in each sale, whatever was left out.
    #[track_caller]
    fn adds_up(&self, requests: u32) {
        let [asked, refused, told] = ["asked", "refused", "told"].map(|row| self.count(row));
        assert_eq!((asked, refused + told), (requests, requests), "{}", self.0);
        let answers = ["- sold", "- sold out", "- LOST"].map(|row| self.exact(row));
        assert_eq!(answers.into_iter().sum::<u32>(), told, "{}", self.0);
        // A buyer who is charged twice has two of the telephones.
        assert!(self.exact("- sold") + self.count("DOUBLED") <= 100, "{}", self.0);
    }

    /// The count in the row of this name, up to its colon.
    #[track_caller]
    fn exact(&self, label: &str) -> u32 {
        let row = Self::rows(self.0).find(|(row, _)| row.split(':').next() == Some(label));
        row.unwrap_or_else(|| panic!("no row {label:?} in\n{}", self.0)).1
    }
}

/// What two runs of a sale have in common: the lines, the counts that can't differ, and elsewhere whether it is zero. The
/// rows `timing` depend on it altogether.
fn common(shown: &str, timing: &[&str]) -> String {
    let lines = shown.lines().map(|line| {
        let Some((label, count)) = Table::rows(line).next() else { return line.to_owned() };
        let label = if label.starts_with("asked") { "asked" } else { label };
        let is_exact = ["asked", "- sold", "DOUBLED: charged twice"].contains(&label) || count == 0;
        match () {
            () if timing.iter().any(|row| label.starts_with(row)) => format!("{label} …"),
            () if is_exact => format!("{label} {count}"),
            () => format!("{label} some"),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Compares a sale with the one that the chapter shows; `SNAPSHOTS=overwrite` records it again.
#[track_caller]
fn compare(terminal: &Terminal, timing: &[&str], file: &str) {
    let path = stage::root().join("src/patterns").join(file);
    if env::var_os("SNAPSHOTS").is_some_and(|action| action == "overwrite") {
        fs::write(&path, terminal.shown()).unwrap();
        return;
    }
    let recorded = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(common(terminal.shown(), timing), common(&recorded, timing), "{file}\n{}", terminal.shown());
}

/// A sale in which something is left out.
#[track_caller]
fn sale_without(shop: &Shop, safety: &str, requests: u32) -> Terminal {
    let mut terminal = shop.terminal();
    terminal.run(&format!("cargo run -p flash-sale -- --without={safety} --requests={requests}"));
    Table(terminal.shown()).adds_up(requests);
    terminal
}

/// The seconds within which all buyers have asked.
fn seconds(shown: &str) -> f64 {
    let within = shown.lines().find_map(|line| line.strip_prefix("asked, within ")).expect("the first row");
    within.split(' ').next().unwrap().parse().unwrap()
}

/// A sale with every safety in which 10,000 buyers ask within three seconds. It takes one, on two cores with nothing else to
/// do; on a machine that is busy with other scenes the next sale may be the one that gets its turn. Each of them adds up.
#[track_caller]
fn fast_sale(shop: &Shop) -> Terminal {
    let mut slow = Vec::new();
    while slow.len() < 4 {
        let mut terminal = shop.terminal();
        terminal.run("cargo run -p flash-sale");
        Table(terminal.shown()).adds_up(10_000);
        match seconds(terminal.shown()) {
            seconds if seconds < 3.0 => return terminal,
            seconds => slow.push(seconds),
        }
    }
    panic!("10,000 requests took {slow:?} s in four sales");
}

#[test]
fn with_every_safety_a_sale_of_10000_requests_a_second_loses_and_doubles_nothing() {
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        let terminal = fast_sale(&shop);
        let table = Table(terminal.shown());
        assert_eq!((table.exact("- sold"), table.count("- LOST"), table.count("DOUBLED")), (100, 0, 0));
        assert!(table.count("refused") > 0, "the database can't have taken all:\n{}", terminal.shown());
        compare(&terminal, &["LATE"], "sale.term");
    }
}

#[test]
fn without_confirms_what_the_queue_refuses_is_lost() {
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        let terminal = sale_without(&shop, "confirms", 2000);
        let table = Table(terminal.shown());
        assert!(table.count("refused") == 0 && table.count("- LOST") > 500, "{}", terminal.shown());
        compare(&terminal, &["LATE"], "sale-without-confirms.term");
    }
}

#[test]
fn without_acknowledgements_what_the_dead_worker_held_is_lost() {
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        let terminal = sale_without(&shop, "acks", 2000);
        assert!(Table(terminal.shown()).count("- LOST") > 0, "{}", terminal.shown());
        compare(&terminal, &["refused", "LATE"], "sale-without-acks.term");
    }
}

#[test]
fn without_idempotent_writes_a_buyer_is_charged_twice() {
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        let terminal = sale_without(&shop, "idempotent", 2000);
        let table = Table(terminal.shown());
        assert_eq!((table.exact("- sold"), table.count("- LOST"), table.count("DOUBLED")), (99, 0, 1));
        compare(&terminal, &["LATE"], "sale-without-idempotent.term");
    }
}

#[test]
fn without_a_bound_nobody_is_refused_and_many_wait_too_long() {
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        let terminal = sale_without(&shop, "bounded", 2000);
        let table = Table(terminal.shown());
        assert_eq!((table.count("refused"), table.count("- LOST"), table.count("DOUBLED")), (0, 0, 0));
        assert!(table.count("LATE") > 0, "{}", terminal.shown());
        compare(&terminal, &[], "sale-without-bounded.term");
    }
}

#[test]
fn without_prefetch_the_bound_of_the_queue_bounds_nothing() {
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        let terminal = sale_without(&shop, "prefetch", 2000);
        let table = Table(terminal.shown());
        assert_eq!((table.count("- LOST"), table.count("DOUBLED")), (0, 0));
        assert!(table.count("LATE") > 0, "{}", terminal.shown());
        compare(&terminal, &["refused"], "sale-without-prefetch.term");
    }
}

#[test]
fn what_is_not_persistent_is_lost_when_the_broker_crashes() {
    for mut shop in Shop::with_restarts(QUEUES) {
        for (arguments, lost, file) in [
            ("--without=persistent --restart --requests=200", 200, "sale-restart-lost.term"),
            ("--restart --requests=200", 0, "sale-restart.term"),
        ] {
            let mut terminal = shop.terminal();
            terminal.start(&format!("cargo run -p flash-sale -- {arguments}"));
            terminal.expect("Now restart the broker. The workers begin when it is back.");
            shop.restart_after(End::Crash);
            assert!(terminal.wait().success(), "{}", terminal.shown());
            let table = Table(terminal.shown());
            table.adds_up(200);
            assert_eq!((table.count("- LOST"), table.count("DOUBLED")), (lost, 0), "{}", terminal.shown());
            compare(&terminal, &["LATE"], file);
        }
    }
}

#[test]
fn a_sale_that_is_stopped_fails_and_leaves_no_queue() {
    for shop in Shop::on_each_broker(QUEUES, &[]) {
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            let mut terminal = shop.terminal();
            terminal.start("cargo run -p flash-sale -- --without=bounded");
            terminal.expect("Worker 1 dies: its last order is written, not acked");
            terminal.signal(signal);
            assert_eq!(terminal.wait().code(), Some(1), "{}", terminal.shown());
            assert!(terminal.shown().ends_with("Error: stopped before the sale was over\n"), "{}", terminal.shown());
            assert!(!shop.has_queue("flash-sale"));
        }
    }
}

#[test]
fn a_sale_without_a_broker_says_what_is_missing() {
    let (mut terminal, _held) = stage::Stage::terminal_without_broker();
    let said = terminal.run_failing("cargo run -p flash-sale");
    assert!(said.contains("no connection to the broker: does one run?"), "{said}");
}
