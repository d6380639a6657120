// <run-bar>: a Run button under a listing, one a listing and page. Served by `cargo workbook`, live.js takes the press and runs
// the program in the page; everywhere else the button shows the command to type and how to get the server.
(() => {
    const words = workbookWords;
    const element = (tag, properties = {}, ...children) => {
        const made = Object.assign(document.createElement(tag), properties);
        made.append(...children);
        return made;
    };

    class RunBar extends HTMLElement {
        connectedCallback() {
            if (this.runButton) {
                return; // moved, and made already
            }
            const { listing, command } = this.dataset;
            this.listing = listing;
            this.className = 'listing-bar';
            this.runButton = element('button', { type: 'button', className: 'run', textContent: `▶ ${words.run}` });
            this.runButton.setAttribute('aria-label', `${words.run}: ${command}`);
            this.version = element('strong', { className: 'version', hidden: true, textContent: words.yours });
            this.copy = element('button', { type: 'button', className: 'copy-command', textContent: words.copy });
            this.shown = element('code', { textContent: command });
            this.hint = element('p', { className: 'run-hint', hidden: true });
            this.hint.setAttribute('role', 'status');
            this.append(this.runButton, this.version, this.shown, this.copy, this.hint);
            this.runButton.addEventListener('click', () => this.run());
            this.copy.addEventListener('click', () => this.#copy());
        }
        run() {
            const asked = new CustomEvent('workbook-run', { detail: { listing: this.listing, bar: this }, bubbles: true, cancelable: true });
            if (this.dispatchEvent(asked)) { // nobody runs it: there is no server
                this.say(...words.hint(() => element('code', { textContent: 'cargo workbook' })));
            }
        }
        // Says something below the buttons; nothing takes it away.
        say(...parts) {
            this.hint.replaceChildren(...parts);
            this.hint.hidden = parts.length === 0;
        }
        async #copy() {
            try {
                await navigator.clipboard.writeText(this.shown.textContent);
            } catch { // a file:// page may not use the clipboard: mark the command, to be copied by hand
                getSelection().selectAllChildren(this.shown);
                return;
            }
            this.copy.textContent = words.copied;
            setTimeout(() => { this.copy.textContent = words.copy; }, 2000);
        }
    }
    customElements.define('run-bar', RunBar);

    const blockOf = code => code.closest('pre.playground')?.parentElement.closest('pre') ?? code.closest('pre');
    const barred = new Set();
    const addBar = (after, listing, command) => {
        if (!barred.has(listing)) {
            barred.add(listing);
            const bar = element('run-bar');
            Object.assign(bar.dataset, { listing, command });
            after.after(bar);
            return bar;
        }
    };
    const commandOf = listing => listing.startsWith('python-')
        ? `target/python/bin/python listings/python/${listing.slice(7)}.py` : `cargo run -p ${listing}`;
    for (const code of document.querySelectorAll('main code.run-here')) {
        const listing = /(?:^|\s)listing-(\S+)/.exec(code.className)[1];
        addBar(blockOf(code), listing, commandOf(listing));
    }
    // A recorded run whose programs have no bar on this page.
    for (const code of document.querySelectorAll('main code.transcript')) {
        let last = code.closest('pre');
        for (const [, crate, script] of code.textContent.matchAll(/^\$ (?:cargo run -p ([\w-]+)|\S*python listings\/python\/(\w+)\.py)/gm)) {
            const listing = crate ?? `python-${script}`;
            last = addBar(last, listing, commandOf(listing)) ?? last;
        }
    }
})();
