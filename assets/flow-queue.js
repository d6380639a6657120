// <queue-flow>: what a real queue holds, drawn as P → queue → C, with the numbers in words.
(() => {
    const { element, say } = FlowDrawing;
    const TRACKED = 200; // messages that are followed one by one

    class QueueFlow extends HTMLElement {
        #fed = null; // the last state that was shown
        #nextId = 0;

        // The state as the server tells it (broker.rs): `{ name, ready, unacknowledged, consumers, arrived, delivered }`. The
        // counters tell of messages that came and went between two looks; a broker that doesn't count (`arrived` is null) shows
        // only what has changed. `producers`: the names of connections that don't consume; null where nobody knows.
        show(queue, producers) {
            if (!this.drawing) {
                this.drawing = new FlowDrawing(queue.name);
                this.words = element('p', { className: 'flow-words' });
                this.append(element('div', { className: 'flow-live' }, this.drawing.root, this.words));
            }
            Object.assign(this.dataset, {
                queue: queue.name, ready: queue.ready, consumers: queue.consumers, unacknowledged: queue.unacknowledged ?? '',
                arrived: queue.arrived ?? '', delivered: queue.delivered ?? '', producers: producers?.length ?? '',
            });
            const { messages, gone, still } = this.#follow(queue);
            const drawn = ids => ids.map(id => ({ id }));
            this.drawing.draw({ queue: drawn(messages.queue), hands: drawn(messages.hands) },
                { consumers: queue.consumers, producers: producers?.length ?? null, gone, more: queue.ready - messages.queue.length, still });
            this.drawing.pName.replaceChildren(...(producers?.length ? [producers.join(', ')] : say('producer', '生产者')));
            const unacked = queue.unacknowledged;
            this.words.replaceChildren(...say(
                `${queue.ready} ready${unacked === null ? '' : `, ${unacked} unacked`}, ${queue.consumers} ${queue.consumers === 1 ? 'consumer' : 'consumers'}`,
                `就绪 ${queue.ready}${unacked === null ? '' : `，未确认 ${unacked}`}，消费者 ${queue.consumers}`));
        }
        // Which messages there are now, and which have gone since the last look: a broker tells numbers, not messages.
        #follow(queue) {
            const { ready, arrived, delivered, messages } = this.#fed ?? { messages: { queue: [], hands: [] } };
            const held = Math.min(queue.unacknowledged ?? 0, TRACKED);
            const came = queue.arrived === null ? Math.max(0, queue.ready - ready) : queue.arrived - arrived;
            const went = queue.arrived === null ? Math.max(0, ready - queue.ready) : queue.delivered - delivered;
            const still = !this.#fed || Math.max(ready, came, went) > TRACKED; // the first look, or too much to follow
            const isNew = () => this.#nextId++;
            if (still) {
                messages.queue = [];
                messages.hands = [];
            } else {
                for (let i = 0; i < came; i++) { messages.queue.push(isNew()); }
                for (let i = 0; i < went; i++) { messages.hands.push(messages.queue.shift() ?? isNew()); }
            }
            while (messages.queue.length < Math.min(queue.ready, TRACKED)) {
                messages.queue.unshift(messages.hands.pop() ?? isNew()); // they have come back
            }
            messages.queue.splice(queue.ready); // purged or expired
            while (messages.hands.length < held) { messages.hands.push(isNew()); }
            const gone = messages.hands.splice(0, messages.hands.length - held);
            this.#fed = { ...queue, messages };
            return { messages, gone, still };
        }
    }
    customElements.define('queue-flow', QueueFlow);
})();
