// The picture of P → queue → C that moves: messages are elements that keep their identity, so that they can be seen on their way.
const FlowDrawing = (() => {
    const MOVE = 700; // ms that a message takes
    const DRAWN = { queue: 8, hands: 4, done: 8, lost: 8 }; // messages at one place; the rest is a number
    const ENDS = 3; // consumers, or producers, that are drawn one by one

    const element = (tag, properties = {}, ...children) => {
        const made = Object.assign(document.createElement(tag), properties);
        made.append(...children.flat());
        return made;
    };
    // Both languages; the style sheet shows the edition's.
    const say = (en, zh) => [['en', en], ['zh-CN', zh]].map(([lang, text]) => element('span', { lang, textContent: text }));

    return class FlowDrawing {
        static element = element;
        static say = say;
        #messages = new Map(); // those that are drawn, by id
        #known = new Set(); // all that are there
        #turn = 0; // of the consumers

        constructor(name) {
            this.p = element('span', { className: 'flow-signs' });
            this.c = element('span', { className: 'flow-signs' });
            this.pName = element('small', {}, say('producer', '生产者'));
            this.cName = element('small', {}, say('consumer', '消费者'));
            this.places = Object.fromEntries(Object.keys(DRAWN).map(
                place => [place, element('span', { className: `flow-messages flow-${place}` })]));
            const way = () => element('span', { className: 'flow-way' });
            this.root = element('div', { className: 'flow-parts' },
                element('span', { className: 'flow-end flow-p' }, this.p, this.pName), way(),
                element('span', { className: 'flow-middle' }, element('code', { textContent: name }), this.places.queue, element('small', {}, say('queue', '队列'))), way(),
                element('span', { className: 'flow-end flow-c' }, this.c, this.cName, this.places.hands));
            this.root.setAttribute('aria-hidden', 'true'); // the words below say the same
            this.#ends(this.p, 'P', 1);
            this.#ends(this.c, 'C', 0);
        }
        // `places`: for each place its messages as { id, label, redelivered }; `consumers` and `producers`: how many there are
        // (`null`: not known); `gone`: ids of messages that have left through C; `more`: messages of the queue that have no id;
        // `still`: nothing moves.
        draw(places, { consumers, producers = 1, gone = [], more = 0, still = false }) {
            const before = new Map([...this.#messages].map(([id, message]) => [id, message.getBoundingClientRect()]));
            const known = new Set(this.#known);
            const isStill = still || matchMedia('(prefers-reduced-motion: reduce)').matches;
            this.root.classList.toggle('has-no-consumer', consumers === 0);
            this.root.classList.toggle('has-no-producer', producers === 0);
            this.#ends(this.p, 'P', producers ?? 1);
            this.#ends(this.c, 'C', consumers);
            this.#known = new Set();
            const drawn = new Map();
            for (const [place, messages] of Object.entries(places)) {
                messages.forEach(({ id }) => this.#known.add(id));
                const shown = messages.slice(0, DRAWN[place]).map(message => {
                    drawn.set(message.id, this.#message(message));
                    return drawn.get(message.id);
                });
                const rest = messages.length - shown.length + (place === 'queue' ? more : 0);
                this.places[place].replaceChildren(...shown, rest ? element('span', { className: 'flow-more', textContent: `+${rest}` }) : '');
            }
            const leaving = isStill ? [] : gone.slice(-DRAWN.queue).map(id => [this.#message({ id }), before.get(id)]);
            this.#messages.forEach((message, id) => drawn.has(id) || message.remove());
            this.#messages = drawn;
            if (isStill) {
                return;
            }
            drawn.forEach((message, id) => this.#move(message, before.get(id), known.has(id)));
            leaving.forEach(([message, from]) => this.#leave(message, from));
        }
        // One sign for each, up to a few; and one in dashes where there is none.
        #ends(signs, letter, count) {
            const many = count > ENDS;
            const wanted = many ? 1 : Math.max(1, count);
            while (signs.children.length > wanted) { signs.lastElementChild.remove(); }
            while (signs.children.length < wanted) { signs.append(element('b')); }
            [...signs.children].forEach(sign => {
                const text = many ? `${letter}×${count}` : letter;
                if (sign.firstChild?.nodeType !== Node.TEXT_NODE) { sign.prepend(text); } else if (sign.firstChild.data !== text) { sign.firstChild.data = text; }
            });
        }
        #message({ id, label = '', redelivered = false }) {
            const message = this.#messages.get(id) ?? element('i', { className: 'flow-message' });
            this.#messages.set(id, message);
            message.textContent = label;
            message.classList.toggle('is-redelivered', redelivered);
            return message;
        }
        // From where it was, or from the producer, to where it is.
        #move(message, from, isKnown) {
            message.getAnimations().forEach(animation => animation.cancel());
            if (from) {
                this.#animate(message, [from]);
            } else if (!isKnown) {
                // Nothing reaches a consumer but through the queue.
                const isInQueue = message.parentElement === this.places.queue;
                this.#animate(message, this.#way(isInQueue));
            }
        }
        // A message that is gone already is seen once more, on its way out.
        #leave(message, from) {
            message.getAnimations().forEach(animation => animation.cancel());
            message.classList.add('is-leaving');
            const signs = this.c.children;
            signs[this.#turn++ % signs.length].append(message);
            const animation = this.#animate(message, from ? [from] : this.#way(false));
            animation.onfinish = animation.oncancel = () => message.remove();
        }
        #way(isToQueue) {
            const ends = [this.p.firstElementChild, ...isToQueue ? [] : [this.places.queue]];
            return ends.map(end => end.getBoundingClientRect());
        }
        // To where it stands now, along the middles of these rectangles.
        #animate(message, path) {
            const middle = ({ x, y, width, height }) => [x + width / 2, y + height / 2];
            const [toX, toY] = middle(message.getBoundingClientRect());
            const frames = path.map(middle).map(([x, y]) => ({ transform: `translate(${x - toX}px, ${y - toY}px)` }));
            return message.animate([...frames, { transform: 'none' }], { duration: MOVE * path.length, easing: 'ease-in-out' });
        }
    };
})();
