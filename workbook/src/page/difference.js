// The difference of two texts, line by line: which lines are gone, which are new, and a few that stand around them.

const AROUND = 2;

// `[{ is: '-' | '+' | ' ' | '…', text }]`; nothing when they are the same.
export const difference = (before, after) => {
    const [old, now] = [before, after].map(text => text.replace(/\n$/, '').split('\n'));
    let start = 0;
    while (start < old.length && start < now.length && old[start] === now[start]) { start++; }
    let end = 0;
    while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) { end++; }
    const lines = [
        ...old.slice(0, start).map(text => ({ is: ' ', text })),
        ...changes(old.slice(start, old.length - end), now.slice(start, now.length - end)),
        ...old.slice(old.length - end).map(text => ({ is: ' ', text })),
    ];
    const isNear = at => lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some(({ is }) => is !== ' ');
    return lines.flatMap((line, at) => isNear(at) ? [line] : at > 0 && isNear(at - 1) && lines.slice(at).some(({ is }) => is !== ' ') ? [{ is: '…', text: '' }] : []);
};

// By the longest common subsequence of lines.
const changes = (old, now) => {
    const longest = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
    for (let i = old.length - 1; i >= 0; i--) {
        for (let j = now.length - 1; j >= 0; j--) {
            longest[i][j] = old[i] === now[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
        }
    }
    const lines = [];
    let [i, j] = [0, 0];
    while (i < old.length || j < now.length) {
        if (i < old.length && j < now.length && old[i] === now[j]) {
            lines.push({ is: ' ', text: old[i++] });
            j++;
        } else if (i < old.length && (j === now.length || longest[i + 1][j] >= longest[i][j + 1])) {
            lines.push({ is: '-', text: old[i++] });
        } else {
            lines.push({ is: '+', text: now[j++] });
        }
    }
    return lines;
};
