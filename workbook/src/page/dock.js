// The dock at the bottom of the text: programs that the reader has pinned, and those that run but have no place on this page.
// On a telephone it is a sheet with tabs.

import { ask, button, element, recall, remember } from '/workbook/server.js';

const words = workbookWords;
const LEAST = 120; // px
const STEP = 32; // px that an arrow key moves

class RunDock extends HTMLElement {
    connectedCallback() {
        if (this.panes) {
            return;
        }
        this.id = 'workbook-dock';
        this.hidden = true;
        this.setAttribute('role', 'region');
        this.setAttribute('aria-label', words.programs);
        this.handle = element('div', { className: 'dock-handle', tabIndex: 0 });
        this.handle.setAttribute('role', 'separator');
        this.handle.setAttribute('aria-orientation', 'horizontal');
        this.handle.setAttribute('aria-label', words.resize);
        this.count = element('strong', { className: 'dock-count' });
        this.notice = element('p', { className: 'dock-notice' });
        this.notice.setAttribute('role', 'status');
        this.clear = button('dock-clear', words.clear, () => this.#clear());
        this.toggle = button('dock-hide', words.hide, () => this.#open(this.classList.contains('is-folded')));
        this.tabs = element('div', { className: 'dock-tabs' });
        this.tabs.setAttribute('role', 'tablist');
        this.tabs.setAttribute('aria-label', words.programs);
        this.panes = element('div', { className: 'panes' });
        this.body = element('div', { className: 'dock-body' }, this.tabs, this.panes);
        this.append(this.handle, element('div', { className: 'dock-head' }, this.count, this.notice, this.clear, this.toggle), this.body);
        this.addEventListener('keydown', event => {
            event.stopPropagation(); // the book turns pages with the arrow keys
            if (event.key === 'Escape' && !this.classList.contains('is-folded')) {
                this.#open(false);
                this.toggle.focus();
            }
        });
        // What is scrolled to stays above it.
        new ResizeObserver(() => { document.documentElement.style.scrollPaddingBlockEnd = `${this.offsetHeight}px`; }).observe(this);
        this.#resizable();
        this.#open(recall(sessionStorage, 'workbook-dock') !== 'hidden');
    }

    #open(isOpen) {
        this.classList.toggle('is-folded', !isOpen);
        this.toggle.textContent = isOpen ? words.hide : words.show;
        this.toggle.setAttribute('aria-expanded', isOpen);
        remember(sessionStorage, 'workbook-dock', isOpen ? 'open' : 'hidden');
    }
    open() { this.#open(true); }

    // After anything has changed in it.
    update() {
        const all = [...this.panes.children];
        const isRunning = pane => pane.isRunning;
        this.hidden = all.length === 0 && this.notice.textContent === '';
        this.count.textContent = all.length ? words.count(all.length, all.filter(isRunning).length) : '';
        this.clear.hidden = all.every(isRunning);
        this.toggle.hidden = this.body.hidden = this.handle.hidden = all.length === 0;
        const chosen = all.find(pane => pane.classList.contains('is-chosen')) ?? all[0];
        all.forEach(pane => pane.classList.toggle('is-chosen', pane === chosen));
        const tabs = all.map(pane => {
            const tab = [...this.tabs.children].find(({ pane: its }) => its === pane)
                ?? Object.assign(button('dock-tab', '', () => this.choose(pane)), { pane });
            tab.setAttribute('role', 'tab');
            tab.setAttribute('aria-selected', pane === chosen);
            tab.textContent = pane.pane.title;
            return tab;
        });
        this.tabs.replaceChildren(...tabs);
    }
    choose(pane) {
        [...this.panes.children].forEach(other => other.classList.toggle('is-chosen', other === pane));
        this.update();
        pane.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }
    say(text) {
        this.notice.textContent = text;
        this.update();
    }
    #clear() {
        [...this.panes.children].filter(pane => !pane.isRunning)
            .forEach(pane => ask(`runs/${pane.pane.id}/close`).catch(error => this.say(error.message)));
        this.toggle.focus();
    }

    #resizable() {
        const size = height => {
            const most = innerHeight * 0.8;
            const value = Math.round(Math.min(Math.max(height, LEAST), most));
            this.style.setProperty('--dock-size', `${value}px`);
            this.handle.setAttribute('aria-valuenow', value);
            this.handle.setAttribute('aria-valuemin', LEAST);
            this.handle.setAttribute('aria-valuemax', Math.round(most));
            remember(sessionStorage, 'workbook-dock-size', value);
        };
        size(Number(recall(sessionStorage, 'workbook-dock-size')) || innerHeight * 0.3);
        this.handle.addEventListener('keydown', ({ key }) => {
            const by = { ArrowUp: STEP, ArrowDown: -STEP }[key];
            if (by) {
                size(this.body.offsetHeight + by);
            }
        });
        this.handle.addEventListener('pointerdown', start => {
            const height = this.body.offsetHeight;
            this.handle.setPointerCapture(start.pointerId);
            const move = event => size(height + start.clientY - event.clientY);
            this.handle.addEventListener('pointermove', move);
            this.handle.addEventListener('lostpointercapture', () => this.handle.removeEventListener('pointermove', move), { once: true });
        });
    }
}
customElements.define('run-dock', RunDock);
