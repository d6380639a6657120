// <queue-board>: what waits in the post office's queues, without taking anything away. On a page of its own, and in the book.

import { openEvents } from '/workbook/events.js';
import { ask, button, element } from '/workbook/server.js';
import '/workbook/power.js';

const words = workbookWords.board;

const row = (cell, ...texts) => element('tr', {}, ...texts.map(text => element(cell, { textContent: text })));
const table = messages => {
    const head = row('th', words.number, words.body, words.size, words.exchange, words.key, words.persistent, words.redelivered);
    const rows = messages.map((message, i) => {
        const made = row('td', i + 1, message.body, message.size, message.exchange || words.isDefault, message.routing_key, message.persistent ? words.yes : words.no, message.redelivered ? words.yes : words.no);
        made.children[1].className = 'body';
        return made;
    });
    const scroll = element('div', { className: 'scroll', tabIndex: 0 }, element('table', {}, element('thead', {}, head), element('tbody', {}, ...rows)));
    scroll.setAttribute('role', 'region');
    scroll.setAttribute('aria-label', words.body);
    return scroll;
};

class QueueBoard extends HTMLElement {
    #shown = '';

    async connectedCallback() {
        if (this.state) {
            return;
        }
        this.state = element('p', { className: 'board-state' });
        this.state.setAttribute('role', 'status');
        this.queues = element('div');
        this.reset = button('board-reset', words.reset, () => this.#change('reset', null));
        this.reset.hidden = true;
        this.power = element('broker-power');
        this.append(this.state, this.power, this.queues, element('p', {}, this.reset));
        if (!await this.#show()) {
            return; // the server doesn't know this browser: it would not tell the news either
        }
        this.news = openEvents();
        this.news.addEventListener('post', ({ data }) => { this.power.show(JSON.parse(data).office); this.#show(); });
        this.news.addEventListener('whole', ({ data }) => { this.state.textContent = ''; this.power.show(JSON.parse(data).post.office); this.#show(); });
        this.news.addEventListener('error', () => { this.state.textContent = workbookWords.gone; });
    }

    async #change(action, name) {
        if (!confirm(words.sure)) {
            return;
        }
        try {
            await ask(`queues/${action}`, { name });
            this.state.textContent = '';
        } catch {
            this.state.textContent = words.unchanged;
        }
        await this.#show();
    }
    // Whether the server answers.
    async #show() {
        const answer = await fetch('/workbook/queues').catch(() => null);
        if (!answer?.ok) {
            this.state.textContent = answer ? words.refused : workbookWords.gone;
            return false;
        }
        const text = await answer.text();
        if (text === this.#shown) {
            return true; // nothing to draw anew: the focus stays where it is
        }
        this.#shown = text;
        const told = JSON.parse(text);
        this.reset.hidden = !told.queues?.length;
        if (told.console) {
            this.queues.replaceChildren(element('p', {}, words.console, element('a', { href: told.console, textContent: told.console })));
        } else if (told.is_stopped) {
            this.queues.replaceChildren(); // the buttons above say so
        } else if (told.queues.length) {
            this.queues.replaceChildren(...told.queues.map(box => this.#section(box)));
        } else {
            this.queues.replaceChildren(element('p', { textContent: words.none }));
        }
        return true;
    }
    #section(box) {
        const facts = `${words.ready} ${box.ready} · ${words.unacked} ${box.unacknowledged} · ${words.consumers} ${box.consumers}${box.durable ? ` · ${words.durable}` : ''}`;
        const act = (text, action) => {
            const made = button(`board-${action}`, text, () => this.#change(action, box.name));
            made.setAttribute('aria-label', `${text}: ${box.name}`);
            return made;
        };
        const name = element('p', { className: 'board-name' }, element('strong', {}, element('code', { textContent: box.name })));
        return element('section', {}, name, element('p', { className: 'board-facts', textContent: facts }), box.messages.length ? table(box.messages) : '',
            element('p', {}, act(words.purge, 'purge'), act(words.remove, 'delete')));
    }
}
customElements.define('queue-board', QueueBoard);
