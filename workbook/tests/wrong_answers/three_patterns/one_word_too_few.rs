// wrong: Takes `*` for “all that follows”.
// says: `statistics` gets the wrong messages

const SHANGHAI: &str = "order.*.shanghai";
const ACCOUNTING: &str = "order.paid.#";
const STATISTICS: &str = "order.*";

fn main() {}
