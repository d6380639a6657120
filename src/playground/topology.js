// What a topology may be: which parts there are, which lines between them, their settings with meaning and range; and what can
// be made of it: an address to share, definitions for RabbitMQ.
const Playground = (() => {
    const say = (en, zh) => workbookLanguage === 'both' ? `${en} · ${zh}` : workbookLanguage.startsWith('zh') ? zh : en;
    const SVG = 'http://www.w3.org/2000/svg';
    const svg = (tag, attributes = {}, ...children) => {
        const made = document.createElementNS(SVG, tag);
        Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
        made.append(...children);
        return made;
    };
    const element = (tag, properties = {}, ...children) => {
        const made = Object.assign(document.createElement(tag), properties);
        made.append(...children.flat());
        return made;
    };

    const KINDS = ['producer', 'exchange', 'queue', 'consumer'];
    const NAMES = {
        producer: say('producer', '生产者'), exchange: say('exchange', '交换机'), queue: say('queue', '队列'), consumer: say('consumer', '消费者'),
    };
    // Which lines there may be.
    const LINES = { producer: ['exchange', 'queue'], exchange: ['exchange', 'queue'], queue: ['consumer'], consumer: [] };

    const number = (path, label, help, min, max, step = 1) => ({ path, label, help, kind: 'number', min, max, step });
    const text = (path, label, help, most = 255) => ({ path, label, help, kind: 'text', most });
    const check = (path, label, help, standard = false) => ({ path, label, help, kind: 'check', standard });
    const choice = (path, label, help, options) => ({ path, label, help, kind: 'choice', options });
    const name = text('name', say('name', '名称'), say('At most 255 bytes; names that begin with amq. are the broker’s own.', '最多 255 字节；amq. 开头的名称由消息代理保留。'));
    const durable = check('durable', say('durable', '持久化'), say('Survives a restart of the broker.', '消息代理重启以后还在。'), true);
    const exchanges = ({ parts }, own) => [[undefined, say('none', '无')], ...own.is === 'queue' ? [['', say('(default exchange)', '（默认交换机）')]] : [], ...parts.filter(({ is, id }) => is === 'exchange' && id !== own.id).map(part => [part.name, part.name])];
    const FIELDS = {
        producer: [
            text('name', say('name', '名称'), say('The connection’s name.', '连接的名称。')),
            text('body', say('text', '消息内容'), say('{n} is the message’s number. A consumer can’t handle what says “poison”.', '{n} 是消息的序号。内容里有 poison 的消息，消费者处理不了。'), 2000),
            number('rate', say('messages a second', '每秒消息数'), say('0: only when you press Publish.', '0：只在按下“发布”时才发。'), 0, 200, 0.5),
            check('persistent', say('persistent', '持久化消息'), say('A persistent message in a durable queue survives a restart of the broker.', '持久化队列里的持久化消息，消息代理重启以后还在。'), true),
            check('confirms', say('publisher confirms', '发布者确认'), say('The broker says of each message that it has taken it, or that it has not.', '每条消息收下了没有，消息代理都会答复。')),
            check('mandatory', say('mandatory', 'mandatory（必须送达队列）'), say('A message that reaches no queue is returned.', '到不了任何队列的消息会被退回。')),
            number('expiration', say('expiration (ms)', '过期时间（毫秒）'), say('Of each message; empty: never.', '每条消息的；不填就不过期。'), 0, 600000),
            number('priority', say('priority', '优先级'), say('For a queue with x-max-priority.', '用于设了 x-max-priority 的队列。'), 0, 255),
        ],
        exchange: [
            name,
            choice('type', say('type', '类型'), say('How it chooses among its bindings.', '它怎样在绑定当中选择。'), () => ['direct', 'fanout', 'topic', 'headers'].map(type => [type, type])),
            durable,
            choice('arguments.alternate-exchange', 'alternate-exchange', say('Gets what no binding wants.', '没有绑定要的消息交给它。'), exchanges),
        ],
        queue: [
            name, durable,
            choice('arguments.x-queue-type', 'x-queue-type', say('quorum: replicated, counts deliveries.', 'quorum：有副本，会数投递次数。'), () => [[undefined, 'classic'], ['quorum', 'quorum']]),
            number('arguments.x-message-ttl', 'x-message-ttl (ms)', say('How long a message may wait.', '消息最多等多久。'), 0, 600000),
            number('arguments.x-max-length', 'x-max-length', say('How many messages may wait.', '最多有多少条消息等着。'), 0, 100000),
            choice('arguments.x-overflow', 'x-overflow', say('What happens to one too many.', '超出以后怎么办。'), () => [[undefined, 'drop-head'], ['reject-publish', 'reject-publish'], ['reject-publish-dlx', 'reject-publish-dlx']]),
            choice('arguments.x-dead-letter-exchange', 'x-dead-letter-exchange', say('Gets what is rejected, expired or too much.', '被拒绝、过期、超出的消息交给它。'), exchanges),
            text('arguments.x-dead-letter-routing-key', 'x-dead-letter-routing-key', say('Instead of the message’s own key.', '代替消息原来的路由键。')),
            number('arguments.x-delivery-limit', 'x-delivery-limit', say('Of a quorum queue (20 if empty).', '用于 quorum 队列（不填是 20）。'), 0, 1000),
            number('arguments.x-max-priority', 'x-max-priority', say('Of a classic queue.', '用于 classic 队列。'), 1, 255),
            check('arguments.x-single-active-consumer', 'x-single-active-consumer', say('One consumer at a time; the others stand by.', '同一时刻只有一个消费者，其余待命。')),
        ],
        consumer: [
            text('name', say('name', '名称'), say('The connection’s name.', '连接的名称。')),
            number('prefetch', say('prefetch', '预取'), say('How many unacknowledged messages it may hold; 0: no limit.', '最多持有多少条未确认的消息；0：不限。'), 0, 65535),
            choice('acks', say('acknowledges', '确认方式'), say('When the broker may delete a message.', '消息代理什么时候可以删掉消息。'), () => [['manual', say('after the work', '处理完再确认')], ['auto', say('automatically (no_ack)', '自动确认（no_ack）')], ['never', say('forgets to', '忘了确认')]]),
            number('seconds', say('seconds of work a message', '处理一条要几秒'), say('', ''), 0, 3600, 0.1),
            choice('poison', say('what it can’t handle', '处理不了的消息'), say('Messages that say “poison”.', '内容里有 poison 的消息。'), () => [['ack', say('acknowledges it all the same', '照样确认')], ['reject', say('rejects it', '拒绝')], ['requeue', say('puts it back (requeue)', '放回队列（requeue）')], ['die', say('dies of it', '因此崩溃')]]),
            check('restarts', say('is started again', '崩溃后自动重启'), say('A second after it has died.', '崩溃一秒以后。')),
        ],
    };
    const KEY = text('key', say('routing key', '路由键'), say('In a binding to a topic exchange, * is one word, # any number of words.', '在 topic 交换机的绑定里，* 是一个词，# 是任意个词。'));
    const pairsField = (path, label, help) => ({ path, label, help, kind: 'pairs', most: 500 });
    const fieldsOf = (thing, topology) => {
        if (thing.is) {
            return FIELDS[thing.is];
        }
        const [from, to] = [thing.from, thing.to].map(id => topology.parts.find(part => part.id === id));
        if (to.is === 'consumer' || from.is === 'producer' && to.is === 'queue') {
            return [];
        }
        return from.is === 'producer' ? [KEY, pairsField('headers', say('headers', 'headers（消息头）'), 'colour=red, size=3')] : from.type === 'headers' ? [pairsField('arguments', say('headers to match', '要匹配的 headers'), 'x-match=all, colour=red')] : [KEY];
    };

    const get = (thing, path) => path.split('.').reduce((at, key) => at?.[key], thing);
    // A copy with one setting changed; what is empty is left out.
    const set = (thing, path, value) => {
        const [first, ...rest] = path.split('.');
        const copy = { ...thing };
        if (rest.length) {
            copy[first] = set(copy[first] ?? {}, rest.join('.'), value);
        } else if (value === undefined) {
            delete copy[first];
        } else {
            copy[first] = value;
        }
        return copy;
    };

    // `colour=red, size=3` and back. What looks like a whole number is one.
    const pairs = (given = {}) => Object.entries(given ?? {}).map(([key, value]) => `${key}=${value}`).join(', ');
    const unpair = words => Object.fromEntries(words.split(',').map(pair => pair.split('=')).filter(([key, value]) => key.trim() && value !== undefined)
        .map(([key, ...rest]) => [key.trim(), rest.join('=').trim()]).map(([key, value]) => [key, /^-?\d{1,9}$/.test(value) ? Number(value) : value === 'true' ? true : value === 'false' ? false : value]));

    const lineKey = ({ from, to, key = '', arguments: given }) => `${from} ${to} ${key} ${pairs(given)}`;
    const mayConnect = (topology, fromId, toId) => {
        const [from, to] = [fromId, toId].map(id => topology.parts.find(part => part.id === id));
        return Boolean(from && to && from !== to && LINES[from.is].includes(to.is));
    };

    const MOST = { parts: 300, lines: 1000 };
    const isName = value => typeof value === 'string' && value.length > 0 && new TextEncoder().encode(value).length <= 255;
    // A topology that came from outside (an address, a file): the same if it is one, else an error that says what is wrong.
    const checked = topology => {
        const wrong = why => { throw new Error(why); };
        if (!Array.isArray(topology?.parts) || !Array.isArray(topology.lines)) { wrong('no topology'); }
        if (topology.parts.length > MOST.parts || topology.lines.length > MOST.lines) { wrong('too large'); }
        const ids = new Set();
        for (const part of topology.parts) {
            if (!KINDS.includes(part?.is) || typeof part.id !== 'string' || ids.has(part.id) || !isName(part.name)) { wrong('a part'); }
            if (![part.x, part.y].every(Number.isFinite)) { wrong('a place'); }
            ids.add(part.id);
            for (const { path, kind, min, max, most, options } of FIELDS[part.is]) {
                const value = get(part, path);
                const isRight = value === undefined || { number: () => Number.isFinite(value) && value >= min && value <= max, text: () => typeof value === 'string' && value.length <= most, check: () => typeof value === 'boolean', choice: () => typeof value === 'string' && (options(topology, part).some(([option]) => option === value) || path.includes('exchange')) }[kind]();
                if (!isRight) { wrong(`${part.name}: ${path}`); }
            }
        }
        for (const line of topology.lines) {
            if (!mayConnect(topology, line?.from, line?.to) || !['string', 'undefined'].includes(typeof line.key)) { wrong('a line'); }
        }
        return topology;
    };

    // A new part with an id and a name of its own, at a place.
    const FIRST = {
        producer: { body: 'message {n}', rate: 0, persistent: true }, exchange: { type: 'direct', durable: true },
        queue: { durable: true }, consumer: { prefetch: 1, acks: 'manual', seconds: 1, poison: 'ack' },
    };
    const newPart = ({ parts }, is, x, y) => {
        const letter = { producer: 'p', exchange: 'x', queue: 'q', consumer: 'c' }[is];
        let count = 1;
        while (parts.some(({ id, name: own }) => id === `${letter}${count}` || own === `${NAMES_EN[is]}-${count}`)) { count++; }
        return { id: `${letter}${count}`, is, x, y, name: `${NAMES_EN[is]}-${count}`, ...structuredClone(FIRST[is]) };
    };
    const NAMES_EN = { producer: 'producer', exchange: 'exchange', queue: 'queue', consumer: 'consumer' };
    const without = ({ parts, lines }, id) => ({
        parts: parts.filter(part => part.id !== id),
        lines: lines.filter(line => lineKey(line) !== id && line.from !== id && line.to !== id),
    });

    // Small enough for an address: compressed JSON in letters that may stand there.
    const through = async (bytes, stream) => new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
    const toAddress = async data => {
        const bytes = await through(new TextEncoder().encode(JSON.stringify(data)), new CompressionStream('deflate-raw'));
        return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join('')).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    };
    const fromAddress = async words => {
        const bytes = Uint8Array.from(atob(words.replaceAll('-', '+').replaceAll('_', '/')), letter => letter.charCodeAt(0));
        return JSON.parse(new TextDecoder().decode(await through(bytes, new DecompressionStream('deflate-raw'))));
    };

    // As RabbitMQ imports it: `rabbitmqctl import_definitions`.
    const definitions = ({ parts, lines }) => {
        const of = id => parts.find(part => part.id === id);
        return {
            vhosts: [{ name: '/' }],
            exchanges: parts.filter(({ is }) => is === 'exchange').map(({ name: own, type, durable: kept, arguments: given }) => ({ name: own, vhost: '/', type, durable: kept !== false, auto_delete: false, internal: false, arguments: given ?? {} })),
            queues: parts.filter(({ is }) => is === 'queue').map(({ name: own, durable: kept, arguments: given }) => ({ name: own, vhost: '/', durable: kept !== false, auto_delete: false, arguments: given ?? {} })),
            bindings: lines.filter(({ from }) => of(from).is === 'exchange').map(({ from, to, key = '', arguments: given }) => ({ source: of(from).name, vhost: '/', destination: of(to).name, destination_type: of(to).is, routing_key: key, arguments: given ?? {} })),
        };
    };

    // And back, from what RabbitMQ exports: exchanges, queues and bindings of one virtual host, in columns.
    const imported = definitions => {
        const list = what => (Array.isArray(definitions?.[what]) ? definitions[what] : []);
        const { vhost } = [...list('queues'), ...list('exchanges')][0] ?? {};
        const ours = what => list(what).filter(one => one.vhost === vhost && !one.name?.startsWith('amq.') && one.name !== '');
        // RabbitMQ says of each queue that it is classic, which goes without saying here.
        const given = (one = {}) => Object.fromEntries(Object.entries(one).filter(([key, value]) => key !== 'x-queue-type' || value !== 'classic'));
        const rest = one => { const all = given(one.arguments); return Object.keys(all).length ? { arguments: all } : {}; };
        const column = (what, letter, x, make) => ours(what).map((one, i, { length }) => ({ id: `${letter}${i + 1}`, name: one.name, x, y: Math.round(length === 1 ? 260 : 60 + i * Math.min(100, 400 / (length - 1))), durable: one.durable !== false, ...rest(one), ...make(one) }));
        const parts = [...column('exchanges', 'x', 340, ({ type }) => ({ is: 'exchange', type })), ...column('queues', 'q', 620, () => ({ is: 'queue' }))];
        const id = (is, name) => parts.find(part => part.is === is && part.name === name)?.id;
        const lines = list('bindings').filter(one => one.vhost === vhost && one.source !== '').map(one => ({ from: id('exchange', one.source), to: id(one.destination_type, one.destination), key: one.routing_key ?? '', ...rest(one) }));
        if (!parts.length) {
            throw new Error('neither exchanges nor queues');
        }
        return checked({ parts, lines: lines.filter(({ from, to }) => from && to) });
    };

    return { say, svg, element, KINDS, NAMES, fieldsOf, get, set, pairs, unpair, lineKey, mayConnect, checked, newPart, without, toAddress, fromAddress, definitions, imported };
})();
