// The post office's core, compiled to WebAssembly (playground/ in the project), as an object: commands in, what happened out.
Playground.Broker = class Broker {
    static #module;
    #exports;

    // A broker of its own: nothing is shared with others. Fails where the browser has no WebAssembly, or can't decompress.
    static async open() {
        Broker.#module ??= Broker.#compile();
        const { exports } = await WebAssembly.instantiate(await Broker.#module, {});
        return new Broker(exports);
    }
    static async #compile() {
        const bytes = Uint8Array.from(atob(Playground.brokerModule), letter => letter.charCodeAt(0));
        const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
        return WebAssembly.compile(await new Response(stream).arrayBuffer());
    }
    constructor(exports) {
        this.#exports = exports;
    }

    // `commands` as playground/README.md lists them; the answer is `{ replies, journal, view, error, next }`.
    tell(commands) {
        const { memory, alloc, dealloc, tell } = this.#exports;
        const given = new TextEncoder().encode(JSON.stringify(commands));
        const at = alloc(given.length);
        new Uint8Array(memory.buffer, at, given.length).set(given);
        const packed = BigInt.asUintN(64, BigInt(tell(at, given.length))); // where the answer is, and its length
        const [answerAt, length] = [Number(packed >> 32n), Number(packed & 0xffff_ffffn)];
        const answer = JSON.parse(new TextDecoder().decode(new Uint8Array(memory.buffer, answerAt, length)));
        dealloc(answerAt, length);
        return answer;
    }
    // Everything is as it was when it was opened.
    reset() {
        this.tell([{ do: 'reset' }]);
    }
};
