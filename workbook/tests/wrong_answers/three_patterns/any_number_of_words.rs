// wrong: Takes `#` where one word stands.
// says: `shanghai` gets the wrong messages

const SHANGHAI: &str = "order.#.shanghai";
const ACCOUNTING: &str = "order.paid.#";
const STATISTICS: &str = "order.#";

fn main() {}
