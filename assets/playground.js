// <message-playground> needs a broker, which is heavy: its scripts come only to pages that have one. They lie beside the pages,
// and are plain scripts, since a page that was opened as a file may not load modules.
(() => {
    if (!document.querySelector('message-playground')) {
        return;
    }
    const at = `${path_to_root}playground/`;
    const style = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: `${at}playground.css` });
    document.head.append(style);
    for (const name of ['topology', 'broker', 'core', 'simulation', 'canvas', 'rust', 'python', 'puzzles', 'playground']) {
        document.head.append(Object.assign(document.createElement('script'), { src: `${at}${name}.js`, async: false }));
    }
})();
