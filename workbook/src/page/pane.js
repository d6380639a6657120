// <run-pane>: one program that runs, or has run, with its output. It shows what the server tells; all state is the server's.

import { Terminal } from '/workbook/terminal.js';
import { ask, button, element, spoken } from '/workbook/server.js';

const words = workbookWords;

class RunPane extends HTMLElement {
    // `pane` is as the server tells it (panes.rs); `onPin` is called when the reader wants it at the bottom, or back.
    static of(pane, onPin) {
        const made = document.createElement('run-pane');
        made.#build(pane, onPin);
        return made;
    }

    #build(pane, onPin) {
        this.className = 'pane';
        this.dataset.id = pane.id;
        this.setAttribute('role', 'group');
        this.setAttribute('aria-label', pane.title);
        this.name = element('strong');
        this.status = element('span', { className: 'state' });
        this.status.setAttribute('role', 'status');
        this.log = element('pre', { tabIndex: 0 });
        this.log.setAttribute('role', 'log');
        this.stopButton = button('stop', words.stop, () => ask(`runs/${this.pane.id}/stop`).catch(error => this.#complain(error)));
        this.closeButton = button('close', '×', () => ask(`runs/${this.pane.id}/close`).catch(error => this.#complain(error)));
        this.pinButton = button('pin', words.pin, () => onPin(this));
        this.closeButton.title = words.close;
        this.log.addEventListener('keydown', event => {
            if (event.ctrlKey && event.key === 'c' && getSelection().isCollapsed && this.isRunning) { // with text marked, it copies
                event.preventDefault();
                this.stopButton.click();
            }
        });
        this.addEventListener('keydown', event => event.key === 'Escape' || event.stopPropagation()); // the book turns pages with the arrow keys
        this.append(element('div', { className: 'pane-head' }, this.name, this.status, this.pinButton, this.stopButton, this.closeButton), this.log);
        this.take(pane);
    }
    // Another run in the same place.
    take(pane) {
        this.pane = { ...pane, output: [] };
        this.dataset.id = pane.id;
        this.name.textContent = pane.title;
        this.log.setAttribute('aria-label', pane.title);
        this.stopButton.setAttribute('aria-label', `${words.stop}: ${pane.title}`);
        this.closeButton.setAttribute('aria-label', `${words.close}: ${pane.title}`);
        this.log.replaceChildren();
        this.terminal = new Terminal(this.log);
        this.print({ from: 'prompt', text: `$ ${pane.command}\n` });
        this.state = pane.state;
        pane.output.forEach(piece => this.print(piece));
    }
    get isRunning() { return this.pane.state.is !== 'ended'; }

    print({ from, text, note }) {
        text = note ? `${spoken(note)}\n` : text;
        const atEnd = this.log.scrollTop + this.log.clientHeight >= this.log.scrollHeight - 8;
        const wasEmpty = this.log.textContent === '';
        this.terminal.write(from, text);
        const crates = [...text.matchAll(/Compiling(?:\x1b\[\d*m)* (\S+) v/g)];
        if (from === 'cargo' && crates.length && this.pane.state.is === 'building') {
            this.#say(words.compiling(crates.at(-1)[1]));
        }
        // The first error is read first: what follows it doesn't push it out of sight.
        const readsError = this.pane.diagnostics.some(({ level }) => level === 'error') || from === 'compiler';
        if (atEnd && !readsError && !wasEmpty) {
            this.log.scrollTop = this.log.scrollHeight;
        } else if (from === 'compiler' && !this.errorShown) {
            this.errorShown = true;
            const first = this.log.querySelector('.from-compiler');
            this.log.scrollTop += first.getBoundingClientRect().top - this.log.getBoundingClientRect().top - 8;
        }
    }
    diagnose(diagnostic) {
        this.pane.diagnostics.push(diagnostic);
    }
    set took(milliseconds) { this.pane.took = milliseconds; }
    set state(state) {
        const hadFocus = document.activeElement === this.stopButton;
        this.pane.state = state;
        this.dataset.state = state.is;
        this.errorShown &&= state.is !== 'building';
        if (state.is === 'ended' && hadFocus) {
            this.log.focus(); // a button that is gone can't keep it
        }
        this.stopButton.hidden = state.is === 'ended';
        this.#say();
    }

    #say(doing = words[this.pane.state.is]) {
        const { run, is_edited: isEdited, took, state, diagnostics } = this.pane;
        const error = diagnostics.find(({ level }) => level === 'error');
        const seconds = took === null ? [] : [words.seconds((took / 1000).toFixed(took < 9950 ? 1 : 0))];
        const end = () => state.status !== null ? [...seconds, words.status(state.status)]
            : [error ? words.broken(error.line) : words.failed];
        const parts = [words.attempt(run), ...(isEdited ? [words.yours] : []), ...(state.is === 'ended' ? end() : [doing])];
        this.status.textContent = parts.join(' · ');
    }
    #complain(error) {
        this.status.textContent = error.message;
    }
    set isPinned(is) {
        this.pinButton.setAttribute('aria-pressed', is);
        this.pinButton.textContent = is ? words.unpin : words.pin;
        this.pinButton.setAttribute('aria-label', `${this.pinButton.textContent}: ${this.pane.title}`);
    }
}
customElements.define('run-pane', RunPane);
export { RunPane };
