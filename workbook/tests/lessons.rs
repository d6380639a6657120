//! The teacher's pages name minutes: each step of a plan, each page, each exercise. They have to agree with what the pages and the
//! exercises themselves say, and the steps have to fill the lesson.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};
use workbook::twins;

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("src")
}

fn pairs() -> Vec<twins::Pair> {
    twins::pairs(src().parent().unwrap()).unwrap()
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

#[track_caller]
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// What each page for readers says at its top that it takes, by its path below `src/` in both languages.
static PAGES: LazyLock<BTreeMap<PathBuf, u32>> = LazyLock::new(|| {
    let mut pages = BTreeMap::new();
    for pair in pairs().into_iter().filter(|pair| !pair.english.starts_with("teaching")) {
        for (page, label, unit) in [(pair.english, "**Time:** ", " minutes"), (pair.chinese, "**用时**：", " 分钟")]
        {
            let text = read(src().join(&page));
            let line = text.lines().find_map(|line| line.strip_prefix("- ")?.strip_prefix(label)?.strip_suffix(unit));
            if let Some(minutes) = line.and_then(|line| line.parse().ok()) {
                pages.insert(page, minutes);
            }
        }
    }
    pages
});

static EXERCISES: LazyLock<BTreeMap<String, u32>> = LazyLock::new(|| {
    let info: toml::Table = read(src().join("../exercises/info.toml")).parse().unwrap();
    let exercises = info["exercises"].as_array().unwrap().iter().map(|exercise| {
        let minutes = exercise["minutes"].as_integer().unwrap().try_into().unwrap();
        (exercise["name"].as_str().unwrap().to_owned(), minutes)
    });
    exercises.collect()
});

/// A page or an exercise that a text names, with the minutes that it gives it: `[Sending](../basic/send.md) (15 minutes)`.
#[derive(Debug)]
struct Named {
    /// A page's path below `src/`, or an exercise's name.
    what: String,
    /// What the text says, if it says anything.
    minutes: Option<u32>,
    /// What the page or the exercise itself says.
    own: u32,
    /// The link goes to a place inside a page, so the text speaks of a part of it.
    is_part: bool,
}

/// Every page with minutes of its own and every exercise that a text on `page` names, in their order.
fn named(page: &Path, text: &str) -> Vec<Named> {
    let minutes_after = |rest: &str| {
        let inside = rest.strip_prefix(" (").or_else(|| rest.strip_prefix('（'))?;
        let end = inside.find(" minutes)").or_else(|| inside.find(" 分钟）"))?;
        inside[..end].parse().ok()
    };
    let mut found = Vec::new();
    for (at, _) in text.match_indices("](") {
        let rest = &text[at + 2..];
        let Some((dest, after)) = rest.split_once(')') else { continue };
        let (file, is_part) = dest.split_once('#').map_or((dest, false), |(file, _)| (file, true));
        let path = workbook::includes::normal(&page.with_file_name("").join(file));
        if let Some(own) = PAGES.get(&path) {
            let what = path.display().to_string();
            found.push((at, Named { what, minutes: minutes_after(after), own: *own, is_part }));
        }
    }
    for (name, own) in EXERCISES.iter() {
        let code = format!("`{name}`");
        for (at, _) in text.match_indices(&code) {
            let minutes = minutes_after(&text[at + code.len()..]);
            found.push((at, Named { what: name.clone(), minutes, own: *own, is_part: false }));
        }
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, named)| named).collect()
}

struct Step<'a> {
    begin: u32,
    end: u32,
    row: &'a str,
}

/// The plans of a page, by the ids of their headings: `{#plan-45}`, `{#exam-30}`. A plan's first table has its steps.
fn plans(text: &str) -> Vec<(String, u32, Vec<Step<'_>>)> {
    let sections = text.split("\n## ").skip(1).filter_map(|section| {
        let (_, id) = section.lines().next()?.split_once("{#")?;
        let id = id.trim_end_matches('}');
        let length = id.strip_prefix("plan-").or_else(|| id.strip_prefix("exam-"))?.parse().ok()?;
        let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
        let steps = rows.take_while(|line| line.starts_with('|')).map(|row| {
            let minute = row.split('|').nth(1).unwrap();
            let (begin, end) = minute.split_once('–').unwrap_or_else(|| panic!("no minutes: {row}"));
            let minutes = |text: &str| text.trim().parse().unwrap_or_else(|_| panic!("no minutes: {row}"));
            Step { begin: minutes(begin), end: minutes(end), row }
        });
        Some((id.to_owned(), length, steps.collect()))
    });
    sections.collect()
}

/// The teacher's pages in both languages.
fn teaching() -> Vec<(PathBuf, String)> {
    let pages = pairs().into_iter().flat_map(|pair| [pair.english, pair.chinese]);
    pages.filter(|page| page.starts_with("teaching")).map(|page| (page.clone(), read(src().join(page)))).collect()
}

#[test]
fn the_steps_of_each_plan_fill_it_without_gaps() {
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for (page, text) in teaching() {
        for (id, length, steps) in plans(&text) {
            let page = page.display();
            let mut now = 0;
            for step in &steps {
                if step.begin != now || step.end <= step.begin {
                    problems.push(format!("src/{page}#{id}: a step has to begin at minute {now}: {}", step.row));
                }
                now = step.end;
            }
            if now != length {
                problems.push(format!("src/{page}#{id}: ends at minute {now}"));
            }
            found.push(id);
        }
    }
    found.sort();
    // Each in both languages; there is a plan of 90 minutes for each part, and one of a day for both.
    let plans = ["exam-30", "plan-180", "plan-360", "plan-45", "plan-90", "plan-90"];
    assert_eq!(found, plans.map(|plan| [plan; 2]).concat());
    assert_none(&problems);
}

#[test]
fn a_step_takes_the_minutes_of_the_pages_and_exercises_that_it_names() {
    let mut problems = Vec::new();
    for (page, text) in teaching() {
        for (id, _, steps) in plans(&text) {
            let mut given: BTreeMap<String, (u32, u32)> = BTreeMap::new();
            for step in steps {
                let length = step.end - step.begin;
                let (parts, wholes): (Vec<_>, Vec<_>) =
                    named(&page, step.row).into_iter().partition(|named| named.is_part);
                let sum: u32 = wholes.iter().map(|named| named.own).sum();
                if !wholes.is_empty() && sum != length {
                    problems.push(format!(
                        "src/{}#{id}: {length} minutes for what takes {sum}: {}",
                        page.display(),
                        step.row
                    ));
                }
                for whole in &wholes {
                    given.entry(whole.what.clone()).or_insert((0, whole.own)).0 += whole.own;
                }
                if let (true, [part, ..]) = (wholes.is_empty(), parts.as_slice()) {
                    given.entry(part.what.clone()).or_insert((0, part.own)).0 += length;
                }
            }
            for (what, (minutes, own)) in given {
                if minutes > own {
                    problems
                        .push(format!("src/{}#{id}: {minutes} minutes for {what}, which takes {own}", page.display()));
                }
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn minutes_beside_a_page_or_an_exercise_are_its_own() {
    let mut problems = Vec::new();
    let mut checked = 0;
    for (page, text) in teaching() {
        for Named { what, minutes, own, .. } in named(&page, &text) {
            let Some(minutes) = minutes else { continue };
            checked += 1;
            if minutes != own {
                problems.push(format!("src/{}: {minutes} minutes for {what}, which takes {own}", page.display()));
            }
        }
    }
    assert!(checked > 60, "only {checked} were found");
    assert_none(&problems);
}

#[test]
fn each_page_for_readers_ends_with_notes_for_teachers() {
    let mut problems = Vec::new();
    for pair in pairs() {
        let is_for_readers = ["basic", "patterns"].iter().any(|part| pair.english.starts_with(part))
            || ["welcome.md", "exercises.md"].iter().any(|p| pair.english == Path::new(p));
        for (page, summary) in [(pair.english, "For teachers"), (pair.chinese, "给教师")] {
            let text = read(src().join(&page));
            let notes = format!("<details class=\"teacher\">\n<summary>{summary}</summary>\n");
            let ends = text.split_once(&notes).is_some_and(|(_, notes)| {
                notes.trim_end().split_once("</details>").is_some_and(|(_, rest)| rest.is_empty())
            });
            if is_for_readers && !ends {
                problems.push(format!("src/{} doesn't end with a closed {notes:?}", page.display()));
            }
        }
    }
    assert_none(&problems);
}
