// A topology at work: producers and consumers that talk to the broker's core, and a clock that is only a number. Nothing here
// knows AMQP's rules; they are the broker's. The same inputs at the same times give the same run, which is how time goes back.
//
// A topology is `{ parts, lines }`. A part is `{ id, is, x, y, name, … }`, where `is` says what it is:
//   producer  exchange ''(default)  key, body, rate (messages a second), persistent, mandatory, confirms, headers
//   exchange  type, durable, arguments
//   queue     durable, arguments
//   consumer  prefetch, acks (`manual`, `auto`, `never`), seconds (of work a message), poison (what it does with a message that
//             says “poison”: `ack`, `reject`, `requeue`, `die`), restarts
// A line is `{ from, to, key, arguments }`: producer → exchange or queue (by the default exchange), exchange → exchange or queue
// (a binding), queue → consumer.
Playground.Simulation = class Simulation {
    static SETUP = '(setup)'; // the client that declares what there is
    static RESTART = 1000; // ms until a consumer that has died is started again
    static HEARTBEAT = 60_000; // ms after which the broker gives up a client that it doesn't hear any more
    static RECONNECT = 500; // ms until a client connects again when the broker has come back

    #broker;
    #inputs = []; // `{ at, input }`, in order
    #listeners = new Set();

    constructor(broker) {
        this.#broker = broker;
        this.#clear();
    }
    get inputs() { return this.#inputs; }
    get topology() { return this.#topology; }
    // `listener({ at, client, line, replies, journal })` hears all that is said, and what the broker tells of it.
    listen(listener) { this.#listeners.add(listener); return () => this.#listeners.delete(listener); }

    #topology = { parts: [], lines: [] };
    #clear() {
        this.now = 0;
        this.isUp = true;
        this.#due = null;
        this.producers = new Map();
        this.consumers = new Map();
        this.problems = []; // what went wrong last, in the broker's words
        this.commands = 0; // how many were given
        this.#topology = { parts: [], lines: [] };
        this.#broker.reset();
        this.#say(Simulation.SETUP, [{ do: 'connect' }]);
    }
    #due; // when the broker's next timer is

    // Back to the beginning, and forth to `time` again.
    replay(inputs, time) {
        const listeners = this.#listeners;
        this.#listeners = new Set(); // what has happened once is not told again
        this.#clear();
        this.#inputs = [];
        for (const { at, input } of inputs) {
            if (at > time) {
                break;
            }
            this.advance(at);
            this.input(input);
        }
        this.advance(time);
        this.#listeners = listeners;
    }
    // What a reader does: `{ topology }`, or `{ act, part, … }`.
    input(input) {
        this.#inputs.push({ at: this.now, input });
        if (input.topology) {
            this.#become(structuredClone(input.topology));
        } else {
            this.#act(input);
        }
    }
    // The next moment at which something happens by itself; Infinity if nothing does.
    next() {
        const moments = [this.#due ?? Infinity];
        this.producers.forEach(({ next }) => moments.push(next));
        this.consumers.forEach(({ working, startsAt, missedAt, isFrozen }) => moments.push(isFrozen ? Infinity : working?.until ?? Infinity, startsAt, missedAt));
        return Math.min(...moments);
    }
    advance(time) {
        for (let next = this.next(); next <= time; next = this.next()) {
            this.#pass(Math.max(next, this.now));
            this.#happen();
        }
        this.#pass(time);
    }
    // Where a part stands is no event: it stands there at all times, in `inputs` that are still to come, too.
    place(id, x, y, inputs = []) {
        for (const { parts } of [this.#topology, ...[...this.#inputs, ...inputs].flatMap(({ input }) => input.topology ?? [])]) {
            const part = parts.find(({ id: own }) => own === id);
            if (part) {
                Object.assign(part, { x, y });
            }
        }
    }
    view() { return this.#broker.tell([{ do: 'view' }]).view; }
    part(id) { return this.#topology.parts.find(part => part.id === id); }

    #pass(time) {
        const milliseconds = time - this.now;
        this.now = time;
        if (milliseconds > 0 || this.#due !== null && this.#due <= time) { // the broker may have work left from before
            this.#say(null, [{ do: 'advance', ms: milliseconds }]);
        }
    }
    // All that is due now.
    #happen() {
        for (const [id, producer] of this.producers) {
            if (producer.next <= this.now) {
                this.#publish(id);
                producer.next = this.#nextPublish(id);
            }
        }
        for (const [id, consumer] of this.consumers) {
            if (consumer.startsAt <= this.now) {
                consumer.startsAt = Infinity;
                this.#start(id);
            } else if (consumer.missedAt <= this.now) { // the broker has missed its heartbeats
                this.#say(id, [{ do: 'cut' }]);
                this.#gone(consumer);
            } else if (consumer.working?.until <= this.now && !consumer.isFrozen) {
                this.#finish(id);
            }
        }
    }

    // Speaks for a client; `null` is the world itself.
    #say(client, commands) {
        this.commands += commands.length;
        const answer = this.#broker.tell(commands.map(command => client === null ? command : { client, ...command }));
        this.#due = answer.next === null ? null : this.now + answer.next;
        this.#listeners.forEach(listener => listener({ at: this.now, client, commands, ...answer }));
        answer.replies.forEach(reply => this.#hear(reply));
        if (answer.error) {
            this.#problem(answer.error);
        }
        return answer;
    }
    #problem(words) { this.problems = [...this.problems.slice(-20), words]; }
    #hear({ client, method, ...reply }) {
        const producer = this.producers.get(client);
        const consumer = this.consumers.get(client);
        if (method === 'channel.close' || method === 'connection.close') {
            this.#problem(`${reply.code} ${reply.text}`);
            if (client === Simulation.SETUP && this.isUp) {
                this.#say(Simulation.SETUP, [{ do: method === 'channel.close' ? 'reopen' : 'connect' }]);
            } else if (producer) {
                producer.isConnected = method === 'channel.close' && this.isUp;
                if (producer.isConnected) {
                    this.#say(client, [{ do: 'reopen' }]);
                }
            } else if (consumer) {
                this.#gone(consumer);
            }
        } else if (method === 'basic.deliver' && consumer) {
            consumer.inbox.push(reply);
            consumer.received.push(reply.body);
            this.#work(client);
        } else if (method === 'basic.cancel' && consumer) {
            consumer.queues.delete(reply.consumer_tag);
        } else if (producer) {
            const settle = outcome => {
                const tags = [...producer.open].filter(tag => reply.multiple ? tag <= reply.delivery_tag : tag === reply.delivery_tag);
                tags.forEach(tag => producer.open.delete(tag));
                producer[outcome] += tags.length;
            };
            ({
                'basic.ack': () => settle('confirmed'), 'basic.nack': () => settle('refused'), 'basic.return': () => { producer.returned++; },
                'connection.blocked': () => { producer.isBlocked = true; }, 'connection.unblocked': () => { producer.isBlocked = false; },
            })[method]?.();
        }
    }

    // Producers.
    #publish(id, given = {}) {
        const producer = this.producers.get(id);
        const part = this.part(id);
        const lines = this.#topology.lines.filter(({ from }) => from === id);
        if (!producer.isConnected || producer.isBlocked || !lines.length) {
            return;
        }
        producer.sent++;
        const number = producer.sent;
        const body = (given.body ?? part.body ?? '{n}').replaceAll('{n}', number);
        for (const line of lines) {
            const target = this.part(line.to);
            const [exchange, key] = target.is === 'queue' ? ['', target.name] : [target.name, (given.key ?? line.key ?? '').replaceAll('{n}', number)];
            const properties = { ...part.expiration ? { expiration: String(part.expiration) } : {}, ...part.priority ? { priority: part.priority } : {}, ...line.headers && Object.keys(line.headers).length ? { headers: line.headers } : {} };
            if (part.confirms) {
                producer.open.add(++producer.tag);
            }
            this.#say(id, [{ do: 'publish', exchange, key, body, mandatory: Boolean(part.mandatory), persistent: part.persistent !== false, properties }]);
        }
    }
    #nextPublish(id) {
        const { rate } = this.part(id);
        return rate > 0 ? this.now + Math.max(1, Math.round(1000 / rate)) : Infinity;
    }

    // Consumers.
    #start(id) {
        const consumer = this.consumers.get(id);
        const part = this.part(id);
        if (consumer.isConnected || !this.isUp) {
            return;
        }
        Object.assign(consumer, { isConnected: true, isFrozen: false, inbox: [], working: null, startsAt: Infinity, missedAt: Infinity, queues: new Set() });
        this.#say(id, [{ do: 'connect' }, ...part.prefetch > 0 ? [{ do: 'qos', prefetch: part.prefetch, global: false }] : []]);
        this.#subscribe(id);
    }
    #subscribe(id) {
        const consumer = this.consumers.get(id);
        const part = this.part(id);
        const wanted = new Set(this.#topology.lines.filter(({ to }) => to === id).map(({ from }) => this.part(from).name));
        for (const tag of [...consumer.queues].filter(queue => !wanted.has(queue))) {
            consumer.queues.delete(tag);
            this.#say(id, [{ do: 'cancel', tag }]);
        }
        for (const queue of [...wanted].filter(name => !consumer.queues.has(name))) {
            consumer.queues.add(queue);
            this.#say(id, [{ do: 'consume', queue, tag: queue, no_ack: part.acks === 'auto', exclusive: false, arguments: {} }]);
        }
    }
    #work(id) {
        const consumer = this.consumers.get(id);
        if (consumer.working || consumer.isFrozen || !consumer.isConnected || !consumer.inbox.length) {
            return;
        }
        const delivery = consumer.inbox.shift();
        consumer.working = { delivery, until: this.now + Math.max(1, Math.round(1000 * (this.part(id).seconds ?? 1))) };
    }
    #finish(id) {
        const consumer = this.consumers.get(id);
        const part = this.part(id);
        const { delivery } = consumer.working;
        const { delivery_tag, body } = delivery;
        consumer.working = null;
        const isPoison = body.includes('poison');
        const what = isPoison ? part.poison ?? 'ack' : 'ack';
        if (what === 'die') {
            consumer.deaths++;
            this.#say(id, [{ do: 'cut' }]);
            this.#gone(consumer);
            if (part.restarts) {
                consumer.startsAt = this.now + Simulation.RESTART;
            }
            return;
        }
        if (what === 'ack') {
            consumer.done.push(body);
        }
        if (part.acks !== 'auto' && part.acks !== 'never') {
            const answers = { ack: { do: 'ack', delivery_tag, multiple: false }, reject: { do: 'reject', delivery_tag, requeue: false }, requeue: { do: 'nack', delivery_tag, multiple: false, requeue: true } };
            this.#say(id, [answers[what]]);
        }
        this.#work(id);
    }
    #gone(consumer) {
        consumer.lost.push(...[consumer.working?.delivery, ...consumer.inbox].filter(Boolean).map(({ body }) => body));
        Object.assign(consumer, { isConnected: false, inbox: [], working: null, missedAt: Infinity, queues: new Set() });
    }

    // What a reader does to it.
    #act({ act, part, ...details }) {
        const producer = this.producers.get(part);
        const consumer = this.consumers.get(part);
        const client = producer ?? consumer;
        ({
            publish: () => producer && this.#publish(part, details),
            kill: () => {
                if (client?.isConnected) {
                    this.#say(part, [{ do: 'cut' }]);
                    consumer ? this.#gone(consumer) : producer.isConnected = false;
                }
            },
            start: () => (consumer ? this.#start(part) : producer && this.#connectProducer(part)),
            leave: () => { // what it works on is done first
                if (client?.isConnected) {
                    this.#say(part, [{ do: 'close' }]);
                    consumer ? this.#gone(consumer) : producer.isConnected = false;
                }
            },
            cut: () => { // its cable is pulled: nobody has said anything to anybody
                if (consumer?.isConnected && consumer.missedAt === Infinity) {
                    this.#act({ act: 'freeze', part });
                    consumer.missedAt = this.now + Simulation.HEARTBEAT;
                }
            },
            freeze: () => {
                if (consumer?.isConnected) {
                    consumer.isFrozen = true;
                    consumer.left = consumer.working ? Math.max(0, consumer.working.until - this.now) : 0;
                }
            },
            thaw: () => {
                if (consumer?.isFrozen && consumer.missedAt === Infinity) {
                    consumer.isFrozen = false;
                    if (consumer.working) {
                        consumer.working.until = this.now + consumer.left;
                    }
                    this.#work(part);
                }
            },
            stop: () => this.#down('stop'), crash: () => this.#down('crash'), up: () => this.#up(),
            memory: () => this.#say(null, [{ do: 'memory_limit', bytes: details.bytes }]),
        })[act]?.();
    }
    #down(how) {
        if (!this.isUp) {
            return;
        }
        this.isUp = false;
        this.#say(null, [{ do: how }]);
        this.consumers.forEach(consumer => consumer.isConnected && this.#gone(consumer));
        this.producers.forEach(producer => { producer.isConnected = producer.isBlocked = false; });
    }
    // The broker comes back, and programs that connect again declare what they need, as they did at first.
    #up() {
        if (this.isUp) {
            return;
        }
        this.isUp = true;
        this.#say(null, [{ do: 'start' }]);
        this.#say(Simulation.SETUP, [{ do: 'connect' }]);
        this.#declare({ parts: [], lines: [] }, this.#topology);
        this.producers.forEach((_, id) => this.#connectProducer(id));
        this.consumers.forEach(consumer => { consumer.startsAt = this.now + Simulation.RECONNECT; });
    }
    #connectProducer(id) {
        const producer = this.producers.get(id);
        if (producer.isConnected || !this.isUp) {
            return;
        }
        Object.assign(producer, { isConnected: true, isBlocked: false, tag: 0, open: new Set() });
        this.#say(id, [{ do: 'connect' }, ...this.part(id).confirms ? [{ do: 'confirm.select' }] : []]);
    }

    // From the topology that is to another one.
    #become(topology) {
        const old = this.#topology;
        if (this.isUp) {
            this.#declare(old, topology);
        }
        this.#topology = topology;
        const kept = (is, map) => [...map.keys()].filter(id => topology.parts.some(part => part.id === id && part.is === is));
        for (const [is, map] of [['producer', this.producers], ['consumer', this.consumers]]) {
            const stay = new Set(kept(is, map));
            for (const id of [...map.keys()].filter(key => !stay.has(key))) {
                if (map.get(id).isConnected) {
                    this.#say(id, [{ do: 'close' }]);
                }
                map.delete(id);
            }
        }
        for (const part of topology.parts) {
            const before = old.parts.find(({ id }) => id === part.id);
            if (part.is === 'producer') {
                this.#becomeProducer(part, before);
            } else if (part.is === 'consumer') {
                this.#becomeConsumer(part, before);
            }
        }
    }
    #becomeProducer(part, before) {
        if (!this.producers.has(part.id)) {
            this.producers.set(part.id, { isConnected: false, isBlocked: false, sent: 0, confirmed: 0, refused: 0, returned: 0, tag: 0, open: new Set(), next: Infinity });
            this.#connectProducer(part.id);
        } else if (before.confirms !== part.confirms && this.producers.get(part.id).isConnected) {
            this.#say(part.id, [{ do: 'close' }]);
            this.producers.get(part.id).isConnected = false;
            this.#connectProducer(part.id);
        }
        if (before?.rate !== part.rate) {
            this.producers.get(part.id).next = this.#nextPublish(part.id);
        }
    }
    #becomeConsumer(part, before) {
        if (!this.consumers.has(part.id)) {
            this.consumers.set(part.id, { isConnected: false, isFrozen: false, inbox: [], working: null, received: [], done: [], lost: [], deaths: 0, startsAt: Infinity, missedAt: Infinity, queues: new Set() });
            this.#start(part.id);
            return;
        }
        const consumer = this.consumers.get(part.id);
        if (!consumer.isConnected) {
            return;
        }
        if (before.prefetch !== part.prefetch || before.acks !== part.acks) { // it is started anew
            this.#say(part.id, [{ do: 'close' }]);
            this.#gone(consumer);
            this.#start(part.id);
        } else {
            this.#subscribe(part.id);
        }
    }
    #declare(old, topology) {
        const entity = ({ is, name, type, durable, arguments: given = {} }) => is === 'exchange'
            ? { do: 'exchange.declare', exchange: name, type, durable: durable !== false, auto_delete: false, internal: false, passive: false, arguments: given }
            : { do: 'queue.declare', queue: name, durable: durable !== false, exclusive: false, auto_delete: false, passive: false, arguments: given };
        const declared = ({ parts }) => parts.filter(({ is }) => is === 'exchange' || is === 'queue').map(entity);
        const bindings = ({ parts, lines }) => lines.flatMap(({ from, to, key = '', arguments: given = {} }) => {
            const [source, target] = [from, to].map(wanted => parts.find(({ id }) => id === wanted));
            return source?.is !== 'exchange' || !target ? [] : target.is === 'queue'
                ? [{ do: 'queue.bind', queue: target.name, exchange: source.name, key, arguments: given }]
                : [{ do: 'exchange.bind', source: source.name, destination: target.name, key, arguments: given }];
        });
        const same = list => new Set(list.map(item => JSON.stringify(item)));
        const missing = (list, from) => { const there = same(from); return list.filter(item => !there.has(JSON.stringify(item))); };
        const [was, is] = [old, topology].map(declared);
        const gone = missing(was, is);
        // What is deleted takes its bindings along.
        const isGone = ({ queue, exchange, source, destination }) => gone.some(item => [queue, exchange, source, destination].includes(item.queue ?? item.exchange));
        const oldBindings = bindings(old).filter(binding => !isGone(binding));
        const unbind = missing(oldBindings, bindings(topology)).map(binding => ({ ...binding, do: binding.do.replace('bind', 'unbind') }));
        const remove = gone.map(item => item.queue === undefined ? { do: 'exchange.delete', exchange: item.exchange, if_unused: false } : { do: 'queue.delete', queue: item.queue, if_unused: false, if_empty: false });
        for (const command of [...unbind, ...remove, ...missing(is, was), ...missing(bindings(topology), oldBindings)]) {
            this.#say(Simulation.SETUP, [command]);
        }
    }
};
