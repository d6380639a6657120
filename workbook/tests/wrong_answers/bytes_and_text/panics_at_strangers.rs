// wrong: Takes it for granted that a message is text.
// says: your program stopped at a message that is not text

fn body(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn line(body: &[u8]) -> String {
    str::from_utf8(body).unwrap().to_owned()
}

fn main() {}
