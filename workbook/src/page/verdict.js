// What the tests of an exercise have said, as `cargo test` prints it, for a page.

// What stands between quotation marks may be in any language.
const QUOTED = /"(?:\\.|[^"\\])*"|`[^`]*`|“[^”]*”/g;
const isChinese = text => /[\u4e00-\u9fff]/.test(text.replace(QUOTED, ''));

// The words of a text that speaks both languages: each line is in one of them, or in both with ` · ` between.
export const inLanguage = (text, language) => {
    if (language === 'both') {
        return text.trim();
    }
    const wantsChinese = language.startsWith('zh');
    const lines = text.split('\n').flatMap(line => {
        const parts = line.split(' · ');
        return parts.some(isChinese) && !parts.every(isChinese) ? parts : [line];
    });
    const speaksBoth = lines.some(isChinese) && lines.some(line => line.trim() && !isChinese(line));
    return (speaksBoth ? lines.filter(line => line === '' || isChinese(line) === wantsChinese) : lines).join('\n').trim();
};
// The same with its `code` set as code, and without the ends of its lines.
export const set = text => text.split('`').map((part, i) => {
    const joined = part.replace(/\s*\n\s*/g, (_, at) => isChinese(part[at - 1] ?? '') || /[，。：；！？、）]/.test(part[at - 1] ?? '') ? '' : ' ');
    return i % 2 ? Object.assign(document.createElement('code'), { textContent: part }) : joined;
});

// A program whose comments speak both languages, in one of them: of each comment the lines that are in it.
export const programInLanguage = (program, language) => {
    if (language === 'both') {
        return `${program.trimEnd()}\n`;
    }
    const isComment = line => /^\s*\/\/(?!\/)/.test(line);
    const blocks = []; // of comment lines, or of others
    for (const line of program.trimEnd().split('\n')) {
        const last = blocks.at(-1);
        if (last && isComment(last[0]) === isComment(line)) {
            last.push(line);
        } else {
            blocks.push([line]);
        }
    }
    const chosen = blocks.map(lines => {
        if (!isComment(lines[0])) {
            return lines.join('\n');
        }
        const indent = /^\s*/.exec(lines[0])[0];
        const paragraphs = lines.map(line => line.trim().replace(/^\/\/ ?/, '')).join('\n').split(/\n{2,}/);
        const kept = inLanguage(paragraphs.join('\n\n'), language).replace(/\n{3,}/g, '\n\n');
        return kept.split('\n').map(line => `${indent}// ${line}`.trimEnd()).join('\n');
    });
    return `${chosen.join('\n')}\n`;
};

// A list of messages as Rust prints it, or null.
const messages = debug => {
    try {
        const list = JSON.parse(debug.replace(/\\u\{([0-9a-f]+)\}/g, (_, code) => JSON.stringify(String.fromCodePoint(parseInt(code, 16))).slice(1, -1)));
        return Array.isArray(list) && list.every(text => typeof text === 'string') ? list : null;
    } catch {
        return null;
    }
};

// Whether tests have run and all have passed: a program that ends the process ends it with status 0 before they have.
export const hasPassed = printed => /^test result: ok\. [1-9]/m.test(printed);

// What a failed test says, in one language. The error at its end, behind a colon, belongs to both: `expect` puts it there.
const saidIn = (said, language) => {
    const blank = said.replace(QUOTED, quoted => '_'.repeat(quoted.length));
    const end = /^.*[\u4e00-\u9fff]/s.exec(blank)?.[0].length ?? said.length; // of the Chinese words
    const colon = /^[）”]?\s*[:：]\s*(?=\S)/.exec(blank.slice(end));
    if (!colon || language === 'both') {
        return inLanguage(said, language);
    }
    const words = inLanguage(said.slice(0, end), language).replace(/[:：]$/, ''); // it comes again
    const error = said.slice(end + colon[0].length).trim();
    return words.includes(error) ? words : `${words}${language.startsWith('zh') ? '：' : ': '}${error}`;
};

// Each failure as `{ text, line, found, wanted }`: the line if it is one of the first `lines`, which the reader has written, else
// null; what was compared is `{ debug, messages }` or null.
export const failures = (printed, language, lines) => {
    const reports = printed.matchAll(/panicked at [^\n]*?:(\d+):\d+:\n([\s\S]*?)\n(?=note: run with|stack backtrace:|\n|$)/g);
    const all = [...reports].map(([, line, report]) => {
        const [, said, left, right] = /^([\s\S]*?)(?:\n  left: (.*)\n right: (.*))?$/.exec(report);
        const text = said.replace(/^assertion (?:`.*?` )?failed:? ?/, '');
        const compared = debug => debug === undefined ? null : { debug, messages: messages(debug) };
        return { text: saidIn(text, language), line: line <= lines ? Number(line) : null, found: compared(left), wanted: compared(right) };
    });
    // A test in which several tasks fail says the same of each.
    return all.filter(({ text }, i) => all.findIndex(other => other.text === text) === i);
};
