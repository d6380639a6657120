//! Time that passes by the broker's own clock: nobody sleeps, a message waits for its time to live.

use super::{methods::*, script::Script};

/// An hourglass: what was sent into it comes out into another queue when its time is over.
pub struct Glass {
    turned: u32,
}

impl Glass {
    pub fn new(s: &mut Script) -> Self {
        let falls_into = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("below"))];
        s.call(("clock", 1), a_queue_with("above", falls_into));
        s.look_away_from("above"); // whether it is seen before it falls is a matter of the moment
        s.call(("clock", 1), a_queue("below"));
        Self { turned: 0 }
    }

    pub fn pass(&mut self, s: &mut Script, milliseconds: u32) {
        let sand = properties().with_expiration(milliseconds.to_string().as_str().into());
        s.publish_with(("clock", 1), to("", "above"), sand, b"");
        self.turned += 1;
        s.until_ready("below", self.turned);
    }
}
