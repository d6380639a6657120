// <message-flow>: P → queue → C as a drawing that moves. On a page of the book it has buttons, and plays by itself until one
// of them is pressed; above the terminals of the served book (live.js) it shows what a real broker holds.
(() => {
    // The rules, without a drawing: what a broker does with one queue and one consumer, which takes as many letters as it can
    // get. workbook/tests/figure.rs holds them against the post office and RabbitMQ. A method returns false where there is
    // nothing to do.
    class Model {
        constructor() {
            this.manual = false; // how the consumer acknowledges; it says so when it starts
            this.sent = 0;
            this.consumers = 0;
            this.ready = []; // letters, as { number, redelivered }; the first one is next
            this.hands = []; // with the consumer, not done yet
            this.received = []; // every delivery, in order
            this.done = [];
            this.lost = [];
        }
        get unacked() { return this.manual ? this.hands : []; } // otherwise the broker has forgotten them already
        send() {
            this.ready.push({ number: ++this.sent, redelivered: false });
            this.#deliver();
        }
        open() {
            if (this.consumers) { return false; }
            this.consumers = 1;
            this.#deliver();
        }
        // The consumer does what it has in its hands, acknowledges it, and leaves.
        close() {
            if (!this.consumers) { return false; }
            while (this.hands.length) { this.finish(); }
            this.consumers = 0;
        }
        // The consumer has done what one letter asks for; by hand, it acknowledges it now.
        finish() {
            if (!this.hands.length) { return false; }
            this.done.push(this.hands.shift());
        }
        crash() {
            if (!this.consumers) { return false; }
            if (this.manual) {
                this.hands.forEach(letter => { letter.redelivered = true; });
                this.ready.unshift(...this.hands);
            } else {
                this.lost.push(...this.hands);
            }
            this.hands = [];
            this.consumers = 0;
        }
        setManual(manual) {
            if (this.consumers) { return false; }
            this.manual = manual;
        }
        #deliver() {
            while (this.consumers && this.ready.length) {
                const letter = this.ready.shift();
                this.hands.push(letter);
                this.received.push({ ...letter });
            }
        }
    }

    // Both languages; the style sheet shows the edition's.
    const say = (en, zh) => [['en', en], ['zh-CN', zh]].map(([lang, text]) => element('span', { lang, textContent: text }));
    const element = (tag, properties = {}, ...children) => {
        const made = Object.assign(document.createElement(tag), properties);
        made.append(...children.flat());
        return made;
    };
    const some = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

    const MOVE = 700; // ms that a letter takes
    const DRAWN = 8; // letters at one place; the rest is a number
    const TRACKED = 200; // letters that are followed one by one

    // The picture: letters are elements that keep their identity, so that they can be seen to move.
    class Drawing {
        #letters = new Map(); // those that are drawn, by id
        #known = new Set(); // all that are there
        constructor(name) {
            this.p = element('b', { textContent: 'P' });
            this.c = element('b', { textContent: 'C' });
            this.pName = element('small', {}, say('producer', '生产者'));
            this.cName = element('small', {}, say('consumer', '消费者'));
            this.places = Object.fromEntries(['queue', 'hands', 'done', 'lost'].map(
                place => [place, element('span', { className: `flow-letters flow-${place}` })]));
            const way = () => element('span', { className: 'flow-way' });
            this.root = element('div', { className: 'flow-parts' },
                element('span', { className: 'flow-end flow-p' }, this.p, this.pName), way(),
                element('span', { className: 'flow-middle' }, element('code', { textContent: name }), this.places.queue, element('small', {}, say('queue', '队列'))), way(),
                element('span', { className: 'flow-end flow-c' }, this.c, this.cName, this.places.hands));
            this.root.setAttribute('aria-hidden', 'true'); // the words below say the same
        }
        // `places`: for each place its letters as { id, label, redelivered }; `gone`: ids of letters that have left through C;
        // `more`: letters of the queue that have no id; `still`: nothing moves.
        draw(places, { consumers, gone = [], more = 0, still = false }) {
            const before = new Map([...this.#letters].map(([id, letter]) => [id, letter.getBoundingClientRect()]));
            const known = new Set(this.#known);
            const isStill = still || matchMedia('(prefers-reduced-motion: reduce)').matches;
            this.root.classList.toggle('is-alone', consumers === 0);
            this.c.textContent = consumers > 1 ? `C×${consumers}` : 'C';
            this.#known = new Set();
            const drawn = new Map();
            for (const [place, letters] of Object.entries(places)) {
                letters.forEach(({ id }) => this.#known.add(id));
                const shown = letters.slice(0, DRAWN).map(letter => {
                    drawn.set(letter.id, this.#letter(letter));
                    return drawn.get(letter.id);
                });
                const rest = letters.length - shown.length + (place === 'queue' ? more : 0);
                this.places[place].replaceChildren(...shown, rest ? element('span', { className: 'flow-more', textContent: `+${rest}` }) : '');
            }
            const leaving = isStill ? [] : gone.slice(-DRAWN).map(id => [this.#letter({ id }), before.get(id)]);
            this.#letters.forEach((letter, id) => drawn.has(id) || letter.remove());
            this.#letters = drawn;
            if (isStill) {
                return;
            }
            drawn.forEach((letter, id) => this.#move(letter, before.get(id), known.has(id)));
            leaving.forEach(([letter, from]) => this.#leave(letter, from));
        }
        #letter({ id, label = '', redelivered = false }) {
            const letter = this.#letters.get(id) ?? element('i', { className: 'flow-letter' });
            this.#letters.set(id, letter);
            letter.textContent = label;
            letter.classList.toggle('is-redelivered', redelivered);
            return letter;
        }
        // From where it was, or from the producer, to where it is.
        #move(letter, from, isKnown) {
            letter.getAnimations().forEach(animation => animation.cancel());
            if (from) {
                this.#animate(letter, [from]);
            } else if (!isKnown) {
                // Nothing reaches a consumer but through the queue.
                const isInQueue = letter.parentElement === this.places.queue;
                this.#animate(letter, (isInQueue ? [this.p] : [this.p, this.places.queue]).map(end => end.getBoundingClientRect()));
            }
        }
        // A letter that is gone already is seen once more, on its way out.
        #leave(letter, from) {
            letter.getAnimations().forEach(animation => animation.cancel());
            letter.classList.add('is-leaving');
            this.c.append(letter);
            const path = from ? [from] : [this.p, this.places.queue].map(end => end.getBoundingClientRect());
            const animation = this.#animate(letter, path);
            animation.onfinish = animation.oncancel = () => letter.remove();
        }
        // To where it stands now, along the middles of these rectangles.
        #animate(letter, path) {
            const middle = ({ x, y, width, height }) => [x + width / 2, y + height / 2];
            const [toX, toY] = middle(letter.getBoundingClientRect());
            const frames = path.map(middle).map(([x, y]) => ({ transform: `translate(${x - toX}px, ${y - toY}px)` }));
            return letter.animate([...frames, { transform: 'none' }], { duration: MOVE * path.length, easing: 'ease-in-out' });
        }
    }

    const list = letters => letters.map(({ number }) => number);
    const en = letters => `${letters.length === 1 ? 'letter' : 'letters'} ${list(letters).join(', ')}`;
    const zh = letters => `${list(letters).join('、')} 号信`;
    const WORK = 1300; // ms that the consumer takes for a letter when nobody looks closer
    const STEP = 1900; // ms between two steps of the play

    class MessageFlow extends HTMLElement {
        static Model = Model;
        #fed = null; // the last state that was shown
        #nextId = 0;
        #round = 0;
        #timers = new Set();

        connectedCallback() {
            if (!this.drawing) {
                this.#build();
            }
        }
        disconnectedCallback() {
            this.#pause();
        }

        // What a real queue holds: `{ name, ready, unacknowledged, consumers, arrived, delivered }`, as the server tells it
        // (broker.rs). The counters tell of letters that came and went between two looks; a broker that doesn't count
        // (`arrived` is null) shows only what has changed.
        show(queue, producers = []) {
            if (!this.drawing) {
                this.drawing = new Drawing(queue.name);
                this.words = element('p', { className: 'flow-words' });
                this.append(element('div', { className: 'flow-live' }, this.drawing.root, this.words));
            }
            Object.assign(this.dataset, {
                queue: queue.name, ready: queue.ready, consumers: queue.consumers, unacknowledged: queue.unacknowledged ?? '',
                arrived: queue.arrived ?? '', delivered: queue.delivered ?? '',
            });
            const { letters, gone, still } = this.#follow(queue);
            const asLetters = ids => ids.map(id => ({ id }));
            this.drawing.draw({ queue: asLetters(letters.queue), hands: asLetters(letters.hands) },
                { consumers: queue.consumers, gone, more: queue.ready - letters.queue.length, still });
            this.drawing.pName.replaceChildren(...(producers.length ? [producers.join(', ')] : say('producer', '生产者')));
            const unacked = queue.unacknowledged;
            this.words.replaceChildren(...say(
                `${queue.ready} ready${unacked === null ? '' : `, ${unacked} unacked`}, ${some(queue.consumers, 'consumer')}`,
                `就绪 ${queue.ready}${unacked === null ? '' : `，未确认 ${unacked}`}，消费者 ${queue.consumers}`));
        }
        // Which letters there are now, and which have gone since the last look: a broker tells numbers, not letters.
        #follow(queue) {
            const { ready, arrived, delivered, letters } = this.#fed ?? { letters: { queue: [], hands: [] } };
            const held = Math.min(queue.unacknowledged ?? 0, TRACKED);
            const came = queue.arrived === null ? Math.max(0, queue.ready - ready) : queue.arrived - arrived;
            const went = queue.arrived === null ? Math.max(0, ready - queue.ready) : queue.delivered - delivered;
            const still = !this.#fed || Math.max(ready, came, went) > TRACKED; // the first look, or too much to follow
            const isNew = () => this.#nextId++;
            if (still) {
                letters.queue = [];
                letters.hands = [];
            } else {
                for (let i = 0; i < came; i++) { letters.queue.push(isNew()); }
                for (let i = 0; i < went; i++) { letters.hands.push(letters.queue.shift() ?? isNew()); }
            }
            while (letters.queue.length < Math.min(queue.ready, TRACKED)) {
                letters.queue.unshift(letters.hands.pop() ?? isNew()); // they have come back
            }
            letters.queue.splice(queue.ready); // purged or expired
            while (letters.hands.length < held) { letters.hands.push(isNew()); }
            const gone = letters.hands.splice(0, letters.hands.length - held);
            this.#fed = { ...queue, letters };
            return { letters, gone, still };
        }

        // The figure in the text.
        #build() {
            this.model = new Model();
            this.drawing = new Drawing('hello');
            const { done, lost } = this.drawing.places;
            const button = (act, ...words) => {
                const made = element('button', { type: 'button' }, say(...words));
                made.addEventListener('click', () => { this.#pause(); act(); this.#draw(); });
                return made;
            };
            this.event = element('p', { className: 'flow-event' });
            this.words = element('p', { className: 'flow-words' });
            this.said = element('div', {}, this.event, this.words);
            this.said.setAttribute('role', 'status');
            this.send = button(() => this.#send(), 'Send a letter', '寄一封信');
            this.openOrClose = button(() => (this.model.consumers ? this.#close() : this.#open()));
            this.player = element('button', { type: 'button' });
            this.player.addEventListener('click', () => (this.#timers.size ? this.#pause() : this.#play()));
            const again = button(() => this.#again(), 'Start over', '从头再来');
            this.finish = button(() => this.#finish());
            this.crash = button(() => this.#crash(), 'Crash the consumer', '让消费者崩溃');
            this.manual = element('input', { type: 'checkbox' });
            this.manual.addEventListener('click', event => {
                this.#pause();
                if (this.model.setManual(this.manual.checked) === false) {
                    event.preventDefault();
                    this.#tell('How it acknowledges, a consumer says when it starts. Stop it first.', '用哪种方式确认，是消费者启动时说定的。请先关闭消费者。');
                }
                this.#draw();
            });
            this.closer = element('details', { className: 'flow-closer' },
                element('summary', {}, say('Look closer: acknowledgements and crashes', '细看：确认与崩溃')),
                element('p', {}, say(
                    'Now you decide when the consumer is done with a letter. With automatic acknowledgement the broker forgets a letter as soon as it has handed it over. By hand, the consumer signs for each letter when it is done, and until then the broker keeps it.',
                    '现在由你决定消费者什么时候处理完一封信。自动确认：消息代理一交出信，就把它忘了。手动确认：消费者处理完一封，签收一封；签收之前，消息代理一直留着它。')),
                element('div', { className: 'flow-controls' }, element('label', {}, this.manual, say('acknowledge by hand', '手动确认')), this.finish, this.crash));
            this.closer.addEventListener('toggle', () => { this.#pause(); this.#draw(); });
            const tray = (place, ...words) => element('span', { className: 'flow-tray' }, element('small', {}, say(...words)), place);
            const trays = element('div', { className: 'flow-trays' }, tray(lost, 'lost', '丢了'), tray(done, 'done', '处理完'));
            trays.setAttribute('aria-hidden', 'true');
            this.drawing.root.append(trays);
            this.append(element('div', { className: 'flow-live' }, this.drawing.root, this.said,
                element('div', { className: 'flow-controls' }, this.send, this.openOrClose, again, this.player), this.closer));
            this.#again();
            this.#draw();
            if (!matchMedia('(prefers-reduced-motion: reduce)').matches) {
                const whenSeen = new IntersectionObserver(([entry]) => {
                    if (entry.isIntersecting) {
                        whenSeen.disconnect();
                        this.#play();
                    }
                }, { threshold: 0.5 });
                whenSeen.observe(this);
                this.addEventListener('click', () => whenSeen.disconnect(), { capture: true, once: true });
            }
        }

        #send() {
            this.model.send();
            const letter = this.model.received.at(-1);
            const { sent } = this.model;
            if (letter?.number !== sent) {
                this.#tell(`Letter ${sent} waits in the queue: no consumer is there.`, `${sent} 号信在队列里等着：现在没有消费者。`);
            } else {
                this.#tellTaken([letter], `Letter ${sent} goes through the queue to the consumer.`, `${sent} 号信经过队列，到了消费者手里。`);
            }
        }
        #open() {
            const waiting = [...this.model.ready];
            this.model.open();
            if (waiting.length) {
                this.#tellTaken(waiting, `The consumer takes what waited: ${en(waiting)}.`, `消费者取走了等着的信：${zh(waiting)}。`);
            } else {
                this.#tell('The consumer is there and waits for letters.', '消费者来了，正在等信。');
            }
        }
        #tellTaken(letters, english, chinese) {
            const keeps = this.model.manual
                ? [' Until it acknowledges, the broker keeps what it has delivered.', '在它确认之前，消息代理留着这些信。']
                : [' The broker has forgotten what it has delivered.', '信一交出去，消息代理就忘了。'];
            const again = letters.some(letter => letter.redelivered) ? [' ↩ says that a letter comes a second time.', '带 ↩ 的信是第二次送来的。'] : ['', ''];
            this.#tell(english + (this.closer.open ? keeps[0] : '') + again[0], chinese + (this.closer.open ? keeps[1] : '') + again[1]);
        }
        #close() {
            const { length } = this.model.hands;
            this.model.close();
            this.#tell(length ? 'The consumer has finished what it had in its hands, and left.' : 'The consumer has left.',
                length ? '消费者处理完手里的信，走了。' : '消费者走了。');
        }
        #finish() {
            const letter = this.model.hands[0];
            if (this.model.finish() === false) {
                this.#tell('The consumer has nothing in its hands.', '消费者手里没有信。');
            } else if (this.model.manual) {
                this.#tell(`Letter ${letter.number} is done and acknowledged. Now the broker forgets it too.`, `${letter.number} 号信处理完了，也确认了。现在消息代理才把它忘掉。`);
            } else {
                this.#tell(`Letter ${letter.number} is done.`, `${letter.number} 号信处理完了。`);
            }
        }
        #crash() {
            const { hands, manual } = this.model;
            if (this.model.crash() === false) {
                this.#tell('There is no consumer that could crash.', '现在没有消费者，没有谁会崩溃。');
            } else if (!hands.length) {
                this.#tell('The consumer has crashed. It had nothing in its hands, so nothing is lost.', '消费者崩溃了。它手里没有信，所以什么也没丢。');
            } else if (manual) {
                this.#tell(`The consumer has crashed before it acknowledged ${en(hands)}. The broker puts back what it kept, in the old place, marked as redelivered (↩).`,
                    `消费者还没确认 ${zh(hands)}就崩溃了。消息代理把留着的信放回原来的位置，并标上“重新投递过”（↩）。`);
            } else {
                this.#tell(`The consumer has crashed. The broker had already forgotten ${en(hands)}: lost.`, `消费者崩溃了。${zh(hands)}已经交了出去，消息代理没有留着，就这样丢了。`);
            }
        }
        // As in the picture that stands here without this script: two letters wait.
        #again() {
            const { manual } = this.model;
            this.#round++;
            this.model = new Model();
            this.model.setManual(manual);
            this.model.send();
            this.model.send();
            this.#tell('Two letters wait. What happens next? Press the buttons.', '两封信在等。接下来会怎样？按按钮试试。');
        }

        #tell(...words) {
            this.event.replaceChildren(...say(...words));
        }
        #draw() {
            const { ready, hands, done, lost, consumers, unacked, manual } = this.model;
            const letters = all => all.map(({ number, redelivered }) => ({ id: `${this.#round}-${number}`, label: number, redelivered }));
            this.drawing.draw({ queue: letters(ready), hands: letters(hands), done: letters(done.slice(-8)), lost: letters(lost.slice(-8)) }, { consumers });
            const marked = ready.filter(letter => letter.redelivered);
            this.words.replaceChildren(...say(
                `${ready.length} ready, ${unacked.length} unacked, ${some(consumers, 'consumer')}${marked.length ? `; redelivered: ${en(marked)}` : ''}${lost.length ? `; lost: ${en(lost)}` : ''}`,
                `就绪 ${ready.length}，未确认 ${unacked.length}，消费者 ${consumers}${marked.length ? `；重新投递过：${zh(marked)}` : ''}${lost.length ? `；丢了：${zh(lost)}` : ''}`));
            this.manual.checked = manual;
            this.openOrClose.replaceChildren(...(consumers ? say('Stop the consumer', '关闭消费者') : say('Start the consumer', '启动消费者')));
            this.finish.replaceChildren(...(manual ? say('Get a letter done and acknowledge it', '处理完一封，并确认') : say('Get a letter done', '处理完一封')));
            const off = (control, is) => control.setAttribute('aria-disabled', is); // it keeps the focus, and says why
            off(this.finish, !hands.length);
            off(this.crash, !consumers);
            off(this.manual, Boolean(consumers));
            const playing = this.#timers.size > 0;
            this.player.replaceChildren(...(playing ? say('Pause', '暂停') : say('Play', '播放')));
            this.said.setAttribute('aria-live', playing ? 'off' : 'polite'); // a play would never stop talking
            clearTimeout(this.working);
            if (hands.length && !this.closer.open) {
                this.working = setTimeout(() => { this.model.finish(); this.#draw(); }, WORK);
            }
        }

        #play() {
            this.#again();
            const acts = this.closer.open
                ? ['open', 'finish', 'crash', 'send', 'open', 'finish', 'close'] : ['open', 'send', 'close', 'send', 'send', 'open', 'close'];
            const act = {
                send: () => this.#send(), open: () => this.#open(), close: () => this.#close(), finish: () => this.#finish(), crash: () => this.#crash(),
            };
            acts.forEach((name, i) => {
                const timer = setTimeout(() => { this.#timers.delete(timer); act[name](); this.#draw(); }, STEP * (i + 1));
                this.#timers.add(timer);
            });
            this.#draw();
        }
        #pause() {
            const wasPlaying = this.#timers.size > 0;
            this.#timers.forEach(clearTimeout);
            this.#timers.clear();
            if (wasPlaying) { this.#draw(); }
        }
    }
    customElements.define('message-flow', MessageFlow);
})();
