// A reader's version of a listing: kept by the browser for all pages, run by every Run button of that listing, taken back and
// brought again, compared with the original. Where the whole listing stands on the page it is edited in place.

import { button, element, recall, remember } from '/workbook/server.js';
import { difference } from '/workbook/difference.js';

const words = workbookWords;
const key = listing => `workbook-edit-${listing}`;
const undoKey = listing => `workbook-undo-${listing}`;

// The reader's version; `null` where there is none.
export const versionOf = listing => recall(localStorage, key(listing));

// An editor for Rust in a place of the page.
export const codeEditor = (place, text, label, { leave, run }) => {
    const made = ace.edit(place);
    made.setOptions({ showPrintMargin: false, maxLines: Infinity, fontSize: '0.875em', useWorker: false });
    made.session.setMode('ace/mode/rust');
    const isDark = /navy|coal|ayu/.test(document.documentElement.className);
    made.setTheme(isDark ? 'ace/theme/tomorrow_night' : 'ace/theme/dawn');
    made.textInput.getElement().setAttribute('aria-label', label);
    made.commands.addCommand({ name: 'leave', bindKey: 'Esc', exec: leave });
    made.commands.addCommand({ name: 'run', bindKey: { win: 'Ctrl-Enter', mac: 'Ctrl-Enter|Command-Enter' }, exec: run });
    made.setValue(text, -1);
    place.addEventListener('keydown', event => event.stopPropagation());
    return made;
};
// What the compiler says, for the gutter.
export const annotations = diagnostics => diagnostics.map(({ level, text, line, column }) => (
    { row: line - 1, column: column - 1, text, type: level === 'error' ? 'error' : 'warning' }));

export class Editing {
    constructor(bar) {
        this.bar = bar;
        this.listing = bar.listing;
        this.block = bar.previousElementSibling;
        const code = this.block?.querySelector('code.whole-listing');
        this.original = code && typeof ace !== 'undefined' ? code.textContent : null;
        const tools = {
            edit: button('edit', words.edit, () => { this.#open(this.original); this.editor.focus(); }),
            reset: button('reset', this.original === null ? words.original : words.reset, () => this.#reset()),
            undo: button('undo', words.undo, () => this.#undo()),
            compare: button('compare', words.showChanges, () => this.#compare()),
        };
        Object.assign(this, tools);
        bar.version.after(...Object.values(tools));
        this.changes = element('pre', { className: 'difference', hidden: true, tabIndex: 0 });
        this.changes.setAttribute('aria-label', words.changes);
        this.changes.setAttribute('role', 'region');
        this.compare.setAttribute('aria-expanded', false);
        bar.hint.after(this.changes);
        if (versionOf(this.listing) !== null && this.original !== null) {
            this.#open();
        }
        this.update();
        addEventListener('storage', event => event.key === key(this.listing) && this.update()); // edited on another page
    }

    update() {
        const version = versionOf(this.listing);
        const isEdited = version !== null;
        this.bar.version.hidden = !isEdited;
        this.edit.hidden = this.original === null || Boolean(this.editor);
        this.reset.hidden = !isEdited && !this.editor;
        this.undo.hidden = isEdited || recall(localStorage, undoKey(this.listing)) === null;
        this.compare.hidden = !isEdited || this.original === null;
        if (this.compare.hidden) {
            this.changes.hidden = true;
        }
        this.#showChanges();
    }

    #open(text = versionOf(this.listing)) {
        this.place = element('div', { className: 'editor' });
        this.block.before(this.place);
        this.block.hidden = true;
        const made = this.editor = codeEditor(this.place, text, `${words.edit}: ${this.listing}`,
            { leave: () => this.bar.runButton.focus(), run: () => this.bar.run() });
        made.on('change', () => {
            const now = made.getValue();
            remember(localStorage, key(this.listing), now === this.original ? null : now);
            made.session.clearAnnotations();
            this.update();
        });
        this.update();
    }
    #close() {
        this.editor?.destroy();
        this.editor = null;
        this.place?.remove();
        if (this.original !== null) {
            this.block.hidden = false;
        }
    }
    #reset() {
        remember(localStorage, undoKey(this.listing), versionOf(this.listing));
        remember(localStorage, key(this.listing), null);
        this.#close();
        this.update();
        (this.undo.hidden ? this.edit : this.undo).focus();
    }
    #undo() {
        remember(localStorage, key(this.listing), recall(localStorage, undoKey(this.listing)));
        remember(localStorage, undoKey(this.listing), null);
        if (this.original !== null) {
            this.#open();
        }
        this.update();
        this.reset.focus();
    }
    #compare() {
        this.changes.hidden = !this.changes.hidden;
        this.#showChanges();
    }
    #showChanges() {
        this.compare.textContent = this.changes.hidden ? words.showChanges : words.hideChanges;
        this.compare.setAttribute('aria-expanded', !this.changes.hidden);
        if (!this.changes.hidden) {
            const kinds = { '-': 'gone', '+': 'new', ' ': 'kept', '…': 'left-out' };
            const lines = difference(this.original, versionOf(this.listing));
            this.changes.replaceChildren(...lines.length ? lines.map(({ is, text }) =>
                element('span', { className: kinds[is], textContent: `${is} ${text}\n` })) : [words.same]);
        }
    }

    // What the compiler says about the version that ran last, in the gutter.
    annotate(diagnostics) {
        this.editor?.session.setAnnotations(annotations(diagnostics));
    }
}
