// wrong: Demands a place, which not every payment has.
// says: `accounting` gets the wrong messages

const SHANGHAI: &str = "order.*.shanghai";
const ACCOUNTING: &str = "order.paid.*";
const STATISTICS: &str = "order.#";

fn main() {}
