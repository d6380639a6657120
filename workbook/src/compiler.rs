//! What the compiler says about a program, which cargo passes on as JSON, one message a line: the text that a terminal would
//! show, and the place in the source.

use serde::{Deserialize, Serialize};

/// The argument that makes cargo say it so. The texts keep their colours.
pub const AS_JSON: &str = "--message-format=json-diagnostic-rendered-ansi";

/// An error or a warning with its place in the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// `error` or `warning`.
    pub level: String,
    /// What is wrong, in one sentence.
    pub text: String,
    /// The line; the first is 1.
    pub line: usize,
    /// The column, in characters; the first is 1.
    pub column: usize,
}

/// One message.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// As a terminal shows it, with a line's end.
    pub rendered: String,
    /// Whether the program can't be built because of it.
    pub is_error: bool,
    /// Where it is, if it is about a place.
    pub diagnostic: Option<Diagnostic>,
}

#[derive(Deserialize)]
struct Line {
    message: Option<Raw>,
}

#[derive(Deserialize)]
struct Raw {
    rendered: Option<String>,
    level: String,
    message: String,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    is_primary: bool,
    label: Option<String>,
    line_start: usize,
    column_start: usize,
}

impl Message {
    /// Reads a line of cargo's; `None` for one that isn't a message of the compiler.
    pub fn read(line: &str) -> Option<Self> {
        let Raw { rendered, level, message, spans } = serde_json::from_str::<Line>(line).ok()?.message?;
        let is_error = level.starts_with("error"); // `error: internal compiler error` is one, too
        // A bracket that isn't closed is reported at the end of the file, which the reader may not have written.
        let is_unclosed = |span: &&Span| span.label.as_deref() == Some("unclosed delimiter");
        let place = spans.iter().find(is_unclosed).or(spans.iter().find(|span| span.is_primary));
        let diagnostic = place.map(|span| Diagnostic {
            level: if is_error { "error".into() } else { level },
            text: message,
            line: span.line_start,
            column: span.column_start,
        });
        Some(Self { rendered: rendered?, is_error, diagnostic })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_with_its_place_and_other_lines_are_not_messages() {
        let line = serde_json::json!({
            "reason": "compiler-message",
            "message": {
                "rendered": "error: no `x`\n", "level": "error", "message": "no `x`", "code": null, "children": [],
                "spans": [
                    { "is_primary": false, "line_start": 1, "column_start": 1, "file_name": "src/main.rs" },
                    { "is_primary": true, "line_start": 7, "column_start": 5, "file_name": "src/main.rs" },
                ],
            },
        });
        let place = Diagnostic { level: "error".into(), text: "no `x`".into(), line: 7, column: 5 };
        let read = Message { rendered: "error: no `x`\n".into(), is_error: true, diagnostic: Some(place) };
        assert_eq!(Message::read(&line.to_string()), Some(read));
        let unclosed =
            line.to_string().replacen("\"line_start\":1", "\"label\":\"unclosed delimiter\",\"line_start\":1", 1);
        assert_eq!(Message::read(&unclosed).unwrap().diagnostic.unwrap().line, 1, "{unclosed}");
        for other in [r#"{"reason":"compiler-artifact","fresh":true}"#, r#"{"message":"text"}"#, "text", ""] {
            assert_eq!(Message::read(other), None, "{other}");
        }
    }
}
