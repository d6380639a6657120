// The big screen of a class. It draws what the server tells, at most once a frame, and touches only what has changed.
// Names come from strangers: they are set as text, and nothing of them becomes markup.

import { words as languages } from '/workbook/class-words.js';

const by = id => document.getElementById(id);
const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
};
const kept = (key, otherwise) => { try { return localStorage.getItem(key) ?? otherwise; } catch { return otherwise; } };
const keep = (key, value) => { try { localStorage.setItem(key, value); } catch { /* not remembered, then */ } };
const say = (id, text) => {
    if (by(id).textContent !== String(text)) {
        by(id).textContent = text;
    }
};

let language = kept('workbook-class-language', /^zh/i.test(navigator.language) ? 'zh' : 'en');
let words = languages[language] ?? languages.en;
let whole = null; // how to connect
let newest = null; // the newest state, as JSON

// Sets a property only where it differs: what is set anew is laid out and painted anew.
const set = (node, properties) => {
    for (const [name, value] of Object.entries(properties)) {
        if (node[name] !== value) {
            node[name] = value;
        }
    }
};

// A queue: its letters, drawn up to a few, and their number; what consumers hold; its consumers.
const drawQueue = most => {
    const drawn = Array.from({ length: most }, () => element('i', { className: 'letter' }));
    const ready = element('b');
    const q = element('span', { className: 'q', title: words.ready }, element('span', { className: 'letters' }, ...drawn, ready));
    const unacknowledged = element('span', { className: 'unacknowledged' });
    const c = element('span', { className: 'c' });
    return {
        nodes: [q, unacknowledged, c],
        update(queue) {
            set(q, { hidden: !queue });
            set(unacknowledged, { hidden: !queue?.unacknowledged });
            set(c, { hidden: !queue?.consumers });
            if (queue) {
                drawn.forEach((letter, i) => set(letter, { hidden: i >= queue.ready }));
                set(ready, { textContent: String(queue.ready) });
                set(unacknowledged, { textContent: `${words.unacknowledged} ${queue.unacknowledged}` });
                set(c, { textContent: queue.consumers > 1 ? `C ${queue.consumers}` : 'C', title: words.consumers(queue.consumers) });
            }
        },
    };
};
const makeQueue = ({ name }) => {
    const box = drawQueue(12);
    const node = element('p', { className: 'queue' }, element('code', { textContent: name }), ' ', ...box.nodes);
    node.dataset.queue = name;
    return { node, update(queue) { box.update(queue); node.dataset.ready = queue.ready; } };
};
const makeRow = ({ name, shown }) => {
    const remove = element('button', { type: 'button', className: 'remove', textContent: '×' });
    remove.setAttribute('aria-label', words.remove(shown));
    remove.addEventListener('click', () => ask(words.sureRemove(shown), 'remove', { name }));
    const marks = words.steps.map(step => element('span', { title: step }));
    const summary = element('span', { className: 'hidden-text' });
    const box = drawQueue(4);
    const all = element('span', { className: 'marks' }, ...marks);
    all.setAttribute('aria-hidden', 'true'); // the summary says the same
    const node = element('li', {}, element('span', { className: 'who' }, element('bdi', { textContent: shown })), summary,
        all, element('span', { className: 'box' }, ...box.nodes), remove);
    node.dataset.name = name;
    return {
        node,
        update(row) {
            set(node, { className: row.connections ? 'student here' : 'student' });
            set(summary, { textContent: words.row(row) });
            marks.forEach((mark, i) => set(mark, { className: row.done[i] ? 'mark done' : 'mark', textContent: row.done[i] ? '✓' : String(i + 1) }));
            box.update(row.queue);
            set(node.dataset, { done: row.done.map((done, i) => (done ? i + 1 : '')).join('') });
        },
    };
};
const drawPassed = ({ from, to, key }) => element('li', {},
    element('b', { textContent: from || words.nameless }), ' → ',
    to.length ? element('b', { textContent: to.join(', ') }) : element('em', { textContent: words.lost(key) }));

// Draws a list so that an item of the same name stays the same element: the focus stays on it, and little is painted.
const lists = new WeakMap();
const drawList = (list, items, make) => {
    const known = lists.get(list) ?? new Map();
    const next = new Map();
    let place = list.firstElementChild;
    for (const item of items) {
        const drawn = known.get(item.name) ?? make(item);
        known.delete(item.name);
        next.set(item.name, drawn);
        if (place === drawn.node) {
            place = place.nextElementSibling;
        } else {
            list.insertBefore(drawn.node, place);
        }
        drawn.update(item);
    }
    while (place) { // what nobody has claimed
        const gone = place;
        place = place.nextElementSibling;
        gone.remove();
    }
    lists.set(list, next);
};
const redraw = () => {
    drawnLatest = '';
    [by('students'), by('queues')].forEach(list => { lists.delete(list); list.replaceChildren(); });
};

let waiting = false;
let drawnLatest = '';
const draw = () => {
    waiting = false;
    if (!newest) {
        return;
    }
    const told = JSON.parse(newest); // here, so that news which nobody would see cost nothing
    say('clients', told.clients);
    say('letters', told.letters);
    drawList(by('queues'), told.queues, makeQueue);
    const latest = JSON.stringify(told.latest);
    if (latest !== drawnLatest) {
        drawnLatest = latest;
        by('latest').replaceChildren(...told.latest.map(drawPassed));
    }
    const visitors = told.visitors.map(([name, number]) => `${name || words.nameless}${number > 1 ? ` ×${number}` : ''}`).join(', ');
    say('visitors', [told.queues.length ? '' : words.noQueues, told.more_queues ? words.moreQueues(told.more_queues) : '', visitors ? words.visitors(visitors) : ''].filter(Boolean).join(' '));
    say('nobody', words.nobody);
    by('nobody').hidden = told.students.length > 0;
    const { length } = told.students;
    by('students').dataset.size = length <= 8 ? 'large' : length <= 24 ? 'medium' : length <= 66 ? 'small' : 'tiny';
    drawList(by('students'), told.students, makeRow);
    say('notices', told.notices.map(({ is, about }) => words.notices[is](about)).join(' · '));
};
const drawSoon = () => {
    if (!waiting) {
        waiting = true;
        requestAnimationFrame(draw);
    }
};

const drawConnect = () => {
    if (!whole) {
        return;
    }
    const addr = whole.addrs[by('choice').selectedIndex] ?? whole.addrs[0] ?? '';
    say('address', addr.split('@').pop());
    say('password', whole.password);
    say('shell', `AMQP_ADDR=${addr} cargo run -p send`);
    say('powershell', `$env:AMQP_ADDR = "${addr}"; cargo run -p send`);
    by('choose').hidden = whole.addrs.length < 2;
};
by('choice').addEventListener('change', drawConnect);

const speak = () => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    document.title = document.querySelector('h1').textContent = words.title;
    const texts = {
        'clients-word': words.clients, 'letters-word': words.letters, 'connect-title': words.connect, 'address-word': words.address,
        'user-word': words.user, 'password-word': words.password, 'shell-word': words.shell, 'choose-word': words.choose, 'queues-title': words.queues,
        'latest-title': words.latest, 'students-title': words.students, language: words.language, reset: words.reset, yes: words.yes, no: words.no,
    };
    Object.entries(texts).forEach(([id, text]) => say(id, text));
    by('latest').dataset.none = words.noLetters;
    by('legend').replaceChildren(...words.steps.map(step => element('li', { textContent: step })));
    by('language').lang = language === 'zh' ? 'en' : 'zh-CN';
    showTheme();
    showConnect();
    redraw();
    drawSoon();
};
by('language').addEventListener('click', () => {
    language = language === 'zh' ? 'en' : 'zh';
    words = languages[language];
    keep('workbook-class-language', language);
    speak();
});

const themes = ['auto', 'light', 'dark'];
let theme = kept('workbook-class-theme', 'auto');
const showTheme = () => {
    document.documentElement.dataset.theme = theme;
    say('theme', words.themes[theme] ?? words.themes.auto);
};
by('theme').addEventListener('click', () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    keep('workbook-class-theme', theme);
    showTheme();
});

const showConnect = () => {
    const shown = !by('connect').hidden;
    say('connect-toggle', shown ? words.hideConnect : words.showConnect);
    by('connect-toggle').setAttribute('aria-expanded', shown);
};
by('connect-toggle').addEventListener('click', () => {
    by('connect').hidden = !by('connect').hidden;
    showConnect();
});

// Questions before something is deleted.
let wanted = null;
const ask = (question, action, body) => {
    wanted = { action, body };
    say('question', question);
    by('sure').returnValue = 'no';
    by('sure').showModal();
};
by('sure').addEventListener('close', async () => {
    if (by('sure').returnValue !== 'yes') {
        return;
    }
    const { action, body } = wanted;
    await fetch(`/workbook/class/${action}`, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
    }).catch(() => { by('trouble').hidden = false; });
});
by('reset').addEventListener('click', () => ask(words.sureReset, 'reset', {}));

speak();
const news = new EventSource('/workbook/class/news');
news.addEventListener('whole', event => {
    whole = JSON.parse(event.data);
    newest = JSON.stringify(whole.told);
    by('trouble').hidden = true;
    by('choice').replaceChildren(...whole.addrs.map(addr => element('option', { textContent: addr.split('@').pop() })));
    drawConnect();
    drawSoon();
});
news.addEventListener('class', event => { newest = event.data; drawSoon(); });
news.addEventListener('error', () => { say('trouble', words.gone); by('trouble').hidden = false; });
