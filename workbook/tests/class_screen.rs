//! The big screen of a class in a real browser: what a room sees of it, and how soon.

#![cfg(unix)]

#[allow(dead_code)] // each test file uses its part
mod reader;
#[allow(dead_code)] // each test file uses its part
mod room;
#[allow(dead_code)] // each test file uses its part
mod served;

use base64::prelude::{BASE64_STANDARD, Engine};
use chromiumoxide::cdp::browser_protocol::{emulation::SetDeviceMetricsOverrideParams, page::CaptureScreenshotParams};
use lapin::options::BasicAckOptions;
use reader::Reader;
use room::{Room, Student};
use std::{
    fs,
    io::Write,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{runtime::Runtime, task::JoinSet, time::interval};

/// So many students write in the measurement, each so often and for so long.
const STUDENTS: usize = 60;
const EVERY: Duration = Duration::from_millis(200);
const LETTERS_EACH: usize = 30;

fn open(reader: &Reader, room: &Room) {
    reader.go(&format!("http://127.0.0.1:{}/?token={}", room.port, room.token));
    reader.wait_for("document.getElementById('password')?.textContent");
}

fn resize(reader: &Reader, width: u32, height: u32) {
    reader.ask(SetDeviceMetricsOverrideParams::new(width, height, 1.0, false));
}

/// Takes a picture for people who want to see what the tests see: `target/tmp/class/NAME.png`.
fn picture(reader: &Reader, name: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("class");
    fs::create_dir_all(&folder).unwrap();
    let png = reader.ask(CaptureScreenshotParams::default()).data;
    fs::write(folder.join(format!("{name}.png")), BASE64_STANDARD.decode(png).unwrap()).unwrap();
}

/// A lesson in full swing.
async fn lesson(room: &Room, names: &[String]) -> Vec<Student> {
    let mut students = Vec::new();
    for name in names {
        students.push(Student::connect(room, name).await);
    }
    for (number, student) in students.iter().enumerate() {
        if number % 5 < 4 {
            student.declare(&format!("class.{}", student.name)).await;
        }
    }
    for (number, student) in students.iter().enumerate() {
        let neighbour = &students[(number + 1) % students.len()].name;
        if number % 5 < 4 {
            student.publish(&format!("class.{}", student.name), b"Hi!").await;
        }
        if number % 5 < 3 {
            for _ in 0..=number % 4 {
                student.publish(&format!("class.{neighbour}"), b"Hi!").await;
            }
        }
        if number % 5 < 2 {
            let mut mail = student.consume(&format!("class.{}", student.name)).await;
            let letter = room::next(&mut mail).await;
            if number % 5 < 1 {
                letter.ack(BasicAckOptions::default()).await.unwrap();
            }
        }
    }
    students[0].declare("hello").await;
    students[0].publish_many("hello", 7).await;
    students
}

fn names(count: usize) -> Vec<String> {
    let known = ["anna", "ben", "小明", "carla", "大卫", "emil", "fatima", "小红", "gustav", "hana"];
    (0..count)
        .map(|number| format!("{}{}", known[number % known.len()], ["", "2", "3", "4", "5", "6"][number / known.len()]))
        .collect()
}

#[test]
fn a_room_can_read_it_in_both_languages_in_light_and_dark_on_large_and_small_screens() {
    let Some(reader) = Reader::open("en") else { return };
    let room = Room::open();
    open(&reader, &room);
    assert_eq!(reader.eval("document.getElementById('address').textContent"), room.address);
    assert_eq!(reader.eval("document.getElementById('password').textContent"), room.password);
    let line = format!("AMQP_ADDR={} cargo run -p send", room.addr);
    assert_eq!(reader.eval("document.getElementById('shell').textContent"), line);
    resize(&reader, 1920, 1080);
    picture(&reader, "empty");

    let runtime = Runtime::new().unwrap();
    let students = runtime.block_on(lesson(&room, &names(9)));
    reader.wait_for("document.querySelectorAll('.student.here').length === 9");
    reader.wait_for("document.querySelector('.student[data-name=anna]').dataset.done === '123456'");
    reader.wait_for("document.querySelector('.queue[data-queue=hello]').dataset.ready === '7'");
    assert!(reader.eval("document.body.innerText").contains("sent to a classmate"));
    for (theme, background) in [("light", "rgb(255, 255, 255)"), ("dark", "rgb(11, 16, 32)")] {
        reader.click("#theme"); // automatic, light, dark
        reader.wait_for(&format!("document.documentElement.dataset.theme === '{theme}'"));
        assert_eq!(reader.eval("getComputedStyle(document.body).backgroundColor"), background);
        for (width, height) in [(1920, 1080), (1280, 720)] {
            resize(&reader, width, height);
            reader.wait_for(&format!("innerWidth === {width}"));
            picture(&reader, &format!("{theme}-{width}"));
            assert_eq!(reader.eval("document.documentElement.scrollWidth <= innerWidth"), "true", "{theme}, {width}");
            assert_eq!(reader.eval("document.documentElement.scrollHeight <= innerHeight"), "true", "{theme}, {width}");
        }
    }

    reader.click("#language");
    reader.wait_for("document.documentElement.lang === 'zh-CN' && document.title === '班级邮局'");
    let page = reader.eval("document.body.innerText");
    for words in ["发给同学", "怎样连接", "公共队列", "最近的消息"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    picture(&reader, "chinese-1280");
    drop(students);
    reader.wait_for("document.querySelectorAll('.student').length === 9 && !document.querySelector('.student.here')");
    reader.nothing_went_wrong();
}

#[test]
fn sixty_students_fit_on_the_screen() {
    let Some(reader) = Reader::open("zh") else { return };
    let room = Room::open();
    open(&reader, &room);
    let runtime = Runtime::new().unwrap();
    let students = runtime.block_on(lesson(&room, &names(STUDENTS)));
    reader.wait_for("document.querySelectorAll('.student.here').length === 60");
    reader.click("#connect-toggle");
    for (width, height) in [(1920, 1080), (1280, 720)] {
        resize(&reader, width, height);
        reader.wait_for(&format!("innerWidth === {width}"));
        picture(&reader, &format!("sixty-{width}"));
        assert_eq!(reader.eval("document.documentElement.scrollHeight <= innerHeight"), "true", "at {width}");
        assert_eq!(
            reader.eval("[...document.querySelectorAll('.mark')].every(mark => mark.clientHeight >= 14)"),
            "true"
        );
    }
    drop(students);
    reader.nothing_went_wrong();
}

#[test]
fn names_from_strangers_are_text_and_the_teacher_can_remove_them() {
    let Some(reader) = Reader::open("en") else { return };
    let room = Room::open();
    open(&reader, &room);
    let runtime = Runtime::new().unwrap();
    let evil = "<img src=x onerror=\"document.title='owned'\">";
    let (students, mut mail) = runtime.block_on(async {
        let mut students = Vec::new();
        for name in [evil, "<script>document.title='owned'</script>", "\u{202e}anna", "zalgo\u{300}\u{301}\u{302}"] {
            let student = Student::connect(&room, name).await;
            student.declare(&format!("class.{name}")).await;
            student.publish(&format!("class.{name}"), b"<b>Hi!</b>").await;
            student.publish("<b>nowhere</b>", b"Hi!").await;
            students.push(student);
        }
        let mail = students[0].consume(&format!("class.{evil}")).await;
        (students, mail)
    });
    reader.wait_for("document.querySelectorAll('.student').length === 4");
    reader.wait_for("document.getElementById('latest').innerText.includes('<b>nowhere</b>')");
    assert_eq!(reader.eval("document.querySelectorAll('main img, main script, #latest b b').length"), "0");
    let page = reader.eval("document.body.innerText");
    assert!(page.contains("<img src=x onerror=") && !page.contains('\u{202e}'), "{page}");
    picture(&reader, "strangers");

    let row = "[...document.querySelectorAll('.student')].find(row => row.dataset.name.startsWith('<img'))";
    reader.eval(&format!("{row}.querySelector('.remove').click()"));
    reader.wait_for("document.getElementById('sure').open");
    assert!(reader.eval("document.getElementById('question').textContent").contains("<img src=x"));
    reader.click("#no");
    reader.wait_for(&format!("!document.getElementById('sure').open && {row}"));
    reader.eval(&format!("{row}.querySelector('.remove').click()"));
    reader.click("#yes");
    reader.wait_for("document.querySelectorAll('.student').length === 3");
    runtime.block_on(room::end(&mut mail));

    reader.click("#reset");
    reader.click("#yes");
    reader.wait_for("document.getElementById('letters').textContent === '0'");
    assert_ne!(reader.eval("document.title"), "owned");
    drop(students);
    reader.nothing_went_wrong();
}

#[test]
fn a_page_whose_post_office_has_closed_says_so() {
    let Some(reader) = Reader::open("en") else { return };
    let mut room = Room::open();
    open(&reader, &room);
    room.interrupt();
    assert!(room.process.wait().unwrap().success());
    reader.wait_for("!document.getElementById('trouble').hidden");
    assert!(reader.eval("document.getElementById('trouble').textContent").contains("The post office is closed"));
}

/// Sixty students, five letters a second each: how long from a publish to the page that shows it counted. What is meant to
/// be reached is 100 ms; the bound leaves room for other tests on the same machine.
#[test]
fn the_page_keeps_up_with_sixty_students() {
    let Some(lags) = lags() else { return };
    let [median, p95, max] = [50, 95, 100].map(|percent| lags[(lags.len() * percent / 100).min(lags.len() - 1)]);
    let letters = lags.len();
    let figures =
        format!("{STUDENTS} students, {letters} letters: median {median:.0} ms, p95 {p95:.0} ms, max {max:.0} ms");
    let _ = writeln!(std::io::stderr(), "{figures}"); // shown although the test passes
    assert!(p95 < 1000.0, "the page is too far behind: {figures}");
}

/// The time that each letter took until the page showed it, in milliseconds, the shortest first.
fn lags() -> Option<Vec<f64>> {
    let reader = Reader::open("en")?;
    let room = Room::open();
    open(&reader, &room);
    resize(&reader, 1920, 1080);
    reader.eval(
        "(window.seen = [], new MutationObserver(() => requestAnimationFrame(() => \
         seen.push([Number(letters.textContent), performance.timeOrigin + performance.now()])))\
         .observe(letters, { childList: true, characterData: true, subtree: true }))",
    );
    let mut sent = Runtime::new().unwrap().block_on(async {
        let mut ready = Vec::new();
        for name in names(STUDENTS) {
            let student = Student::connect(&room, &name).await;
            student.declare(&format!("class.{name}")).await;
            ready.push(student);
        }
        let mut students: JoinSet<_> = ready.into_iter().map(writes_steadily).collect();
        let mut sent = Vec::new();
        while let Some(times) = students.join_next().await {
            sent.extend(times.unwrap());
        }
        sent
    });
    assert_eq!(sent.len(), STUDENTS * LETTERS_EACH);
    reader.wait_for(&format!("seen.at(-1)?.[0] === {}", sent.len()));
    let seen: Vec<(usize, f64)> = serde_json::from_str(&reader.eval("JSON.stringify(seen)")).unwrap();
    reader.nothing_went_wrong();

    sent.sort_by(f64::total_cmp);
    let shown = |number: usize| seen.iter().find(|(count, _)| *count > number).expect("all are shown").1;
    let mut lags: Vec<f64> = sent.iter().enumerate().map(|(number, sent)| shown(number) - sent).collect();
    lags.sort_by(f64::total_cmp);
    Some(lags)
}

/// Writes letters to itself and signs for them; gives the times at which it wrote, in milliseconds since 1970.
async fn writes_steadily(student: Student) -> Vec<f64> {
    let queue = format!("class.{}", student.name);
    let mut mail = student.consume(&queue).await;
    tokio::spawn(async move {
        loop {
            let _ = room::next(&mut mail).await.ack(BasicAckOptions::default()).await; // the class may be over
        }
    });
    let mut clock = interval(EVERY);
    let mut times = Vec::new();
    for _ in 0..LETTERS_EACH {
        clock.tick().await;
        times.push(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() * 1000.0);
        student.publish(&queue, b"Life is short, I use Rust!").await;
    }
    times
}
