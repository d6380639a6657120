// The shared worker of all pages: has the one connection, and gives each page that comes the whole state first.

import { connect } from '/workbook/events.js';

const AGAIN = 2000; // milliseconds

const pages = new Map(); // each page's port, with the events that wait until the page has the state; null when it has
let source = null;
let isWhole = false; // whether the connection is there and has told the whole state

const tell = (kind, data, number) => {
    isWhole = kind === 'whole' || (isWhole && kind !== 'error');
    for (const [port, waiting] of pages) {
        if (waiting && kind !== 'whole' && kind !== 'error') {
            waiting.push([kind, data, number]);
        } else {
            port.postMessage([kind, data]);
            pages.set(port, null);
        }
    }
    if (source?.readyState === EventSource.CLOSED) { // refused: the server is another one, and may let us in later
        source = null;
        setTimeout(open, AGAIN);
    }
};

const open = () => { source ??= connect(tell); };

// For a page that comes later than the state was told. Events have numbers, and so has the state: that of the last event in it.
const catchUp = async port => {
    pages.set(port, []);
    const answer = await fetch('/workbook/state').catch(() => null);
    const state = answer?.ok ? await answer.json().catch(() => null) : null;
    const waiting = pages.get(port);
    if (!waiting) {
        return; // it has left, or was told the whole state meanwhile
    }
    if (!state) {
        setTimeout(() => pages.get(port) && catchUp(port), AGAIN);
        return;
    }
    pages.set(port, null);
    port.postMessage(['whole', JSON.stringify(state.whole)]);
    waiting.filter(([, , number]) => number > state.number).forEach(([kind, data]) => port.postMessage([kind, data]));
};

self.onconnect = ({ ports: [port] }) => {
    port.onmessage = () => pages.delete(port); // the page leaves
    pages.set(port, null);
    if (isWhole) {
        catchUp(port);
    } else {
        open(); // the whole state is the first that is told
    }
};
