// What only the served book has: programs that run in the page, each with its output under its Run bar or in the dock at the
// bottom; the live strip beside them; editing; and pages that reload when the book was built again. All state is the server's:
// this script shows it, and a reload of the page finds everything as it was.

import { openEvents } from '/workbook/events.js';
import { RunPane } from '/workbook/pane.js';
import { Editing, versionOf } from '/workbook/editor.js';
import { solved } from '/workbook/exercise.js';
import { ask, element, recallJson, remember } from '/workbook/server.js';
import '/workbook/dock.js';
import '/workbook/strip.js';
import '/workbook/board.js';

const words = workbookWords;
const dock = document.createElement('run-dock');
const strip = document.createElement('live-strip');
document.querySelector('#mdbook-page-wrapper .page')?.append(dock);

// Where a pane stands: pinned, in the dock; else under the bar of its listing; else, while it runs, in the dock.
const bars = new Map(); // the bar of a listing on this page
const editing = new Map();
const panes = new Map(); // by id
let pinned = new Set(recallJson(sessionStorage, 'workbook-pinned', []));
const cellOf = listing => {
    const bar = bars.get(listing);
    if (bar && !bar.cell) {
        bar.cell = element('div', { className: 'cell' });
        bar.after(bar.cell);
    }
    return bar?.cell;
};
const place = pane => {
    const { title, listing } = pane.pane;
    pane.isPinned = pinned.has(title);
    const target = pinned.has(title) ? dock.panes : cellOf(listing) ?? dock.panes;
    if (pane.parentElement !== target) {
        target.append(pane);
    }
    pane.pinButton.hidden = target === dock.panes && !pinned.has(title); // it is there already
    dock.update();
};
const pin = pane => {
    const { title } = pane.pane;
    const isPinned = pinned.has(title);
    pinned = new Set([...pinned].filter(other => other !== title).concat(isPinned ? [] : title));
    remember(sessionStorage, 'workbook-pinned', JSON.stringify([...pinned]));
    place(pane);
    if (!isPinned) {
        dock.open();
        dock.choose(pane);
    }
    placeStrip();
    pane.pinButton.focus();
};
const addPane = pane => {
    const replaced = panes.get(pane.replaces);
    if (replaced) {
        panes.delete(pane.replaces);
        replaced.take(pane);
    } else if (pane.state.is === 'ended' && !pinned.has(pane.title) && !bars.has(pane.listing)) {
        return; // it has run on another page, and has nothing more to say here
    }
    const made = replaced ?? RunPane.of(pane, pin);
    panes.set(pane.id, made);
    place(made);
    annotate(made);
    arrive(pane.id);
};
const removePane = id => {
    const pane = panes.get(id);
    panes.delete(id);
    if (!pane) {
        return;
    }
    const hadFocus = pane.contains(document.activeElement);
    const next = bars.get(pane.pane.listing)?.runButton ?? dock.toggle;
    pane.remove();
    placeStrip();
    dock.update();
    if (hadFocus) {
        next.focus();
    }
};
// The strip stands by the program that has run last, above its output; and by the first program that could run where the broker
// can't be reached, which a reader had better know before pressing Run.
let latest = null;
const isExercise = listing => listing.startsWith('exercise-');
const placeStrip = () => {
    const all = [...panes.values()].filter(pane => pane.isConnected && !isExercise(pane.pane.listing)); // it has a broker of its own
    const pane = all.includes(latest) ? latest : all.at(-1);
    const first = [...bars.keys()].find(listing => !isExercise(listing));
    const target = !pane ? strip.post?.trouble && first !== undefined ? cellOf(first) : null : pane.parentElement === dock.panes ? dock.body : pane.parentElement;
    if (!target || target.previousElementSibling?.matches('first-message')) { // which has a drawing of its own
        strip.remove();
    } else if (strip.parentElement !== target) {
        target.prepend(strip);
    }
};
const annotate = pane => {
    const { listing, is_edited: isEdited, diagnostics } = pane.pane;
    if (isEdited) {
        editing.get(listing)?.annotate(diagnostics);
    }
};

// A pane that this page has asked for comes into view, whether the answer or the news of it is first.
const asked = new Set();
const arrive = id => {
    const pane = panes.get(id);
    latest = pane ?? latest;
    placeStrip();
    if (pane && asked.delete(id)) {
        if (pane.parentElement === dock.panes) {
            dock.open();
            dock.choose(pane);
        }
        pane.scrollIntoView({ block: 'nearest' });
    }
};
// Runs a listing for a bar, or for a figure.
const run = async ({ listing, bar, argument = bar?.querySelector('.argument')?.value ?? '' }) => {
    const address = bar?.querySelector('.address')?.value.trim();
    const environment = address ? { AMQP_ADDR: address } : {};
    editing.get(listing)?.annotate([]);
    const given = bar?.takesOptions ? argument.split(/\s+/).filter(Boolean) : argument ? [argument] : [];
    const { id } = await ask('runs', { listing, arguments: given, environment, source: versionOf(listing) });
    asked.add(id);
    arrive(id);
    return id;
};
document.addEventListener('workbook-run', event => {
    event.preventDefault();
    const { bar } = event.detail;
    event.detail.started = run(event.detail).then(id => ({ stop: () => ask(`runs/${id}/stop`).catch(() => {}) })); // it has ended itself
    event.detail.started.then(() => bar.say(), error => bar.say(error.message));
});
// A verdict on an answer to an exercise.
document.addEventListener('workbook-check', ({ detail }) => {
    const { sheet, source } = detail;
    sheet.annotate([]);
    detail.started = ask('runs', { listing: sheet.listing, source }).then(({ id }) => {
        asked.add(id);
        arrive(id);
        return id;
    });
});
// What figures want to know.
const announce = (kind, detail) => document.dispatchEvent(new CustomEvent(`workbook-${kind}`, { detail }));

// What the server adds to the Run bars: an argument, an address, an editor.
const prepareBars = listings => {
    const first = document.querySelector('first-message');
    if (first) {
        ['send', 'receive'].forEach(listing => bars.set(listing, first)); // until a Run bar has a better place
    }
    for (const bar of document.querySelectorAll('run-bar:not([data-ready])')) {
        const known = listings.find(({ name }) => name === bar.listing);
        if (!known) {
            continue;
        }
        bar.dataset.ready = 'yes';
        bars.set(bar.listing, bar);
        const field = (className, placeholder, label) => {
            const made = element('input', { className, placeholder, maxLength: 1000, spellcheck: false });
            made.setAttribute('aria-label', label);
            made.addEventListener('keydown', event => {
                event.stopPropagation();
                if (event.key === 'Enter') {
                    bar.run();
                }
            });
            return made;
        };
        bar.takesOptions = known.takes_options; // as a shell would, it hands them over word by word
        if (known.takes_arguments) {
            const label = known.takes_options ? words.options : words.argument;
            bar.shown.after(field('argument', label, label));
        }
        if (!known.is_python) {
            editing.set(bar.listing, new Editing(bar));
        }
        if (known.environment.includes('AMQP_ADDR')) {
            bar.hint.before(element('details', { className: 'environment' }, element('summary', { textContent: words.environment }),
                element('label', {}, element('code', { textContent: 'AMQP_ADDR' }), ' ', field('address', words.standard, 'AMQP_ADDR'))));
        }
    }
};

// Exercises stand where a list or the table of all exercises names them; only in a list is there room to solve one.
const prepareExercises = (names, doneInRustlings) => {
    const done = new Set([...solved(), ...doneInRustlings]);
    const places = document.querySelectorAll('main :is(li, td):has(> code:first-child)');
    for (const place of places) {
        const name = place.firstElementChild.textContent;
        if (!names.includes(name)) {
            continue;
        }
        if (place.localName === 'li' && !bars.has(`exercise-${name}`) && typeof ace !== 'undefined') {
            const sheet = element('exercise-sheet');
            sheet.dataset.name = name;
            place.append(sheet);
            bars.set(`exercise-${name}`, sheet);
            editing.set(`exercise-${name}`, sheet);
            sheet.addEventListener('workbook-solved', () => place.querySelector('.solved-mark') ?? place.firstElementChild.before(mark()));
        }
        if (done.has(name) && !place.querySelector('.solved-mark')) {
            place.firstElementChild.before(mark());
        }
    }
};
const mark = () => {
    const made = element('span', { className: 'solved-mark', textContent: '✓ ' });
    made.setAttribute('role', 'img');
    made.setAttribute('aria-label', words.exercise.solved);
    return made;
};

// The page of the queues is linked wherever it is named, and the board stands in the chapter that explains it.
for (const code of document.querySelectorAll('main :not(pre, a) > code')) {
    if (['/queues', '/counter'].includes(code.textContent)) {
        const link = element('a', { href: '/queues' });
        code.replaceWith(link);
        link.append(code);
    }
}
const heading = document.querySelector('main h2:is(#queues, #counter)');
if (heading && !document.querySelector('queue-board')) {
    let last = heading;
    while (last.nextElementSibling && !last.nextElementSibling.matches('h2, h3')) {
        last = last.nextElementSibling;
    }
    last.after(document.createElement('queue-board'));
}

// The server's news.
const news = openEvents();
const on = (kind, act) => news.addEventListener(kind, event => act(JSON.parse(event.data)));
const ownBuild = Number(document.querySelector('script[data-build]').dataset.build);
on('whole', ({ panes: open, post, listings, build, exercises, done_in_rustlings: done }) => {
    if (build.id !== ownBuild) {
        location.reload();
        return;
    }
    if (build.failure) {
        showFailure(build.failure);
    }
    dock.say('');
    panes.forEach(pane => pane.remove());
    panes.clear();
    prepareBars(listings);
    prepareExercises(exercises, done);
    strip.show(post);
    announce('post', post);
    open.forEach(addPane);
    // A check whose end was missed, or that went with its server.
    document.querySelectorAll('exercise-sheet').forEach(sheet => sheet.isChecking && sheet.giveUp());
    placeStrip();
    dock.update();
});
on('pane', addPane);
on('output', ([id, piece]) => {
    const pane = panes.get(id);
    pane?.print(piece);
    announce('output', { id, listing: pane?.pane.listing, ...piece });
});
on('took', ([id, milliseconds]) => { if (panes.has(id)) { panes.get(id).took = milliseconds; } });
on('diagnostic', ([id, diagnostic]) => {
    panes.get(id)?.diagnose(diagnostic);
    if (panes.has(id)) {
        annotate(panes.get(id));
    }
});
on('state', ([id, state]) => {
    if (panes.has(id)) {
        panes.get(id).state = state;
        dock.update();
        if (state.is === 'ended') {
            announce('ended', { id, listing: panes.get(id).pane.listing, status: state.status });
        }
    }
});
on('closed', id => {
    removePane(id);
    announce('closed', { id });
});
on('post', post => {
    strip.show(post);
    placeStrip();
    announce('post', post);
});
on('prebuild', line => dock.say(line));
on('built', () => location.reload());
const showFailure = why => {
    let box = document.getElementById('workbook-failed');
    if (!box) {
        box = element('pre', { id: 'workbook-failed' });
        box.setAttribute('role', 'alert');
        document.querySelector('main').before(box);
    }
    box.textContent = why;
};
on('failed', showFailure);
news.addEventListener('error', () => dock.say(words.gone));
