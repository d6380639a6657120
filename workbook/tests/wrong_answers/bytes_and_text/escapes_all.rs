// wrong: Shows the bytes of every message that is not English.
// says: what is printed is not what was sent

fn body(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn line(body: &[u8]) -> String {
    match str::from_utf8(body) {
        Ok(text) if !text.is_ascii() => format!("bytes that are not text: {}", body.escape_ascii()),
        Ok(text) => text.to_owned(),
        Err(_) => format!("bytes that are not text: {}", body.escape_ascii()),
    }
}

fn main() {}
