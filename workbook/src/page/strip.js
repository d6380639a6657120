// The live strip: P → queue → C, as the broker is now, for each of its first queues. It stands by the program that ran last.

import { element, spoken } from '/workbook/server.js';

const words = workbookWords;
const SHOWN = 3; // queues

class LiveStrip extends HTMLElement {
    #flows = new Map();

    connectedCallback() {
        if (this.rest) {
            return;
        }
        this.className = 'strip';
        this.setAttribute('role', 'group');
        this.setAttribute('aria-label', words.strip);
        this.rest = element('small');
        this.sampled = element('small', { textContent: words.sampled, hidden: true });
        this.all = element('a', { href: '/queues', textContent: words.queues });
        if (this.post) {
            this.show(this.post);
        }
    }
    show(post) {
        this.post = post;
        if (!this.rest) {
            return;
        }
        const queues = post.queues.slice(0, SHOWN);
        for (const name of this.#flows.keys()) {
            if (!queues.some(queue => queue.name === name)) {
                this.#flows.delete(name);
            }
        }
        for (const queue of queues) {
            if (!this.#flows.has(queue.name)) {
                this.#flows.set(queue.name, element('queue-flow', { className: 'flow' }));
            }
            this.#flows.get(queue.name).show(queue, post.sampled ? null : post.producers);
        }
        this.rest.textContent = post.queues.length > SHOWN ? words.more(post.queues.length - SHOWN) : queues.length ? '' : post.trouble ? spoken(post.trouble) : words.noQueues;
        this.sampled.hidden = !post.sampled;
        const shown = [...this.#flows.values(), this.rest, this.sampled, this.all];
        if (shown.length !== this.childElementCount || shown.some((part, i) => part !== this.children[i])) {
            this.replaceChildren(...shown); // only then: a message on its way would be stopped
        }
    }
}
customElements.define('live-strip', LiveStrip);
