// The picture of a topology: parts that can be moved and connected, lines, and messages on their way. It shows what it is told
// and says what the reader does with it; it decides nothing. On a telephone it is turned: messages go down instead of to the right.
Playground.Canvas = class Canvas {
    static WIDTH = 960;
    static HEIGHT = 520;
    static FLIGHT = 420; // ms that a message takes along a line
    static FLYING = 250; // messages that are seen on their way at the same time
    static CELLS = 8; // of a queue's drawing
    static #SIZES = { producer: [30, 30], consumer: [30, 30], exchange: [36, 32], queue: [86, 24] }; // half of width and height

    static #NARROW = 62; // half of a queue's width where the drawing is turned: three of them stand side by side

    #parts = new Map(); // id → { root, … }
    #lines = new Map(); // key of the line → { root, … }
    #topology = { parts: [], lines: [] };
    #flying = 0;

    // `does`: { select(thing), move(id, x, y), connect(from, to), menu keys … }
    constructor(does) {
        this.does = does;
        this.root = Playground.svg('svg', { class: 'play-canvas', role: 'group' });
        this.root.append(Playground.svg('defs', {}, Playground.svg('marker', { id: 'play-tip', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto-start-reverse' }, Playground.svg('path', { d: 'M0 0 8 4 0 8z' }))));
        this.layers = Object.fromEntries(['lines', 'parts', 'flying'].map(name => [name, Playground.svg('g', { class: `play-${name}` })]));
        this.rubber = Playground.svg('path', { class: 'play-rubber', hidden: '' });
        this.layers.flying.setAttribute('aria-hidden', 'true');
        this.root.append(this.layers.lines, this.rubber, this.layers.parts, this.layers.flying);
        this.root.addEventListener('pointerdown', event => event.target === this.root && this.does.select(null));
        // A finger on a part moves the part, not the page.
        this.root.addEventListener('touchstart', event => event.target.closest('.play-part') && event.preventDefault(), { passive: false });
        const narrow = matchMedia('(max-width: 619px)');
        const turn = () => {
            this.isTurned = narrow.matches;
            this.root.setAttribute('viewBox', `0 0 ${this.#turned([Canvas.WIDTH, Canvas.HEIGHT]).join(' ')}`);
            [...this.#parts.values(), ...this.#lines.values()].forEach(({ root }) => root.remove());
            this.#parts.clear();
            this.#lines.clear();
        };
        turn();
        narrow.addEventListener('change', () => {
            turn();
            this.does.turned();
        });
    }
    #size({ is }) {
        const [w, h] = Canvas.#SIZES[is];
        return [this.isTurned && is === 'queue' ? Canvas.#NARROW : w, h];
    }
    // From a place of the topology to one of the drawing, and back.
    #turned([x, y]) { return this.isTurned ? [y, x] : [x, y]; }
    #spot({ x, y }) { return this.#turned([x, y]); }

    // Draws a topology, keeping the elements of what stays.
    show(topology, selected) {
        this.#topology = topology;
        const ids = new Set(topology.parts.map(({ id }) => id));
        this.#parts.forEach(({ root }, id) => { if (!ids.has(id)) { root.remove(); this.#parts.delete(id); } });
        for (const part of topology.parts) {
            const drawn = this.#parts.get(part.id)?.is === part.is ? this.#parts.get(part.id) : this.#makePart(part);
            drawn.root.setAttribute('transform', `translate(${this.#spot(part).join(' ')})`);
            drawn.name.textContent = part.name;
            drawn.sign.textContent = { producer: 'P', consumer: 'C', exchange: { direct: 'direct', fanout: 'fanout', topic: 'topic', headers: 'headers' }[part.type] }[part.is] ?? '';
            drawn.root.classList.toggle('is-selected', selected === part.id);
        }
        const known = new Set();
        const drawLine = (key, from, to, label, kind) => {
            known.add(key);
            const drawn = this.#lines.get(key) ?? this.#makeLine(key);
            const [start, end] = this.#ends(from, to);
            const bow = kind === 'dead' ? 60 : 0; // a dead letter's way leaves the straight one alone
            const [aside, down] = this.#turned([0, bow]);
            const middle = [(start[0] + end[0]) / 2 + aside, (start[1] + end[1]) / 2 + down];
            const d = `M${start} Q${[middle[0] + aside / 2, middle[1] + down / 2]} ${end}`;
            drawn.path.setAttribute('d', d);
            drawn.touch.setAttribute('d', d);
            drawn.label.textContent = label;
            drawn.label.setAttribute('x', middle[0]);
            drawn.label.setAttribute('y', middle[1] - 6 + down / 4);
            drawn.root.setAttribute('class', `play-line is-${kind}${selected === key ? ' is-selected' : ''}`);
            drawn.root.setAttribute('aria-label', `${from.name} → ${to.name}${label ? `: ${label}` : ''}`);
            if (kind === 'dead') { drawn.root.removeAttribute('tabindex'); drawn.root.removeAttribute('role'); }
        };
        for (const line of topology.lines) {
            const [from, to] = [line.from, line.to].map(id => topology.parts.find(part => part.id === id));
            const label = to.is === 'consumer' || from.is === 'producer' && to.is === 'queue' ? '' : [line.key, Playground.pairs(line.is === undefined && from.is === 'producer' ? line.headers : line.arguments)].filter(Boolean).join(' ');
            drawLine(Playground.lineKey(line), from, to, label, 'plain');
        }
        // Where a queue's dead letters go, and what an exchange can't route: these are arguments, and drawn as lines.
        for (const part of topology.parts) {
            const given = part.arguments ?? {};
            const target = given[part.is === 'queue' ? 'x-dead-letter-exchange' : 'alternate-exchange'];
            const to = target === undefined ? null : topology.parts.find(({ is, name }) => is === (target === '' ? 'queue' : 'exchange') && name === (target === '' ? given['x-dead-letter-routing-key'] : target));
            if (to && to !== part) {
                drawLine(`dead ${part.id}`, part, to, part.is === 'queue' ? Playground.say('dead letters', '死信') : Playground.say('unroutable', '无法路由'), 'dead');
            }
        }
        this.#lines.forEach(({ root }, key) => { if (!known.has(key)) { root.remove(); this.#lines.delete(key); } });
    }

    // The numbers and states: `states` has for each part's id { label, state, ready, unacked, messages, hand }.
    tell(states) {
        for (const [id, drawn] of this.#parts) {
            const told = states.get(id) ?? {};
            const { label = '', title = '', state = '', ready = 0, isBusy = false, heads = [] } = told;
            const now = [label, title, state, ready, isBusy, heads.slice(0, Canvas.CELLS).map(({ redelivered }) => redelivered)].join();
            if (drawn.told === now) {
                continue; // a browser would draw it anew
            }
            drawn.told = now;
            ['down', 'frozen', 'blocked'].forEach(one => drawn.root.classList.toggle(`is-${one}`, state === one));
            drawn.root.classList.toggle('is-busy', isBusy);
            // Where there is little room, each number has a line of its own.
            const lines = this.isTurned ? label.split(', ') : [label];
            drawn.count.replaceChildren(...lines.map((text, i) => Playground.svg('tspan', i ? { x: drawn.count.getAttribute('x') ?? 0, dy: '1.15em' } : {}, text)));
            drawn.root.setAttribute('aria-label', title);
            drawn.cells?.forEach((cell, i) => {
                cell.classList.toggle('is-full', i < ready);
                cell.classList.toggle('is-redelivered', Boolean(heads[i]?.redelivered));
            });
        }
    }

    // A message flies along these parts, after `delay` ms. `end` says how it ends: '' or `lost`.
    fly(ids, { delay = 0, isLost = false, isDead = false } = {}) {
        const points = ids.map(id => this.#topology.parts.find(part => part.id === id)).filter(Boolean).map(part => this.#spot(part));
        if (points.length < 2 && !isLost || this.#flying >= Canvas.FLYING || matchMedia('(prefers-reduced-motion: reduce)').matches || document.hidden) {
            return 0;
        }
        if (isLost) {
            const [x, y] = points.at(-1);
            points.push([x + 12, y + 110]);
        }
        this.#flying++;
        const token = Playground.svg('rect', { class: `play-token${isDead ? ' is-dead' : ''}`, x: -11, y: -7, width: 22, height: 14, rx: 2 });
        const duration = Canvas.FLIGHT * (points.length - 1);
        token.style.transform = `translate(${points[0][0]}px, ${points[0][1]}px)`;
        this.layers.flying.append(token);
        const frames = points.map(([x, y], i) => ({ transform: `translate(${x}px, ${y}px)`, opacity: isLost && i === points.length - 1 ? 0 : 1 }));
        const flight = token.animate(frames, { duration, delay, fill: 'backwards', easing: 'linear' });
        flight.onfinish = flight.oncancel = () => { this.#flying--; token.remove(); };
        return duration;
    }
    clearFlights() {
        [...this.layers.flying.children].forEach(token => token.getAnimations().forEach(flight => flight.cancel()));
    }
    focus(id) { (this.#parts.get(id) ?? this.#lines.get(id))?.root.focus(); }

    // From border to border.
    #ends(from, to) {
        const border = (part, other) => {
            const [w, h] = this.#size(part);
            const [[x, y], [otherX, otherY]] = [part, other].map(one => this.#spot(one));
            const [dx, dy] = [otherX - x, otherY - y];
            const isRound = part.is === 'producer' || part.is === 'consumer';
            const scale = isRound ? (w + 3) / (Math.hypot(dx, dy) || 1)
                : Math.min(dx ? (w + 3) / Math.abs(dx) : Infinity, dy ? (h + 3) / Math.abs(dy) : Infinity, 1);
            return [x + dx * scale, y + dy * scale].map(Math.round);
        };
        return [border(from, to), border(to, from)];
    }

    #makePart(part) {
        const { svg } = Playground;
        const [w, h] = this.#size(part);
        // A group, and no button: its name says more than its texts, which change all the time.
        const root = svg('g', { class: `play-part is-${part.is}`, tabindex: 0, role: 'group', 'data-id': part.id });
        const drawn = { is: part.is, root, cells: null };
        if (part.is === 'queue') {
            root.append(svg('rect', { class: 'play-shape', x: -w, y: -h, width: 2 * w, height: 2 * h, rx: 3 }));
            const width = 2 * w / Canvas.CELLS;
            drawn.cells = Array.from({ length: Canvas.CELLS }, (_, i) => { // the head is on the right, where messages leave
                const cell = svg('rect', { class: 'play-cell', x: w - (i + 1) * width + 3, y: -9, width: width - 6, height: 18, rx: 2 });
                root.append(cell);
                return cell;
            });
        } else if (part.is === 'exchange') {
            root.append(svg('path', { class: 'play-shape', d: `M${-w} 0 ${-w + 14} ${-h}H${w - 14}L${w} 0 ${w - 14} ${h}H${-w + 14}z` }));
        } else {
            root.append(svg('circle', { class: 'play-shape', r: w }));
        }
        drawn.sign = svg('text', { class: 'play-sign', y: 5, 'aria-hidden': true });
        drawn.name = svg('text', { class: 'play-name', y: -h - 10, 'aria-hidden': true });
        drawn.count = svg('text', { class: 'play-count', y: h + 18, 'aria-hidden': true });
        // From this handle a line is drawn to another part.
        if (part.is !== 'consumer') {
            const out = (this.isTurned ? h : w) + 8;
            const at = distance => (this.isTurned ? { cy: distance } : { cx: distance });
            // What a finger can hit is larger than what is seen.
            root.append(svg('circle', { class: 'play-grip', ...at(out + 14), r: this.isTurned ? 37 : 22 }), svg('circle', { class: 'play-handle', ...at(out), r: this.isTurned ? 12 : 8 }));
        }
        if (this.isTurned && part.is !== 'consumer') { // lines go through the middle
            const beside = { producer: [w + 10, 6], exchange: [w + 10, 6], queue: [-w, h + 22] }[part.is];
            const texts = { producer: [drawn.count], exchange: [drawn.name], queue: [drawn.name, drawn.count] }[part.is];
            texts.forEach(text => { text.setAttribute('x', beside[0]); text.classList.add('is-beside'); });
            (part.is === 'exchange' ? drawn.name : drawn.count).setAttribute('y', beside[1]);
        }
        root.append(drawn.sign, drawn.name, drawn.count);
        root.addEventListener('pointerdown', event => this.#press(event, part.id, event.target.matches('.play-handle, .play-grip')));
        root.addEventListener('keydown', event => this.#key(event, part.id));
        root.addEventListener('focus', () => this.does.focus?.(part.id));
        this.layers.parts.append(root);
        this.#parts.get(part.id)?.root.remove();
        this.#parts.set(part.id, drawn);
        return drawn;
    }
    #makeLine(key) {
        const { svg } = Playground;
        const drawn = { root: svg('g', { tabindex: 0, role: 'button' }), touch: svg('path', { class: 'play-touch' }), path: svg('path', { class: 'play-way', 'marker-end': 'url(#play-tip)' }), label: svg('text', { class: 'play-key' }) };
        drawn.root.append(drawn.touch, drawn.path, drawn.label);
        drawn.root.addEventListener('click', () => key.startsWith('dead ') || this.does.select(key));
        drawn.root.addEventListener('keydown', event => key.startsWith('dead ') || this.#key(event, key));
        this.layers.lines.append(drawn.root);
        this.#lines.set(key, drawn);
        return drawn;
    }
    #key(event, id) {
        const steps = { ArrowLeft: [-20, 0], ArrowRight: [20, 0], ArrowUp: [0, -20], ArrowDown: [0, 20] };
        const part = this.#topology.parts.find(({ id: own }) => own === id);
        if (event.key === 'Enter' || event.key === ' ') {
            this.does.select(id, true);
        } else if (event.key === 'Delete' || event.key === 'Backspace') {
            this.does.remove(id);
        } else if (steps[event.key] && part) {
            const [right, down] = this.#turned(steps[event.key]);
            this.does.move(id, ...Canvas.inside(part.x + right, part.y + down));
            this.does.moved();
        } else {
            return;
        }
        event.preventDefault();
        event.stopPropagation();
    }
    static inside(x, y) {
        return [Math.round(Math.min(Math.max(x, 90), Canvas.WIDTH - 90)), Math.round(Math.min(Math.max(y, 50), Canvas.HEIGHT - 50))];
    }
    // Where the pointer is, as the topology counts.
    #at({ clientX, clientY }) {
        const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(this.root.getScreenCTM().inverse());
        return this.#turned([x, y]);
    }
    #press(event, id, isHandle) {
        if (event.button !== 0) {
            return;
        }
        event.preventDefault();
        const { root } = this.#parts.get(id);
        const part = this.#topology.parts.find(({ id: own }) => own === id);
        const [startX, startY] = this.#at(event);
        const offset = [part.x - startX, part.y - startY];
        let hasMoved = false;
        root.setPointerCapture(event.pointerId);
        const move = moved => {
            const [x, y] = this.#at(moved);
            hasMoved ||= Math.hypot(x - startX, y - startY) > 5;
            if (!hasMoved) {
                return;
            }
            if (isHandle) {
                this.rubber.removeAttribute('hidden');
                this.rubber.setAttribute('d', `M${this.#spot(part)}L${this.#turned([x, y])}`);
                const over = this.#partAt(x, y);
                this.#parts.forEach(({ root: other }, otherId) => other.classList.toggle('is-target', over === otherId && this.does.mayConnect(id, otherId)));
            } else {
                this.does.move(id, ...Canvas.inside(x + offset[0], y + offset[1]));
            }
        };
        const end = ended => {
            ['pointermove', 'pointerup', 'pointercancel'].forEach(name => root.removeEventListener(name, name === 'pointermove' ? move : end));
            this.rubber.setAttribute('hidden', '');
            this.#parts.forEach(({ root: other }) => other.classList.remove('is-target'));
            if (!hasMoved) {
                this.does.select(id);
                root.focus({ preventScroll: true });
            } else if (!isHandle) {
                this.does.moved();
            } else if (ended.type === 'pointerup') {
                const to = this.#partAt(...this.#at(ended));
                if (to && to !== id) {
                    this.does.connect(id, to);
                }
            }
        };
        root.addEventListener('pointermove', move);
        root.addEventListener('pointerup', end);
        root.addEventListener('pointercancel', end);
    }
    #partAt(x, y) {
        return this.#topology.parts.findLast(part => {
            const [w, h] = this.#turned(this.#size(part));
            return Math.abs(part.x - x) <= w + 14 && Math.abs(part.y - y) <= h + 14;
        })?.id;
    }
};
