// The server's events. A browser opens no more than six connections to one server, so all pages share one: a shared worker
// has it, and lives for as long as any page does. Where there are no shared workers, only a page that can be seen has one.

const KINDS = ['whole', 'pane', 'state', 'took', 'output', 'diagnostic', 'closed', 'post', 'prebuild', 'built', 'failed'];

// Passes on what the server tells, as `tell(kind, JSON, number)`, and `error` when the connection is lost. The browser connects
// again by itself, unless the server has refused.
export const connect = tell => {
    const source = new EventSource('/workbook/news');
    for (const kind of KINDS) {
        source.addEventListener(kind, event => tell(kind, event.data, Number(event.lastEventId)));
    }
    source.addEventListener('error', () => tell('error'));
    return source;
};

// The events as those of one object: first `whole`, then everything that changes it.
export const openEvents = () => {
    const events = new EventTarget();
    const tell = (kind, data) => events.dispatchEvent(kind === 'error' ? new Event(kind) : new MessageEvent(kind, { data }));
    try {
        share(tell);
    } catch { // there are no shared workers, or none for this page
        connectWhileVisible(tell);
    }
    return events;
};

const share = tell => {
    const worker = new SharedWorker('/workbook/events-worker.js', { type: 'module', name: 'workbook' });
    worker.port.onmessage = ({ data }) => tell(...data);
    worker.onerror = () => connectWhileVisible(tell);
    addEventListener('pagehide', () => worker.port.postMessage('leave'));
    addEventListener('pageshow', ({ persisted }) => persisted && location.reload()); // it has missed what came meanwhile
};

const connectWhileVisible = tell => {
    let source = null;
    const follow = () => {
        if (document.hidden) {
            source?.close();
            source = null;
        } else {
            source ??= connect(tell);
        }
    };
    document.addEventListener('visibilitychange', follow);
    addEventListener('pagehide', () => source?.close());
    follow();
};
