// Asking the server, and small helpers of all served pages.

const words = workbookWords;

export const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
};
export const button = (className, text, act) => {
    const made = element('button', { type: 'button', className, textContent: text });
    made.addEventListener('click', act);
    return made;
};
// What the server says by a code, in the page's language.
export const spoken = ({ code, detail }) => words.server[code]?.(detail) ?? [code, detail].filter(part => part !== undefined).join(': ');

export const ask = (path, body = {}) => load(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
export const load = async (path, request = {}) => {
    let answer;
    try {
        answer = await fetch(`/workbook/${path}`, request);
    } catch {
        throw new Error(words.gone);
    }
    if (!answer.ok) {
        throw new Error(spoken(await answer.json().catch(() => ({ code: answer.statusText }))));
    }
    return answer.status === 204 ? null : answer.json();
};

// What the browser remembers, where it may.
export const recall = (storage, key) => { try { return storage.getItem(key); } catch { return null; } };
export const recallJson = (storage, key, otherwise) => { try { return JSON.parse(recall(storage, key)) ?? otherwise; } catch { return otherwise; } };
export const remember = (storage, key, value) => {
    try {
        if (value === null) { storage.removeItem(key); } else { storage.setItem(key, value); }
    } catch { /* not remembered, then */ }
};
