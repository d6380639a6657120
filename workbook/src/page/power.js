// <broker-power>: how it stands with the workbook's own broker, and the buttons to stop it, start it, and have it crash.

import { ask, button, element } from '/workbook/server.js';

const words = workbookWords.power;

class BrokerPower extends HTMLElement {
    connectedCallback() {
        if (this.state) {
            return;
        }
        this.hidden ||= !this.office;
        this.setAttribute('role', 'group');
        this.setAttribute('aria-label', words.broker);
        this.state = element('span', { className: 'power-state' });
        this.state.setAttribute('role', 'status');
        this.buttons = Object.fromEntries(['stop', 'restart', 'crash', 'start'].map(action => {
            const made = button(`power-${action}`, words[action], () => this.#act(action));
            made.title = words.about[action];
            return [action, made];
        }));
        this.append(this.state, element('span', { className: 'power-buttons' }, ...Object.values(this.buttons)));
        if (this.office) {
            this.show(this.office);
        }
    }

    // `office` as the server tells it (broker/watch.rs); null where the broker isn't the workbook's own.
    show(office) {
        this.office = office;
        if (!this.state) {
            return;
        }
        this.hidden = !office;
        if (!office) {
            return;
        }
        const { is_open: isOpen, has_crashed: hasCrashed, kept } = office;
        const hadFocus = this.contains(document.activeElement);
        this.dataset.state = isOpen ? 'open' : hasCrashed ? 'crashed' : 'stopped';
        const found = kept && words.kept(kept.messages, kept.lost_messages, kept.queues, kept.lost_queues);
        this.#say([words[this.dataset.state], isOpen && found].filter(Boolean).join(words.between));
        Object.entries(this.buttons).forEach(([action, made]) => { made.hidden = isOpen === (action === 'start'); });
        if (hadFocus) {
            this.buttons[isOpen ? 'stop' : 'start'].focus(); // the button that was pressed may be gone
        }
    }
    #say(text) {
        if (this.state.textContent !== text) { // a screen reader reads it out again each time it is set
            this.state.textContent = text;
        }
    }
    async #act(action) {
        if (this.isActing) {
            return;
        }
        this.isActing = true;
        try {
            await ask(`broker/${action}`);
        } catch (error) {
            this.#say(error.message);
        }
        this.isActing = false;
    }
}
customElements.define('broker-power', BrokerPower);
