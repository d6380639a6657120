// What a program prints, as a terminal shows it: colours, and lines that are written again after a carriage return. Nothing
// else that an escape sequence may ask for is done, and all text stays text.

const TOKENS = /[^\x00-\x1f\x7f-\x9f]+|\x1b\[([0-?]*)[ -/]*([@-~])|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]|[^]/g;
const BEGUN = /\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\x9c]*\x1b?|[ -/]*)$/; // the rest of it has not come yet
const LONGEST = 4096; // a sequence that is longer is none

export class Terminal {
    #log;
    #line = document.createElement('span'); // the last one, which may still change
    #runs = []; // its text in pieces of one style: { text, style }
    #column = 0;
    #sources = {}; // what each stream has chosen, and begun

    constructor(log) {
        this.#log = log;
        log.replaceChildren(this.#line);
    }

    // `from` is the stream: it has a class, and colours of its own.
    write(from, text) {
        const source = this.#sources[from] ??= { begun: '', bold: false, colour: null };
        text = source.begun + text;
        const begun = BEGUN.exec(text)?.[0] ?? '';
        source.begun = begun.length > LONGEST ? '' : begun;
        const whole = [];
        for (const [token, values, command] of text.slice(0, text.length - begun.length).matchAll(TOKENS)) {
            if (token >= ' ' && !/[\x7f-\x9f]/.test(token[0]) || token === '\t') {
                this.#put(token, style(from, source));
            } else if (token === '\n') {
                add(this.#runs, '\n', style(from, source));
                this.#runs.forEach(run => add(whole, run.text, run.style));
                this.#runs = [];
                this.#column = 0;
            } else if (token === '\r') {
                this.#column = 0;
            } else if (token === '\b') {
                this.#column = Math.max(0, this.#column - 1);
            } else if (command === 'm') {
                choose(source, values);
            } else if (command === 'K' && values !== '1') { // erase the rest of the line, or all of it: progress bars do
                this.#column = values === '2' ? 0 : this.#column;
                this.#runs = cut(this.#runs, 0, this.#column);
            }
        }
        this.#line.before(...whole.map(shown));
        this.#line.replaceChildren(...this.#runs.map(shown));
    }

    #put(text, style) {
        const rest = cut(this.#runs, this.#column + text.length);
        this.#runs = cut(this.#runs, 0, this.#column);
        add(this.#runs, text, style);
        rest.forEach(run => add(this.#runs, run.text, run.style));
        this.#column += text.length;
    }
}

const style = (from, { bold, colour }) => `from-${from}${bold ? ' bold' : ''}${colour === null ? '' : ` colour-${colour}`}`;
const add = (runs, text, style) => {
    if (runs.at(-1)?.style === style) {
        runs.at(-1).text += text;
    } else if (text) {
        runs.push({ text, style });
    }
};
const cut = (runs, from, to = Infinity) => {
    let start = 0;
    return runs.flatMap(({ text, style }) => {
        const part = text.slice(Math.max(0, from - start), Math.max(0, to - start));
        start += text.length;
        return part ? [{ text: part, style }] : [];
    });
};
const shown = ({ text, style }) => Object.assign(document.createElement('span'), { className: style, textContent: text });

// Select graphic rendition: bold and the 16 colours, by their old numbers or as 38;5;n. Backgrounds would make text unreadable.
const choose = (source, values) => {
    const numbers = values.split(/[;:]/).map(Number);
    for (let i = 0; i < numbers.length; i++) {
        const n = numbers[i];
        if (n === 0) {
            Object.assign(source, { bold: false, colour: null });
        } else if (n === 1 || n === 22) {
            source.bold = n === 1;
        } else if (n >= 30 && n <= 37) {
            source.colour = n - 30;
        } else if (n >= 90 && n <= 97) {
            source.colour = n - 82;
        } else if (n === 39) {
            source.colour = null;
        } else if (n === 38 || n === 48) {
            const index = numbers[i + 1] === 5 ? numbers[i + 2] : NaN;
            if (n === 38) {
                source.colour = index < 16 ? index : null;
            }
            i += numbers[i + 1] === 5 ? 2 : 4;
        }
    }
};
