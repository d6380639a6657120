//! Where frames begin and end in a client's bytes, and which methods they carry (AMQP 0-9-1, section 2.3.5).
//!
//! This is no codec: the post office behind the door reads the frames and judges them.

/// A frame's type, its channel (2 bytes) and the length of what follows (4 bytes).
const HEAD: usize = 7;
/// A method's class and number, a reserved field, and the longest name that can stand there.
const KEPT: usize = 2 + 2 + 2 + 256;
/// What a client says before its first frame: `AMQP` and a version.
const GREETING: usize = 8;
/// The type of a frame that carries a method.
const METHOD: u8 = 1;
/// What ends a frame.
const END: u8 = 0xce;

/// Follows a stream of bytes from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// Bytes that belong to no frame.
    greeting: usize,
    /// The frame's head, and its beginning.
    begun: Vec<u8>,
    /// How many bytes of the frame are still to come, once its head is complete.
    missing: usize,
}

impl Frames {
    /// The frames that a client sends.
    pub(super) fn of_client() -> Self {
        Self { greeting: GREETING, ..Self::default() }
    }

    /// The frames that a broker sends.
    pub(super) fn of_broker() -> Self {
        Self::default()
    }

    /// Whether the bytes so far end where a frame ends.
    pub(super) fn at_boundary(&self) -> bool {
        self.begun.is_empty()
    }

    /// Goes on with these bytes, and gives each method that ends in them to `found`.
    pub(super) fn take(&mut self, mut bytes: &[u8], mut found: impl FnMut(Method<'_>)) {
        bytes = &bytes[skip(&mut self.greeting, bytes)..];
        while !bytes.is_empty() {
            let head_missing = HEAD.saturating_sub(self.begun.len());
            if head_missing > 0 {
                let (part, rest) = bytes.split_at(head_missing.min(bytes.len()));
                self.begun.extend(part);
                bytes = rest;
                if let [_, _, _, a, b, c, d] = self.begun[..] {
                    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
                    self.missing = length.saturating_add(1); // the byte that ends it
                }
                continue;
            }
            let length = skip(&mut self.missing, bytes);
            let room = (HEAD + KEPT).saturating_sub(self.begun.len());
            self.begun.extend(&bytes[..length.min(room)]);
            bytes = &bytes[length..];
            if self.missing == 0 {
                if self.begun[0] == METHOD {
                    found(Method(&self.begun[HEAD..]));
                }
                self.begun.clear();
            }
        }
    }
}

/// Takes from `left` as many bytes as there are, and says how many that were.
fn skip(left: &mut usize, bytes: &[u8]) -> usize {
    let length = bytes.len().min(*left);
    *left -= length;
    length
}

/// The beginning of a method.
#[derive(Debug, Clone, Copy)]
pub(super) struct Method<'a>(&'a [u8]);

impl Method<'_> {
    /// The numbers of its class and of itself.
    pub(super) fn ids(self) -> (u8, u8) {
        match self.0 {
            [0, class, 0, method, ..] => (*class, *method),
            _ => (0, 0), // there is none with larger numbers
        }
    }

    /// The name that comes first in a `declare`, after the reserved field.
    pub(super) fn name(self) -> Vec<u8> {
        let after = self.0.get(6..).unwrap_or_default();
        let length = after.first().map_or(0, |length| usize::from(*length));
        after.iter().skip(1).take(length).copied().collect()
    }
}

/// A frame with `connection.close`, as RabbitMQ's operators send it: 320, `CONNECTION_FORCED`, and why.
pub(super) fn farewell(why: &str) -> Vec<u8> {
    let text: String = format!("CONNECTION_FORCED - {why}").chars().filter(char::is_ascii).take(255).collect();
    let mut payload = vec![0, 10, 0, 50];
    payload.extend(320_u16.to_be_bytes());
    payload.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    payload.extend(text.as_bytes());
    payload.extend([0; 4]); // no method of the client's is to blame
    let mut frame = vec![METHOD, 0, 0];
    frame.extend(u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend(payload);
    frame.push(END);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![kind, 0, 1];
        frame.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        frame.extend(payload);
        frame.push(END);
        frame
    }

    fn conversation() -> Vec<u8> {
        let mut declare = vec![0, 50, 0, 10, 0, 0, 10];
        declare.extend(b"class.anna\x02\0\0\0\0");
        let mut bytes = b"AMQP\x00\x00\x09\x01".to_vec();
        bytes.extend(frame(METHOD, &declare));
        bytes.extend(frame(METHOD, &[0, 60, 0, 40]));
        bytes.extend(frame(2, &[0; 14]));
        bytes.extend(frame(3, &[METHOD; 5000]));
        bytes.extend(frame(8, &[]));
        bytes.extend(frame(METHOD, &[0, 20, 0, 40]));
        bytes
    }

    #[test]
    fn methods_are_found_however_the_bytes_are_cut() {
        let bytes = conversation();
        for size in [1, 2, 7, 8, 13, 300, bytes.len()] {
            let mut frames = Frames::of_client();
            let (mut ids, mut names) = (Vec::new(), Vec::new());
            for chunk in bytes.chunks(size) {
                frames.take(chunk, |method| {
                    ids.push(method.ids());
                    names.push(method.name());
                });
            }
            assert_eq!(ids, [(50, 10), (60, 40), (20, 40)], "in pieces of {size}");
            assert_eq!(names[0], b"class.anna");
            assert!(frames.at_boundary());
        }
    }

    #[test]
    fn a_frame_that_has_begun_is_no_boundary() {
        let mut frames = Frames::of_broker();
        let bytes = frame(3, b"Hi!");
        for (at, byte) in bytes.iter().enumerate() {
            frames.take(&[*byte], |_| panic!("no method"));
            assert_eq!(frames.at_boundary(), at + 1 == bytes.len());
        }
    }

    #[test]
    fn nonsense_takes_no_memory() {
        let mut frames = Frames::of_client();
        for _ in 0..1000 {
            frames.take(&[0xff; 4096], |_| {});
        }
        assert!(frames.begun.capacity() <= 2 * (HEAD + KEPT));
    }

    #[test]
    fn a_long_reason_still_fits_into_the_farewell() {
        let frame = farewell(&"x".repeat(1000));
        let mut frames = Frames::of_broker();
        let mut count = 0;
        frames.take(&frame, |method| {
            assert_eq!(method.ids(), (10, 50));
            count += 1;
        });
        assert!(count == 1 && frames.at_boundary());
    }
}
