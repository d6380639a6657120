// wrong: Puts a sign in the place of what it can't read, so that different messages look alike.
// says: the bytes themselves have to show

fn body(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn line(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}

fn main() {}
