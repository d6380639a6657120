// <message-playground>: the canvas, its controls, the settings of what is selected, time, and what is said on the wire.
(() => {
    const { say, element, KINDS, NAMES, fieldsOf, get, set, pairs, unpair, lineKey } = Playground;
    const SAID = 400; // lines of the wire that are shown
    const KEPT = 40; // steps that can be undone
    const LONGEST = 10 * 60 * 1000; // ms that a run may take
    const FRAMES = 50; // ms between two looks at the broker's state
    const BUDGET = 20; // ms of work before the next frame: what doesn't fit makes time pass more slowly
    const MOST_COMMANDS = 50_000; // that a run may have, since each look back plays it again
    const MOST_INPUTS = 5_000; // in an address
    const REFERENCE = { 'basic.publish': 'basic/send.html#publish', 'basic.deliver': 'basic/receive.html#consume', 'basic.consume': 'basic/receive.html#consume', 'queue.declare': 'basic/send.html#declare', 'queue.bind': 'patterns/publish-subscribe.html', 'exchange.declare': 'patterns/publish-subscribe.html', 'basic.ack': 'patterns/acknowledge.html', 'basic.nack': 'basic/get.html#nack', 'basic.reject': 'basic/get.html#nack', 'basic.qos': 'patterns/prefetch.html', 'basic.return': 'patterns/routing.html', 'confirm.select': 'patterns/confirms.html', 'basic.cancel': 'basic/receive.html#ended', 'channel.close': 'errors.html', 'connection.close': 'errors.html' };
    const METHODS = { publish: 'basic.publish', qos: 'basic.qos', consume: 'basic.consume', cancel: 'basic.cancel', ack: 'basic.ack', nack: 'basic.nack', reject: 'basic.reject', connect: 'connection.open', close: 'connection.close', reopen: 'channel.open', cut: say('the connection is cut', '连接断开') };

    const SOLVED = 'workbook-puzzles';
    const recalled = () => { try { return JSON.parse(localStorage.getItem(SOLVED)) ?? []; } catch { return []; } };
    const remember = names => { try { localStorage.setItem(SOLVED, JSON.stringify(names)); } catch { /* a private window */ } };

    const FIRST = () => ({
        parts: [
            { id: 'p1', is: 'producer', x: 130, y: 260, name: 'shop', body: 'order {n}', rate: 0, persistent: true },
            { id: 'q1', is: 'queue', x: 470, y: 260, name: 'hello', durable: true },
            { id: 'c1', is: 'consumer', x: 810, y: 260, name: 'packer', prefetch: 1, acks: 'manual', seconds: 1, poison: 'ack' },
        ],
        lines: [{ from: 'p1', to: 'q1' }, { from: 'q1', to: 'c1' }],
    });

    const button = (className, label, act) => {
        const made = element('button', { type: 'button', className, textContent: label });
        made.addEventListener('click', act);
        return made;
    };

    class MessagePlayground extends HTMLElement {
        async connectedCallback() {
            if (this.ready) {
                return;
            }
            this.ready = true;
            try {
                this.broker = await Playground.Broker.open();
            } catch (error) {
                this.replaceChildren(element('p', { textContent: say(`This browser can’t run the broker in the page (${error.message}). A recent version of Firefox, Chrome, Edge or Safari can.`, `这个浏览器没法在网页里运行消息代理（${error.message}）。请换用较新版本的 Firefox、Chrome、Edge 或 Safari。`) }));
                return;
            }
            this.simulation = new Playground.Simulation(this.broker);
            this.simulation.listen(heard => this.#hear(heard));
            this.canvas = new Playground.Canvas({
                select: (id, byKey) => this.#select(id, byKey), remove: id => this.#remove(id), mayConnect: (from, to) => Playground.mayConnect(this.topology, from, to),
                connect: (from, to) => this.#connect(from, to), move: (id, x, y) => this.#place(id, x, y), moved: () => this.#moved(), turned: () => this.#show(),
            });
            this.#build();
            this.#restart(FIRST(), []);
            await this.#open();
            addEventListener('hashchange', () => this.#open());
            this.#showChooser();
            this.dataset.ready = '';
        }

        // The parts of the element.
        #build() {
            this.tools = element('div', { className: 'play-tools' }, ...KINDS.map(is => button(`play-add is-${is}`, `+ ${NAMES[is]}`, () => this.#add(is))));
            this.undoButton = button('play-undo', say('Undo', '撤销'), () => this.#undo());
            this.tools.append(this.undoButton, button('play-share', say('Share', '分享'), () => this.#share()),
                button('play-definitions', say('Definitions', '导出定义'), () => this.#offer('definitions.json', JSON.stringify(Playground.definitions(this.topology), null, 2))),
                button('play-import', say('Import definitions', '导入定义'), () => this.fileInput.click()),
                button('play-rust', say('As Rust', '导出 Rust'), () => this.#offer('main.rs', Playground.rust(this.topology))),
                button('play-python', say('As Python', '导出 Python'), () => this.#offer('topology.py', Playground.python(this.topology))),
                button('play-picture', say('Picture', '导出图片'), () => this.#offer('topology.svg', this.#picture())));
            this.fileInput = element('input', { type: 'file', accept: '.json,application/json', hidden: true });
            this.fileInput.addEventListener('change', () => this.#import());
            this.tools.append(this.fileInput);
            this.playButton = button('play-go', '', () => this.#play(!this.isPlaying));
            this.slider = element('input', { type: 'range', className: 'play-time', min: 0, value: 0, step: 10 });
            this.slider.setAttribute('aria-label', say('time', '时间'));
            this.slider.addEventListener('input', () => this.#goTo(Number(this.slider.value)));
            this.clock = element('output', { className: 'play-clock' });
            this.speed = element('select', { className: 'play-speed' }, ...[[0.25, '¼×'], [1, '1×'], [4, '4×'], [16, '16×']].map(([value, label]) => element('option', { value, textContent: label, selected: value === 1 })));
            this.speed.setAttribute('aria-label', say('speed', '速度'));
            this.transport = element('div', { className: 'play-transport' }, this.playButton,
                button('play-step', say('Step', '单步'), () => this.#step()), button('play-next', say('To the next expiry', '快进到下一次过期'), () => this.#fastForward()), this.speed, this.slider, this.clock,
                button('play-restart', say('From the start', '从头开始'), () => this.#again()));
            this.power = element('div', { className: 'play-power' });
            this.inspector = element('form', { className: 'play-inspector' });
            this.inspector.addEventListener('submit', event => event.preventDefault());
            this.inspector.addEventListener('keydown', event => event.stopPropagation());
            this.status = element('p', { className: 'play-status' });
            this.status.setAttribute('role', 'status');
            this.offered = element('div', { className: 'play-offered', hidden: true });
            this.list = element('ul', { className: 'play-list' });
            this.wire = element('ol', { className: 'play-wire', tabIndex: 0 });
            this.wire.setAttribute('aria-label', say('what is said on the wire', '网络上说了什么'));
            this.messages = element('div', { className: 'play-messages', hidden: true });
            const fold = (label, ...inside) => element('details', {}, element('summary', { textContent: label }), ...inside);
            this.wireFold = fold(say('On the wire', '协议上的往来'), this.wire);
            this.listFold = fold(say('As a list', '列表'), this.list);
            [this.wireFold, this.listFold].forEach(folded => folded.addEventListener('toggle', () => this.#look()));
            this.goal = element('div', { className: 'play-goal', hidden: true });
            this.chooser = element('nav', { className: 'play-chooser' });
            this.chooser.setAttribute('aria-label', say('puzzles', '谜题'));
            this.replaceChildren(this.chooser, this.goal, this.tools, element('div', { className: 'play-stage' }, this.canvas.root), this.transport, this.power, this.status, this.offered, this.inspector, this.messages, this.listFold, this.wireFold);
            this.canvas.root.setAttribute('aria-label', say('the topology: producers, exchanges, queues and consumers', '拓扑：生产者、交换机、队列和消费者'));
        }

        // Puzzles.
        #showChooser() {
            const solved = new Set(recalled());
            const choice = (label, name, title) => {
                const made = button('play-choice', label, () => this.#choose(name));
                made.title = title;
                made.setAttribute('aria-label', title);
                made.setAttribute('aria-pressed', name === (this.puzzle?.name ?? null));
                made.classList.toggle('is-solved', solved.has(name));
                return made;
            };
            const first = say('Your own', '自由拓扑');
            this.chooser.replaceChildren(choice(first, null, first),
                ...Playground.puzzles.map(({ name, title }, i) => choice(`${i + 1}`, name, `${i + 1}. ${say(...title)}${solved.has(name) ? say(', solved', '，已解开') : ''}`)));
        }
        #choose(name) {
            const own = this.puzzle ? null : this.topology;
            this.own = own ?? this.own;
            this.puzzle = Playground.puzzles.find(puzzle => puzzle.name === name) ?? null;
            this.failed = 0;
            this.undone = [];
            this.selected = null;
            this.#restart(this.puzzle ? structuredClone(this.puzzle.start) : this.own ?? FIRST(), []);
            this.#showChooser();
            this.#showGoal();
            this.#tell('');
        }
        #showGoal() {
            const { puzzle } = this;
            this.goal.hidden = !puzzle;
            this.goal.classList.remove('is-solved');
            if (!puzzle) {
                return;
            }
            const number = Playground.puzzles.indexOf(puzzle) + 1;
            const gives = Object.entries(puzzle.gives ?? {}).map(([is, count]) => `${NAMES[is]} × ${count}`).join(workbookLanguage === 'zh-CN' ? '，' : ', ');
            this.hint = element('p', { className: 'play-hint', hidden: true }, say(...puzzle.hint), ' ', element('a', { href: (typeof path_to_root === 'string' ? path_to_root : '') + puzzle.page, textContent: say('The page about it', '讲这个的那一页') }));
            this.verdict = element('p', { className: 'play-verdict' });
            this.verdict.setAttribute('role', 'status');
            this.solutionButton = button('play-solution', say('A solution', '参考解法'), () => this.#solve());
            this.solutionButton.hidden = !recalled().includes(puzzle.name);
            this.goal.replaceChildren(element('h3', { textContent: `${number}. ${say(...puzzle.title)}` }), element('p', { textContent: say(...puzzle.task) }),
                ...gives ? [element('p', { className: 'play-quiet', textContent: say(`You may add: ${gives}.`, `可以添加：${gives}。`) })] : [],
                element('div', { className: 'play-actions' }, button('play-check', say('Check', '检查'), () => this.#check()), button('play-hint-button', say('Hint', '提示'), () => { this.hint.hidden = !this.hint.hidden; }),
                    button('play-over', say('Start over', '从头开始'), () => this.#choose(puzzle.name)), this.solutionButton), this.hint, this.verdict);
        }
        async #check() {
            const { puzzle, topology } = this;
            this.judge ??= await Playground.Broker.open();
            const wrong = Playground.judge(puzzle, topology, this.judge);
            this.goal.classList.toggle('is-solved', !wrong);
            const number = Playground.puzzles.indexOf(puzzle) + 1;
            if (wrong) {
                this.failed++;
                this.verdict.replaceChildren(element('strong', { textContent: say('Not yet: ', '还差一点：') }), wrong);
            } else {
                remember([...new Set([...recalled(), puzzle.name])]);
                const next = Playground.puzzles[number];
                this.verdict.replaceChildren(element('strong', { textContent: say('Solved. ', '解开了。') }), ...next ? [button('play-onward', say(`Next: ${next.title[0]}`, `下一题：${next.title[1]}`), () => this.#choose(next.name))] : []);
                this.#showChooser();
            }
            this.solutionButton.hidden = Boolean(wrong) && this.failed < 3;
            // What was judged can be watched, and gone through.
            const inputs = puzzle.script.map(({ at, ...input }) => ({ at, input }));
            this.#restart(topology, inputs.filter(({ at }) => at === 0));
            this.future = { inputs: [{ at: 0, input: { topology } }, ...inputs.filter(({ at }) => at === 0), ...inputs.filter(({ at }) => at > 0)], end: puzzle.until };
            this.#show();
            this.#play(true);
        }
        #solve() {
            this.#restart(Playground.changed(structuredClone(this.puzzle.start), this.puzzle.solution), []);
        }

        // What a reader changes.
        #change(topology, { isRecorded = true } = {}) {
            if (isRecorded) {
                this.undone = [...(this.undone ?? []).slice(-KEPT), this.topology];
            }
            this.topology = topology;
            this.#input({ topology });
        }
        #undo() {
            const before = this.undone?.pop();
            if (before) {
                this.#change(before, { isRecorded: false });
                this.#select(null);
            }
        }
        #add(is) {
            if (this.puzzle && !this.puzzle.may(this.topology, is)) {
                this.#tell(say(`This puzzle has no further ${NAMES[is]} to give.`, `这道题不能再添加${NAMES[is]}了。`));
                return;
            }
            const across = { producer: 130, exchange: 350, queue: 560, consumer: 830 }[is];
            const column = this.topology.parts.filter(part => Math.abs(part.x - across) < 60).map(({ y }) => y);
            const y = [260, 140, 380, 200, 320, 80, 440].find(free => column.every(taken => Math.abs(taken - free) > 55)) ?? 260;
            const part = Playground.newPart(this.topology, is, across, y);
            this.#change({ ...this.topology, parts: [...this.topology.parts, part] });
            this.#select(part.id);
            this.#tell(say(`${part.name} is there. Connect it to something.`, `添加了 ${part.name}。接下来把它连到别的地方。`));
        }
        #connect(from, to) {
            const [one, other] = [from, to].map(id => this.topology.parts.find(part => part.id === id));
            if (!Playground.mayConnect(this.topology, from, to)) {
                this.#tell(say(`A ${one.is} can’t be connected to a ${other.is}: a producer publishes to an exchange or a queue, an exchange routes to queues or exchanges, a queue delivers to consumers.`,
                    `${NAMES[one.is]}不能连到${NAMES[other.is]}：生产者发布到交换机或队列，交换机路由到队列或交换机，队列投递给消费者。`));
                return;
            }
            const line = { from, to, ...one.is === 'exchange' || other.is === 'exchange' ? { key: '' } : {} };
            if (this.topology.lines.some(known => lineKey(known) === lineKey(line))) {
                return;
            }
            this.#change({ ...this.topology, lines: [...this.topology.lines, line] });
            this.#select(lineKey(line));
        }
        #remove(id) {
            if (this.puzzle?.isFixed(id)) {
                this.#tell(say('This part belongs to the puzzle.', '这个部件是题目给定的，不能删除。'));
                return;
            }
            this.#change(Playground.without(this.topology, id));
            this.#select(null);
        }
        #place(id, x, y) {
            this.before ??= this.topology;
            this.topology = { ...this.topology, parts: this.topology.parts.map(part => part.id === id ? { ...part, x, y } : part) };
            this.canvas.show(this.topology, this.selected);
        }
        #moved() {
            if (this.before) {
                this.undone = [...(this.undone ?? []).slice(-KEPT), this.before];
                this.before = null;
                this.topology.parts.forEach(({ id, x, y }) => this.simulation.place(id, x, y, this.future?.inputs));
                this.#show();
            }
        }
        #edit(path, value) {
            const isPart = this.topology.parts.some(({ id }) => id === this.selected);
            const { selected } = this;
            if (!this.#mayEdit(selected, path)) {
                return;
            }
            if (isPart) {
                if (path === 'name' && this.topology.parts.some(({ id, is, name }) => id !== selected && name === value && is === this.topology.parts.find(({ id: own }) => own === selected).is)) {
                    this.#tell(say('There is one with this name already.', '已经有一个同名的了。'));
                    this.#inspect();
                    return;
                }
                this.#change({ ...this.topology, parts: this.topology.parts.map(part => part.id === selected ? set(part, path, value) : part) });
            } else {
                const lines = this.topology.lines.map(line => lineKey(line) === selected ? set(line, path, value) : line);
                const i = this.topology.lines.findIndex(line => lineKey(line) === selected);
                if (new Set(lines.map(lineKey)).size < lines.length) {
                    this.#tell(say('There is the same binding already.', '已经有一条相同的绑定了。'));
                    this.#inspect();
                    return;
                }
                this.selected = i < 0 ? null : lineKey(lines[i]);
                this.#change({ ...this.topology, lines });
            }
        }

        #mayEdit(id, path) {
            return !this.puzzle || !this.topology.parts.some(part => part.id === id) || this.puzzle.mayEdit(id, path);
        }

        // Time.
        #input(input) {
            // What comes after a look back is another future.
            this.future = null;
            this.simulation.input(input);
            this.#show();
        }
        #restart(topology, inputs) {
            this.#play(false);
            this.canvas.clearFlights();
            this.wire.replaceChildren();
            this.said = [];
            this.future = null;
            this.simulation.replay([{ at: 0, input: { topology } }, ...inputs], 0);
            this.topology = topology;
            this.#show();
        }
        #again() {
            this.#restart(this.topology, []);
            this.#tell(say('Back at the start: no message has been sent yet.', '回到开头：一条消息都还没发。'));
        }
        #play(isPlaying) {
            this.isPlaying = isPlaying;
            this.playButton.textContent = isPlaying ? say('Pause', '暂停') : say('Play', '播放');
            this.playButton.setAttribute('aria-pressed', isPlaying);
            if (isPlaying) {
                this.last = performance.now();
                this.frame ??= requestAnimationFrame(now => this.#tick(now));
            }
        }
        #tick(now) {
            this.frame = null;
            if (!this.isPlaying || !this.isConnected) {
                return;
            }
            const passed = Math.min(now - this.last, 250) * Number(this.speed.value);
            this.last = now;
            const goal = Math.min(Math.round(this.simulation.now + passed), LONGEST);
            const until = performance.now() + BUDGET;
            while (this.simulation.now < goal && performance.now() < until && !this.#isLong()) {
                this.#advance(Math.min(goal, Math.max(this.#next(), this.simulation.now)));
            }
            if (now - (this.looked ?? 0) > FRAMES) {
                this.looked = now;
                this.#show({ isTick: true });
            }
            if (this.#isLong()) {
                this.#play(false);
                this.#tell(say('This run is as long as one may be. Go back, or begin from the start.', '这次运行已经够长了。可以往回拖，或从头开始。'));
            }
            this.frame = requestAnimationFrame(then => this.#tick(then));
        }
        // Lets time pass, and does what was done then, if this is a look back.
        #advance(time) {
            const pending = this.future?.inputs.slice(this.simulation.inputs.length) ?? [];
            for (const { at, input } of pending) {
                if (at > time) {
                    break;
                }
                this.simulation.advance(at);
                this.simulation.input(input);
                if (input.topology) {
                    this.topology = this.simulation.topology;
                    this.canvas.show(this.topology, this.selected);
                }
            }
            this.simulation.advance(time);
        }
        #isLong() { return this.simulation.now >= LONGEST || this.simulation.commands >= MOST_COMMANDS; }
        #next() {
            return Math.min(this.simulation.next(), this.future?.inputs[this.simulation.inputs.length]?.at ?? Infinity);
        }
        // To the next thing that happens.
        #step() {
            this.#play(false);
            const next = this.#next();
            if (next === Infinity) {
                this.#tell(say('Nothing happens by itself now. Publish a message, or give a producer a rate.', '现在不会自己发生什么。发布一条消息，或者给生产者设一个速率。'));
                return;
            }
            this.#advance(Math.min(next, LONGEST));
            this.#show();
        }
        // To the next message or queue that expires.
        #fastForward() {
            this.#play(false);
            this.hasExpired = false;
            for (let next = this.#next(); next <= LONGEST && !this.hasExpired && !this.#isLong(); next = this.#next()) {
                this.#advance(next);
            }
            this.#show();
            if (!this.hasExpired) {
                this.#tell(say('Nothing has expired.', '没有什么过期。'));
            }
        }
        #goTo(time) {
            this.#play(false);
            this.canvas.clearFlights();
            this.future ??= { inputs: [...this.simulation.inputs], end: this.simulation.now };
            const { inputs, end } = this.future;
            this.said = [];
            this.wire.replaceChildren();
            this.simulation.replay(inputs, time);
            this.topology = this.simulation.topology;
            this.future = { inputs, end };
            this.#show();
        }

        // What is heard while time passes.
        #hear({ at, client, commands, replies, journal }) {
            const isSetup = who => who === Playground.Simulation.SETUP;
            const name = isSetup(client) ? say('setup', '准备') : client === null ? '' : this.simulation.part(client)?.name ?? client;
            const told = (arrow, who, method, details) => this.said.push({ at, arrow, who, method, details });
            for (const { do: what, ...details } of commands) {
                if (what !== 'advance' && what !== 'view' && client !== null) {
                    told('→', name, METHODS[what] ?? what, details);
                }
            }
            for (const { client: to, method, ...details } of replies) {
                told('←', isSetup(to) ? say('setup', '准备') : this.simulation.part(to)?.name ?? to, method, details);
            }
            this.said.splice(0, this.said.length - SAID);
            this.#fly(journal);
        }
        #fly(journal) {
            const id = (is, name) => this.simulation.topology.parts.find(part => part.is === is && part.name === name)?.id;
            const landed = new Map(); // when the message that came last is in its queue
            for (const [i, event] of journal.entries()) {
                if (event.event === 'published') {
                    const from = event.client ?? id('queue', journal.slice(0, i).findLast(({ event: name }) => name === 'dead-lettered')?.queue);
                    const way = [from, ...event.exchange ? [id('exchange', event.exchange)] : []].filter(Boolean);
                    const delay = event.client ? 0 : landed.get('dead') ?? 0;
                    const isDead = !event.client;
                    event.queues.forEach(queue => landed.set(queue, Math.max(landed.get(queue) ?? 0, delay + this.canvas.fly([...way, id('queue', queue)], { isDead, delay }))));
                    if (!event.queues.length) {
                        this.canvas.fly(way, { isLost: true, isDead, delay });
                        this.#tell(say(`No queue wanted a message with the key “${event.key}”: it was dropped, or returned.`, `没有队列要路由键为“${event.key}”的消息：它被丢弃或退回了。`));
                    }
                } else if (event.event === 'delivered') {
                    this.canvas.fly([id('queue', event.queue), event.client], { delay: landed.get(event.queue) ?? 0 });
                } else if (event.event === 'requeued') {
                    // It is in the queue again, which the numbers show.
                } else if (event.event === 'dead-lettered') {
                    this.hasExpired ||= event.reason === 'expired';
                    const isLost = journal[i + 1]?.event !== 'published';
                    if (isLost) {
                        this.canvas.fly([id('queue', event.queue)].filter(Boolean), { isLost, isDead: true });
                    }
                    const why = { expired: say('expired', '过期了'), rejected: say('was rejected', '被拒绝了'), maxlen: say('was one too many', '超出了长度上限'), delivery_limit: say('was delivered too often', '投递次数超过了上限') }[event.reason] ?? event.reason;
                    this.#tell(say(`A message in ${event.queue} ${why}.`, `${event.queue} 里有一条消息${why}。`));
                }
            }
        }

        // What is seen.
        #show({ isTick = false } = {}) {
            this.view = this.simulation.view();
            if (!isTick) {
                this.canvas.show(this.topology, this.selected);
                this.#inspect();
            }
            this.canvas.tell(this.#states());
            const { now } = this.simulation;
            const end = Math.max(this.future?.end ?? 0, now);
            this.slider.max = end;
            this.slider.value = now;
            this.slider.setAttribute('aria-valuetext', say(`${(now / 1000).toFixed(1)} seconds`, `${(now / 1000).toFixed(1)} 秒`));
            this.clock.textContent = `${(now / 1000).toFixed(1)} s`;
            this.undoButton.disabled = !this.undone?.length;
            this.#showPower();
            this.#look();
            const problem = this.simulation.problems.at(-1);
            if (problem && problem !== this.problem) {
                this.#tell(say(`The broker says: ${problem}`, `消息代理说：${problem}`));
            }
            this.problem = problem;
        }
        #states() {
            const states = new Map();
            for (const part of this.topology.parts) {
                states.set(part.id, { producer: () => this.#producerState(part), consumer: () => this.#consumerState(part), queue: () => this.#queueState(part), exchange: () => ({ title: `${NAMES.exchange} ${part.name}, ${part.type}` }) }[part.is]());
            }
            return states;
        }
        #producerState(part) {
            const producer = this.simulation.producers.get(part.id);
            if (!producer) { return {}; }
            const { sent, confirmed, refused, returned, isConnected, isBlocked } = producer;
            const counts = [[sent, say('sent', '已发')], ...part.confirms ? [[confirmed, say('confirmed', '已确认')]] : [], ...refused ? [[refused, say('refused', '被拒收')]] : [], ...returned ? [[returned, say('returned', '被退回')]] : []];
            const label = isBlocked ? say('blocked', '被阻塞') : counts.map(([count, word]) => `${count} ${word}`).join(', ');
            return { label, state: isBlocked ? 'blocked' : isConnected ? '' : 'down', title: `${NAMES.producer} ${part.name}: ${isConnected ? label : say('not connected', '没有连接')}` };
        }
        #consumerState(part) {
            const consumer = this.simulation.consumers.get(part.id);
            if (!consumer) { return {}; }
            const { isConnected, isFrozen, working, inbox, done } = consumer;
            const holds = inbox.length + (working ? 1 : 0);
            const label = !isConnected ? say('not running', '没有运行') : `${done.length} ${say('done', '完成')}${holds ? `, ${holds} ${say('in hand', '在手里')}` : ''}${isFrozen ? `, ${say('frozen', '卡住')}` : ''}`;
            return { label, state: !isConnected ? 'down' : isFrozen ? 'frozen' : '', isBusy: Boolean(working) && !isFrozen, title: `${NAMES.consumer} ${part.name}: ${label}` };
        }
        #queueState(part) {
            const queue = this.view?.queues.find(({ name }) => name === part.name);
            if (!queue) { return { label: this.simulation.isUp ? say('does not exist', '不存在') : '', state: 'down', title: `${NAMES.queue} ${part.name}` }; }
            const label = `${queue.ready} ${say('ready', '就绪')}, ${queue.unacked} ${say('unacked', '未确认')}`;
            return { label, ready: queue.ready, heads: queue.messages, title: `${NAMES.queue} ${part.name}: ${label}` };
        }
        #showPower() {
            const { isUp } = this.simulation;
            if (this.power.dataset.isUp === String(isUp)) {
                return;
            }
            this.power.dataset.isUp = isUp;
            const act = (className, label, input) => button(className, label, () => this.#input(input));
            this.power.replaceChildren(element('span', { textContent: isUp ? say('The broker is running.', '消息代理正在运行。') : say('The broker is down.', '消息代理没有运行。') }),
                ...isUp ? [act('play-stop', say('Stop it', '关闭'), { act: 'stop' }), act('play-crash', say('Crash it', '崩溃'), { act: 'crash' }), act('play-full', say('Fill its memory', '占满内存'), { act: 'memory', bytes: 1 }), act('play-empty', say('Free its memory', '腾出内存'), { act: 'memory', bytes: 1 << 28 })]
                    : [act('play-up', say('Start it', '启动'), { act: 'up' })]);
        }
        #look() {
            if (this.listFold.open) {
                const states = this.#states();
                const items = this.topology.parts.map(part => {
                    const to = this.topology.lines.filter(({ from }) => from === part.id).map(line => this.topology.parts.find(({ id }) => id === line.to).name + (line.key ? ` (${line.key})` : ''));
                    const words = `${states.get(part.id).title ?? part.name}${to.length ? ` → ${to.join(', ')}` : ''}`;
                    return { id: part.id, words };
                });
                const now = JSON.stringify(items);
                if (this.listed !== now) {
                    this.listed = now;
                    const focused = document.activeElement?.dataset?.part;
                    this.list.replaceChildren(...items.map(({ id, words }) => { const made = button('play-item', words, () => this.#select(id, true)); made.dataset.part = id; return element('li', {}, made); }));
                    if (focused) { this.list.querySelector(`[data-part="${CSS.escape(focused)}"]`)?.focus(); }
                }
            }
            if (this.wireFold.open && this.said !== undefined && this.shownSaid !== this.said.at(-1)) {
                this.shownSaid = this.said.at(-1);
                const root = typeof path_to_root === 'string' ? path_to_root : '';
                this.wire.replaceChildren(...this.said.slice(-100).map(({ at, arrow, who, method, details }) => element('li', {},
                    element('span', { className: 'play-at', textContent: `${(at / 1000).toFixed(2)} s ` }), `${who} ${arrow} `,
                    REFERENCE[method] ? element('a', { href: root + REFERENCE[method], textContent: method }) : method,
                    element('code', { textContent: ` ${Object.entries(details).filter(([, value]) => value !== false && value !== '' && value !== null && !(typeof value === 'object' && !Object.keys(value).length)).map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : value}`).join(' ')}` }))));
                this.wire.scrollTop = this.wire.scrollHeight;
            }
        }

        // The settings of what is selected.
        #select(id, byKey = false) {
            this.selected = id;
            this.canvas.show(this.topology, id);
            this.canvas.tell(this.#states());
            this.#inspect();
            if (byKey && id) {
                this.inspector.querySelector('button, input, select')?.focus();
            }
        }
        #inspect() {
            const part = this.topology.parts.find(({ id }) => id === this.selected);
            const thing = part ?? this.topology.lines.find(line => lineKey(line) === this.selected);
            if (!thing) {
                this.inspected = null;
                this.inspector.replaceChildren(element('p', { className: 'play-quiet', textContent: say('Select a part to change it. Drag the dot at its side to another part to connect them.', '选中一个部件就能修改它。从它旁边的小圆点拖到另一个部件，就把两者连起来。') }));
                this.messages.hidden = true;
                return;
            }
            const state = part && (this.simulation.consumers.get(part.id) ?? this.simulation.producers.get(part.id));
            const signature = JSON.stringify([this.selected, thing, state?.isConnected, state?.isFrozen, this.topology.parts.map(({ id, name }) => [id, name])]);
            if (this.inspected !== signature) {
                this.inspected = signature;
                const focused = document.activeElement?.closest?.('.play-inspector') ? document.activeElement.name : null;
                const names = thing.is ? `${NAMES[thing.is]} ${thing.name}` : [thing.from, thing.to].map(id => this.topology.parts.find(own => own.id === id).name).join(' → ');
                this.inspector.replaceChildren(element('h3', { textContent: names }), this.#actions(thing), ...fieldsOf(thing, this.topology).map(field => this.#field(thing, field)));
                if (focused) { this.inspector.elements[focused]?.focus(); }
            }
            this.#showMessages(part);
        }
        #actions(thing) {
            const { selected } = this;
            const act = (className, label, input) => button(className, label, () => this.#input({ part: selected, ...input }));
            const state = this.simulation.consumers.get(thing.id) ?? this.simulation.producers.get(thing.id);
            const targets = thing.is ? this.topology.parts.filter(({ id }) => Playground.mayConnect(this.topology, thing.id, id)) : [];
            const connect = element('select', { name: 'connect' }, element('option', { value: '', textContent: say('Connect to…', '连接到……') }), ...targets.map(({ id, name }) => element('option', { value: id, textContent: name })));
            connect.setAttribute('aria-label', say('Connect to', '连接到'));
            connect.addEventListener('change', () => connect.value && this.#connect(thing.id, connect.value));
            return element('div', { className: 'play-actions' },
                ...thing.is === 'producer' ? [act('play-publish', say('Publish', '发布'), { act: 'publish' }), act('play-poison', say('Publish poison', '发布一条毒消息'), { act: 'publish', body: 'poison {n}' })] : [],
                ...state ? state.isConnected ? [act('play-kill', say('Kill', '强行结束'), { act: 'kill' }), act('play-leave', say('Close', '正常退出'), { act: 'leave' }), ...thing.is === 'consumer' ? [state.isFrozen ? act('play-thaw', say('Go on', '恢复'), { act: 'thaw' }) : act('play-freeze', say('Freeze', '卡住'), { act: 'freeze' }), act('play-cut', say('Cut its network', '断开网络'), { act: 'cut' })] : []] : [act('play-start', say('Start', '启动'), { act: 'start' })] : [],
                ...targets.length ? [connect] : [],
                button('play-remove', say('Remove', '删除'), () => this.#remove(selected)));
        }
        #field(thing, { path, label, help, kind, min, max, step, most, options, standard }) {
            const value = get(thing, path);
            const id = `play-${path.replaceAll('.', '-')}`;
            const choices = options?.(this.topology, thing);
            const input = kind === 'choice' ? element('select', {}, ...choices.map(([option, words], i) => element('option', { value: i, textContent: words, selected: option === value })))
                : element('input', kind === 'check' ? { type: 'checkbox', checked: value ?? standard } : kind === 'number' ? { type: 'number', min, max, step, value: value ?? '' } : { type: 'text', maxLength: most, value: (kind === 'pairs' ? pairs(value) : value) ?? '' });
            Object.assign(input, { id, name: path, disabled: !this.#mayEdit(this.selected, path) });
            input.addEventListener('change', () => {
                if (!input.checkValidity()) {
                    this.#tell(input.validationMessage);
                    return;
                }
                const isName = path === 'name';
                if (isName && !input.value) {
                    input.value = value;
                    return;
                }
                this.#edit(path, { choice: () => choices[Number(input.value)][0], check: () => input.checked, number: () => input.value === '' ? undefined : Number(input.value), pairs: () => unpair(input.value), text: () => input.value === '' && path.startsWith('arguments.') ? undefined : input.value }[kind]());
            });
            const about = element('small', { id: `${id}-help`, textContent: help });
            input.setAttribute('aria-describedby', about.id);
            return element('label', { className: `play-field is-${kind}` }, element('span', { textContent: label }), input, about);
        }
        // The messages of a queue, with all that is known of each.
        #showMessages(part) {
            const queue = part?.is === 'queue' && this.view?.queues.find(({ name }) => name === part.name);
            this.messages.hidden = !queue;
            if (!queue) {
                return;
            }
            const now = JSON.stringify(queue.messages);
            if (this.listedMessages === now) {
                return;
            }
            this.listedMessages = now;
            const rows = queue.messages.slice(0, 20).map(message => element('details', {}, element('summary', {}, element('code', { textContent: message.body })),
                element('pre', { textContent: JSON.stringify(message, null, 2) })));
            this.messages.replaceChildren(element('h4', { textContent: say('Waiting, the next one first', '等待中的消息，最前面的先投递') }), ...rows.length ? rows : [element('p', { className: 'play-quiet', textContent: say('The queue is empty.', '队列是空的。') })]);
        }
        #tell(words) {
            if (this.status.textContent !== words) {
                this.status.textContent = words;
            }
        }

        // To take along.
        async #share() {
            const inputs = this.simulation.inputs.filter(({ input }) => !input.topology).map(({ at, input }) => [at, input]);
            const address = new URL(location.href);
            address.hash = `play=${await Playground.toAddress({ v: 1, topology: this.topology, inputs, end: this.simulation.now })}`;
            history.replaceState(null, '', address);
            let isCopied = true;
            try { await navigator.clipboard.writeText(address.href); } catch { isCopied = false; }
            this.#tell(isCopied ? say('The address of this topology, with all that you did, is copied.', '这个拓扑和你做过的操作都写进了网址，网址已经复制。') : say('The address bar now holds this topology, with all that you did: copy it from there.', '这个拓扑和你做过的操作已经写进地址栏，请从那里复制。'));
        }
        async #open() {
            const [, name] = /^#puzzle-(\w+)$/.exec(location.hash) ?? [];
            if (Playground.puzzles.some(puzzle => puzzle.name === name)) { // a page leads here
                this.#choose(name);
                this.scrollIntoView();
                return;
            }
            const [, words] = /^#play=([\w-]+)$/.exec(location.hash) ?? [];
            if (words) {
                try {
                    const { topology, inputs, end } = await Playground.fromAddress(words);
                    const checked = Playground.checked(topology);
                    const acts = (Array.isArray(inputs) ? inputs.slice(0, MOST_INPUTS) : []).filter(([at, input]) => at >= 0 && at <= LONGEST && typeof input?.act === 'string').map(([at, input]) => ({ at, input }));
                    this.#restart(checked, acts);
                    this.future = { inputs: [{ at: 0, input: { topology: checked } }, ...acts], end: Math.min(Number(end) || 0, LONGEST) };
                    this.#show();
                } catch {
                    this.#tell(say('The address holds a topology that can’t be read: was it copied whole?', '地址里的拓扑读不出来：是不是没有复制完整？'));
                }
            }
        }
        async #import() {
            const [file] = this.fileInput.files;
            this.fileInput.value = ''; // so that the same one can be chosen again
            try {
                const topology = Playground.imported(JSON.parse(await file.text()));
                if (this.puzzle) {
                    this.#choose(null);
                }
                this.#change(topology);
                this.#select(null);
                this.#tell(say('Imported. Add producers and consumers.', '导入好了。接着添加生产者和消费者吧。'));
            } catch (error) {
                this.#tell(say(`These are no definitions that the playground can read (${error.message}). rabbitmqctl export_definitions writes them, and so does Definitions.`, `这个文件里没有实验台读得懂的定义（${error.message}）。可以用 rabbitmqctl export_definitions 导出，或者用这里的“导出定义”。`));
            }
        }
        #offer(name, content) {
            const link = element('a', { href: URL.createObjectURL(new Blob([content])), download: name, textContent: say(`Save ${name}`, `保存 ${name}`) });
            this.offered.hidden = false;
            this.offered.replaceChildren(link, button('play-close', '×', () => { this.offered.hidden = true; }), element('pre', { tabIndex: 0, textContent: content }));
            this.offered.querySelector('.play-close').setAttribute('aria-label', say('Close', '关闭'));
            this.offered.scrollIntoView({ block: 'nearest' });
        }
        #picture() {
            const copy = this.canvas.root.cloneNode(true);
            copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
            const style = Playground.svg('style');
            style.textContent = 'text{font:14px sans-serif;text-anchor:middle;fill:#1b1d21}.play-shape{fill:#fff;stroke:#333;stroke-width:2.5}.is-producer .play-shape{stroke:#1f6feb}.is-consumer .play-shape{stroke:#1a7f37}.is-queue .play-shape{stroke:#c0392b}.play-cell{fill:none}.play-cell.is-full{fill:#c0392b}.play-way{fill:none;stroke:#555;stroke-width:2}.is-dead .play-way{stroke-dasharray:6 5}.play-touch,.play-handle,.play-rubber{display:none}';
            copy.prepend(style);
            copy.querySelectorAll('[tabindex]').forEach(part => part.removeAttribute('tabindex'));
            return new XMLSerializer().serializeToString(copy);
        }
    }
    customElements.define('message-playground', MessagePlayground);
})();
