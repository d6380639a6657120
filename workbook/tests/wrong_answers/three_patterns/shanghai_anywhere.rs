// wrong: Takes in everything that speaks of Shanghai, the stock too.
// says: `shanghai` gets the wrong messages

const SHANGHAI: &str = "#.shanghai";
const ACCOUNTING: &str = "order.paid.#";
const STATISTICS: &str = "order.#";

fn main() {}
