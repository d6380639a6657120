// play.mjs FILE: reads scripts from the standard input, one JSON array of batches a line, plays each in a new broker of the
// module in FILE, and prints its answers, one array a line.
import { readFileSync } from "node:fs";

const [file] = process.argv.slice(2);
const module = new WebAssembly.Module(readFileSync(file));

function broker() {
  const { memory, alloc, dealloc, tell } = new WebAssembly.Instance(module, {}).exports;
  return (commands) => {
    const bytes = new TextEncoder().encode(commands);
    const at = alloc(bytes.length);
    new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
    const answer = BigInt.asUintN(64, tell(at, bytes.length));
    dealloc(at, bytes.length);
    const [address, length] = [Number(answer >> 32n), Number(answer & 0xffff_ffffn)];
    const text = new TextDecoder().decode(new Uint8Array(memory.buffer, address, length));
    dealloc(address, length);
    return text;
  };
}

for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const say = broker();
  console.log(JSON.stringify(JSON.parse(line).map((batch) => say(batch))));
}
