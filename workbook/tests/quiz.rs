//! The quizzes at the end of the chapters: as they are written, and as readers answer them.

#![cfg(unix)]

#[allow(dead_code)] // each test file uses its part
mod reader;
#[allow(dead_code)] // each test file uses its part
mod served;

use mdbook_markdown::{
    MarkdownOptions, new_cmark_parser,
    pulldown_cmark::{Event, Tag, TagEnd},
};
use reader::{Reader, files};
use std::{fs, sync::LazyLock};

/// The pages of Part I, but for the one on Python, and the last page of each chapter of Part II.
const PAGES: [&str; 15] = [
    "basic/broker",
    "basic/model",
    "basic/send",
    "basic/look",
    "basic/receive",
    "basic/again",
    "basic/review",
    "patterns/durable",
    "patterns/publish-subscribe",
    "patterns/routing",
    "patterns/topics",
    "patterns/request-reply",
    "patterns/confirms",
    "patterns/flash-sale",
    "patterns/choosing",
];

static BOOK: LazyLock<String> = LazyLock::new(files);

/// A question as its page is written.
#[derive(Debug, Default)]
struct Question {
    text: String,
    answers: Vec<Answer>,
}

#[derive(Debug, Default)]
struct Answer {
    is_right: bool,
    text: String,
    explanation: String,
}

/// The quiz of a page: what stands in its `<workbook-quiz>`.
fn quiz(page: &str) -> Vec<Question> {
    let path = served::root().join("src").join(page);
    let page = fs::read_to_string(&path).unwrap();
    let (_, rest) = page.split_once("\n<workbook-quiz>\n").unwrap_or_else(|| panic!("no quiz in {}", path.display()));
    let (quiz, _) = rest.split_once("\n</workbook-quiz>\n").unwrap();
    let mut questions: Vec<Question> = Vec::new();
    let mut lists = 0;
    let mut paragraphs = 0; // of this answer
    for event in new_cmark_parser(quiz, &MarkdownOptions::default()) {
        match event {
            Event::Start(Tag::List(_)) => lists += 1,
            Event::End(TagEnd::List(_)) => lists -= 1,
            Event::Start(Tag::Item) if lists == 1 => questions.push(Question::default()),
            Event::Start(Tag::Item) => {
                questions.last_mut().unwrap().answers.push(Answer::default());
                paragraphs = 0;
            }
            Event::Start(Tag::Paragraph) => paragraphs += 1,
            Event::TaskListMarker(ticked) => answer(&mut questions).is_right = ticked,
            Event::Text(text) | Event::Code(text) => match (lists, paragraphs) {
                (1, _) => questions.last_mut().unwrap().text += &text,
                (_, 1) => answer(&mut questions).text += &text,
                _ => answer(&mut questions).explanation += &text,
            },
            _ => {}
        }
    }
    questions
}

fn answer(questions: &mut [Question]) -> &mut Answer {
    questions.last_mut().unwrap().answers.last_mut().unwrap()
}

fn right_answers(quiz: &[Question]) -> Vec<Vec<bool>> {
    quiz.iter().map(|question| question.answers.iter().map(|answer| answer.is_right).collect()).collect()
}

#[test]
fn each_page_asks_three_to_five_questions_whose_answers_explain_themselves() {
    for page in PAGES {
        let english = quiz(&format!("{page}.md"));
        let chinese = quiz(&format!("{page}.zh-CN.md"));
        assert!((3..=5).contains(&english.len()), "{page} asks {} questions", english.len());
        assert_eq!(right_answers(&english), right_answers(&chinese), "the twins of {page} mark different answers");
        for question in english.iter().chain(&chinese) {
            let right = question.answers.iter().filter(|answer| answer.is_right).count();
            assert!(right >= 1, "{page}: no right answer: {question:#?}");
            assert!(question.answers.len() - right >= 2, "{page}: fewer than two wrong answers: {question:#?}");
            assert!(!question.text.is_empty(), "{page}: {question:#?}");
            for answer in &question.answers {
                assert!(
                    !answer.text.is_empty() && !answer.explanation.is_empty(),
                    "{page}: not explained: {answer:#?}"
                );
            }
        }
    }
}

#[test]
fn right_answers_stand_in_different_places() {
    let single: Vec<usize> = PAGES
        .iter()
        .flat_map(|page| right_answers(&quiz(&format!("{page}.md"))))
        .filter(|answers| answers.iter().filter(|is_right| **is_right).count() == 1)
        .map(|answers| answers.iter().position(|is_right| *is_right).unwrap())
        .collect();
    for place in 0..3 {
        let share = single.iter().filter(|right| **right == place).count();
        assert!(share * 5 >= single.len(), "answer {place} is right {share} times of {}", single.len());
    }
}

/// The answers of question `n`.
fn choices(n: usize) -> String {
    format!("document.querySelectorAll('.quiz-question')[{n}].querySelectorAll('input')")
}

/// Chooses exactly these answers of question `n`, presses its button, and reads what it says.
#[track_caller]
fn verdict(reader: &Reader, n: usize, chosen: &[usize]) -> String {
    reader.eval(&format!(
        "([...{}].forEach((input, i) => input.checked !== {chosen:?}.includes(i) && input.click()), \
          document.querySelectorAll('.quiz-check')[{n}].click(), \
          document.querySelectorAll('.quiz-verdict')[{n}].innerText)",
        choices(n)
    ))
}

fn score(reader: &Reader) -> String {
    reader.eval("document.querySelector('.quiz-score').innerText")
}

/// Answers everything on every page, first wrong and then right, and reads each verdict.
fn answer_every_quiz(edition: &str, languages: &[&str]) {
    let Some(reader) = Reader::open("en") else { return };
    for page in PAGES {
        reader.go(&format!("{}/{edition}/{page}.html", *BOOK));
        reader.wait_for("document.querySelector('.quiz-question')");
        let twins: Vec<_> = languages.iter().map(|suffix| quiz(&format!("{page}{suffix}"))).collect();
        let asked = twins[0].len();
        assert_eq!(reader.eval("document.querySelectorAll('.quiz-question').length"), asked.to_string());
        assert_eq!(
            reader.eval("document.querySelectorAll('.quiz-question fieldset > legend').length"),
            asked.to_string()
        );
        for n in 0..asked {
            let right = &right_answers(&twins[0])[n];
            assert_eq!(reader.eval(&format!("{}.length", choices(n))), right.len().to_string());
            let single = right.iter().filter(|is_right| **is_right).count() == 1;
            let kind = if single { "radio" } else { "checkbox" };
            assert_eq!(reader.eval(&format!("{}[0].type", choices(n))), kind, "{edition} {page} {n}");

            // Each answer alone: its own explanation and no other, in each of the edition's languages.
            for (a, is_right) in right.iter().enumerate() {
                let verdict = verdict(&reader, n, &[a]);
                for (twin, suffix) in twins.iter().zip(languages) {
                    let said = match (*suffix == ".md", is_right) {
                        (true, true) => "Right.",
                        (true, false) => "Not so.",
                        (false, true) => "对。",
                        (false, false) => "不对。",
                    };
                    assert!(verdict.contains(said), "{edition} {page} {n}: no {said} in {verdict}");
                    for (other, Answer { explanation, .. }) in twin[n].answers.iter().enumerate() {
                        let shown = squeeze(&verdict).contains(&squeeze(explanation));
                        assert_eq!(shown, other == a, "{edition} {page} {n}, chosen {a}: {explanation} in {verdict}");
                    }
                }
                let complete = single && *is_right;
                assert_eq!(verdict.contains("there is more") || verdict.contains("还没有选全"), *is_right && !complete);
            }
            let all: Vec<_> = right.iter().enumerate().filter(|(_, is_right)| **is_right).map(|(a, _)| a).collect();
            let verdict = verdict(&reader, n, &all);
            assert!(!verdict.contains("Not so") && !verdict.contains("不对"), "{edition} {page} {n}: {verdict}");
            assert!(
                !verdict.contains("there is more") && !verdict.contains("还没有选全"),
                "{edition} {page} {n}: {verdict}"
            );
        }
        let all = score(&reader);
        assert!(
            all.contains(&format!("{asked} of {asked} right, ")) || all.contains(&format!("{asked} 题答对 {asked} 题")),
            "{all}"
        );
        // From the start again, with nothing remembered.
        reader.eval("document.querySelector('.quiz-again').click()");
        assert_eq!(reader.eval("document.querySelectorAll('workbook-quiz :checked').length"), "0");
        assert_eq!(reader.eval("document.querySelectorAll('workbook-quiz [data-verdict]').length"), "0");
        assert_eq!(score(&reader), "");
    }
    reader.nothing_went_wrong();
}

/// Without white space: the page has its own between the parts of a sentence.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn english_readers_learn_what_is_right_and_why() {
    answer_every_quiz("en", &[".md"]);
}

#[test]
fn chinese_readers_learn_what_is_right_and_why() {
    answer_every_quiz("zh-CN", &[".zh-CN.md"]);
}

#[test]
fn readers_of_both_languages_choose_once_and_read_both_reasons() {
    answer_every_quiz("en-zh", &[".md", ".zh-CN.md"]);
}

#[test]
fn a_quiz_can_be_done_with_the_keyboard_and_says_what_happens() {
    let Some(reader) = Reader::open("en") else { return };
    reader.go(&format!("{}/en/basic/look.html", *BOOK));
    reader.wait_for("document.querySelector('.quiz-question')");
    let right = right_answers(&quiz("basic/look.md"));
    let key = |key: &str| reader.press(key);
    let focus = || reader.eval("document.activeElement.className || document.activeElement.type");

    // From the heading on: Tab comes to the first question, arrows choose, Enter checks.
    reader.eval("(document.getElementById('quiz').tabIndex = -1, document.getElementById('quiz').focus())");
    for _ in 0..5 {
        if focus() != "radio" {
            key("Tab");
        }
    }
    assert_eq!(focus(), "radio");
    key("Enter");
    assert_eq!(reader.eval("document.querySelector('.quiz-verdict').innerText.trim()"), "Choose an answer first.");
    key(" ");
    for _ in 0..right[0].iter().position(|is_right| *is_right).unwrap() {
        key("ArrowDown");
    }
    key("Enter");
    assert!(reader.eval("document.querySelector('.quiz-verdict').innerText").contains("Right."));
    assert_eq!(score(&reader), "1 of 4 right.");
    // Another choice takes back what was said.
    key("ArrowUp");
    assert_eq!(reader.eval("document.querySelector('.quiz-verdict').innerText"), "");

    // Arrows choose answers here; they must not turn the page, as they do elsewhere.
    key("ArrowRight");
    key("ArrowLeft");
    assert!(reader.eval("location.pathname").ends_with("/en/basic/look.html"));

    // The last one has several right answers: Space ticks them.
    let last = right.len() - 1;
    reader.eval(&format!("{}[0].focus()", choices(last)));
    for is_right in &right[last] {
        if *is_right {
            key(" ");
        }
        key("Tab");
    }
    assert_eq!(focus(), "quiz-check");
    key(" ");
    let verdict = reader.eval(&format!("document.querySelectorAll('.quiz-verdict')[{last}].innerText"));
    assert!(verdict.contains("Right.") && !verdict.contains("Not so."), "{verdict}");

    // A screen reader is told: the verdict and the score are live regions that exist before they speak.
    assert_eq!(reader.eval("document.querySelectorAll('workbook-quiz [role=status]').length"), "5");
    key("Tab");
    assert_eq!(focus(), "quiz-again");
    key("Enter");
    assert_eq!(focus(), "radio", "the focus goes to the first question");
    reader.nothing_went_wrong();
}

#[test]
fn without_scripts_a_quiz_is_a_list_with_its_solution() {
    let page =
        fs::read_to_string(BOOK.strip_prefix("file://").unwrap().to_owned() + "/zh-CN/basic/again.html").unwrap();
    let html = scraper::Html::parse_document(&page);
    let select = |selector: &str| html.select(&scraper::Selector::parse(selector).unwrap()).count();
    let written = right_answers(&quiz("basic/again.zh-CN.md"));
    assert_eq!(select("workbook-quiz > ol > li"), written.len());
    assert_eq!(select("workbook-quiz > ol > li > ul > li"), written.iter().flatten().count());
    let right = written.iter().flatten().filter(|is_right| **is_right).count();
    assert_eq!(select("workbook-quiz > ol > li > ul > li input[checked]"), right);
}

#[test]
fn what_a_reader_has_done_is_kept_across_editions_and_can_be_forgotten() {
    for (edition, other, go_on, missed) in [
        ("en", "zh-CN", "接着读：生产者、队列、消费者", "生产者、队列、消费者：第 1 题"),
        ("zh-CN", "en", "Continue: Producer, queue, consumer", "Producer, queue, consumer, question 1"),
        ("en-zh", "en", "Continue: Producer, queue, consumer", "Producer, queue, consumer, question 1"),
    ] {
        let Some(reader) = Reader::open("en") else { return };
        let book = &*BOOK;
        reader.go(&format!("{book}/{edition}/index.html"));
        assert_eq!(reader.eval("document.querySelector('reading-progress')"), "null", "there is nothing to tell yet");
        reader.go(&format!("{book}/{edition}/basic/model.html"));
        reader.wait_for("document.querySelector('.quiz-question')");
        assert_eq!(reader.eval("document.querySelectorAll('.read-mark').length"), "0");
        reader.click(".quiz-question .quiz-answer"); // it isn't right
        reader.click(".quiz-question .quiz-check");
        reader.wait_for("document.querySelector('.quiz-verdict [data-verdict=wrong]')");
        let verdict = reader.eval("document.querySelector('.quiz-question').innerText");
        reader.eval("scrollTo(0, document.body.scrollHeight)");
        reader.wait_for("document.querySelectorAll('.read-mark').length === 1");

        reader.go(&format!("{book}/{edition}/basic/model.html"));
        reader.wait_for("document.querySelector('.quiz-verdict [data-verdict=wrong]')");
        assert_eq!(reader.eval("document.querySelector('.quiz-question').innerText"), verdict);
        assert_eq!(reader.eval("document.querySelectorAll('.quiz-question :checked').length"), "1");
        reader.go(&format!("{book}/{other}/basic/review.html"));
        assert_eq!(reader.eval("document.querySelector('.missed li').textContent"), missed);
        reader.go(&format!("{book}/{other}/basic/model.html"));
        reader.go(&format!("{book}/{other}/index.html"));
        assert_eq!(reader.eval("document.querySelector('first-message .go-on').textContent"), go_on);
        assert!(reader.eval("document.querySelector('reading-progress').innerText").contains('1'));
        reader.click("first-message .go-on");
        reader.wait_for("location.pathname.endsWith('/basic/model.html')");

        // Trying again forgets the answers of the page.
        reader.wait_for("document.querySelector('.quiz-verdict [data-verdict=wrong]')");
        reader.click(".quiz-again");
        reader.go(&format!("{book}/{other}/basic/review.html"));
        assert_eq!(reader.eval("document.querySelector('.missed')"), "null");
        reader.go(&format!("{book}/{other}/index.html"));
        reader.eval("(window.confirm = () => false, 0)");
        reader.click(".forget");
        reader.wait_for("document.querySelector('first-message .go-on')");
        reader.eval("(window.confirm = () => true, 0)");
        reader.click(".forget");
        reader.wait_for("!document.querySelector('first-message .go-on') && !document.querySelector('.read-mark')");
        reader.go(&format!("{book}/{other}/index.html"));
        assert_eq!(reader.eval("document.querySelector('reading-progress')"), "null");
        reader.nothing_went_wrong();
    }
}
