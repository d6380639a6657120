// <exercise-sheet>: an exercise under its name on a page, with its program in an editor, a verdict in the reader's language, the
// queue as found and as wanted, a hint on demand, and a solution after success. What was written and what is solved is kept by the
// browser; the same tests run in a terminal with Rustlings.

import { annotations, codeEditor } from '/workbook/editor.js';
import { button, element, load, recall, recallJson, remember } from '/workbook/server.js';
import { failures, hasPassed, programInLanguage, set } from '/workbook/verdict.js';

const words = workbookWords.exercise;
const SOLVED = 'workbook-solved';
const PAGE = /^\/\/ The page · .*\n/m; // the reader is on it

export const solved = () => new Set(recallJson(localStorage, SOLVED, []));
const markSolved = name => remember(localStorage, SOLVED, JSON.stringify([...solved().add(name)]));

class ExerciseSheet extends HTMLElement {
    constructor() {
        super();
        this.runButton = button('check', words.check, () => this.#start()); // live.js gives it the focus
    }
    connectedCallback() {
        if (this.bar) {
            return;
        }
        const { name } = this.dataset;
        this.listing = `exercise-${name}`;
        this.key = `workbook-${this.listing}`;
        this.openButton = button('open', words.open, () => this.#toggle());
        this.openButton.setAttribute('aria-expanded', false);
        this.openButton.setAttribute('aria-label', `${words.open}: ${name}`); // there are several on a page
        this.hintButton = button('hint', words.hint, () => this.#unfold(this.hintButton, this.hint));
        this.resetButton = button('reset', words.reset, () => this.#reset());
        this.solutionButton = button('solution', words.solution, () => this.#unfold(this.solutionButton, this.solution));
        this.bar = element('div', { className: 'sheet-bar', hidden: true }, this.runButton, this.hintButton, this.resetButton, this.solutionButton);
        this.verdict = element('div', { className: 'verdict' });
        this.verdict.setAttribute('role', 'status');
        this.append(this.openButton);
        document.addEventListener('workbook-output', ({ detail: { id, text } }) => this.check?.printed.set(id, (this.check.printed.get(id) ?? '') + text));
        document.addEventListener('workbook-ended', ({ detail: { id, status } }) => this.#end(id, (check, printed) => this.#judge(check, status, printed)));
        document.addEventListener('workbook-closed', ({ detail: { id } }) => this.#end(id, () => this.giveUp('')));
    }

    async #toggle() {
        try {
            await (this.loading ??= load(`exercises/${this.dataset.name}`).then(sheet => this.#fill(sheet)));
        } catch (error) {
            this.loading = null;
            this.append(this.verdict);
            this.verdict.textContent = error.message;
            return;
        }
        const isOpen = this.place.hidden;
        [this.place, this.bar].forEach(part => { part.hidden = !isOpen; });
        this.tests.hidden = this.verdict.hidden = !isOpen;
        this.openButton.textContent = isOpen ? words.close : words.open;
        this.openButton.setAttribute('aria-label', `${this.openButton.textContent}: ${this.dataset.name}`);
        this.openButton.setAttribute('aria-expanded', isOpen);
        if (isOpen) {
            this.editor.resize();
            this.editor.focus();
        }
    }
    #fill({ tests, hint, ...sheet }) {
        const language = workbookLanguage;
        const [program, original, solution] = [sheet.program, sheet.original, sheet.solution].map(text => programInLanguage(text.replace(PAGE, ''), language));
        this.original = original;
        this.place = element('div', { className: 'editor', hidden: true });
        const folded = (textContent, hidden) => element('pre', { tabIndex: 0, className: 'sheet-fold', hidden, textContent });
        this.tests = element('details', {}, element('summary', { textContent: words.tests }), folded(tests, false));
        this.hint = element('p', { className: 'sheet-hint', hidden: true }, ...set(language === 'both' ? Object.values(hint).join('\n') : hint[language] ?? hint.en));
        this.solution = folded(solution, true);
        this.append(this.place, this.tests, this.bar, this.hint, this.verdict, this.solution);
        this.editor = codeEditor(this.place, recall(localStorage, this.key) ?? program, `${words.open}: ${this.dataset.name}`,
            { leave: () => this.runButton.focus(), run: () => this.#start() });
        this.editor.session.setUseWrapMode(true); // the task stands in comments, which are long
        this.editor.on('change', () => {
            const now = this.editor.getValue();
            remember(localStorage, this.key, now === program ? null : now);
            this.editor.session.clearAnnotations();
        });
        this.solutionButton.hidden = !solved().has(this.dataset.name);
    }
    #unfold(pressed, part) {
        part.hidden = !part.hidden;
        pressed.setAttribute('aria-expanded', !part.hidden);
    }
    #reset() {
        if (confirm(words.sure)) {
            this.editor.setValue(this.original, -1);
            this.verdict.replaceChildren();
        }
    }

    #start() {
        if (this.check) {
            return;
        }
        // Other tabs may check the same exercise: what was printed is kept by the number of its run, which comes with the answer.
        const check = this.check = { printed: new Map(), lines: this.editor.session.getLength(), hasErrors: false };
        this.verdict.className = 'verdict';
        this.verdict.textContent = words.checking;
        const asked = new CustomEvent('workbook-check', { detail: { sheet: this, source: this.editor.getValue() } });
        document.dispatchEvent(asked);
        check.started = asked.detail.started;
        check.started.catch(error => this.giveUp(error.message));
    }
    // The check of this tab is over, if it is the one with this number.
    async #end(id, act) {
        const { check } = this;
        if (!check || await check.started.catch(() => null) !== id || this.check !== check) {
            return;
        }
        this.check = null;
        act(check, check.printed.get(id) ?? '');
    }
    giveUp(why = words.gone) {
        this.check = null;
        this.verdict.className = 'verdict';
        this.verdict.textContent = why;
    }
    get isChecking() { return Boolean(this.check); }
    #judge({ lines, hasErrors }, status, printed) {
        const heading = text => element('p', {}, element('strong', { textContent: text }));
        if (status === 0 && hasPassed(printed)) {
            markSolved(this.dataset.name);
            this.verdict.className = 'verdict is-right';
            this.verdict.replaceChildren(heading(words.passed));
            this.solutionButton.hidden = false;
            this.dispatchEvent(new CustomEvent('workbook-solved', { bubbles: true }));
        } else {
            this.verdict.className = 'verdict is-wrong';
            const all = failures(printed, workbookLanguage, lines);
            this.verdict.replaceChildren(heading(hasErrors ? words.broken : all.length ? words.failed : words.unfinished),
                ...all.flatMap(failure => this.#explain(failure)));
        }
        this.verdict.scrollIntoView({ block: 'nearest' });
    }
    #explain({ text, line, found, wanted }) {
        const row = (label, { debug, messages }) => element('div', { className: 'compared' }, element('span', { className: 'compared-label', textContent: label }),
            ...messages ? [element('span', { className: 'compared-queue' }, ...messages.length ? messages.map(message => element('span', { textContent: message })) : [element('i', { textContent: words.empty })])] : [element('code', { textContent: debug })]);
        return [element('p', {}, ...line === null ? set(text) : [`${words.panicked(line)} `, element('code', { textContent: text })]), ...found ? [row(words.found, found), row(words.wanted, wanted)] : []];
    }

    // What live.js wants of whatever runs something.
    say(text = '') { this.verdict.textContent = text; }
    annotate(diagnostics) {
        if (this.check) {
            this.check.hasErrors = diagnostics.some(({ level }) => level === 'error');
        }
        this.editor?.session.setAnnotations(annotations(diagnostics));
    }
}
customElements.define('exercise-sheet', ExerciseSheet);
