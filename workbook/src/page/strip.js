// The live strip: P → queue → C, as the broker is now, for each of its first queues. It stands by the program that ran last.

import { element, spoken } from '/workbook/server.js';
import '/workbook/power.js';

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
        this.power = element('broker-power');
        this.append(this.rest, this.sampled, this.all, this.power);
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
        for (const [name, flow] of this.#flows) {
            if (!queues.some(queue => queue.name === name)) {
                this.#flows.delete(name);
                flow.remove();
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
        this.power.show(post.office);
        // What is in its place stays there: a message on its way would be stopped, and a button lose the focus.
        let next = this.rest;
        for (const { name } of queues.toReversed()) {
            const flow = this.#flows.get(name);
            if (flow.nextElementSibling !== next) {
                next.before(flow);
            }
            next = flow;
        }
    }
}
customElements.define('live-strip', LiveStrip);
