// <message-flow>: P → queue → C as a figure with buttons, after a few predictions: each is locked when it is made, and then the
// figure plays what happens.
(() => {
    const { element, say } = FlowDrawing;
    const some = (count, one) => `${count} ${count === 1 ? one : `${one}s`}`;
    const list = messages => messages.map(({ number }) => number);
    const en = messages => `${messages.length === 1 ? 'message' : 'messages'} ${list(messages).join(', ')}`;
    const zh = messages => `消息 ${list(messages).join('、')}`;
    const WORK = 1300; // ms that the consumer takes for a message when nobody looks closer
    const STEP = 1900; // ms between two steps of a play
    const DEMONSTRATION = {
        simple: ['open', 'send', 'close', 'send', 'send', 'open', 'close'],
        closer: ['open', 'finish', 'crash', 'send', 'open', 'finish', 'close'],
    };
    // What the reader predicts: the answers in both languages, what is played after `start`, and which answer that shows.
    const PREDICTIONS = [
        {
            question: ['The producer sends a message, and no consumer is there. What becomes of the message?', '生产者发送一条消息，这时没有消费者。这条消息会怎样？'],
            answers: [['It is lost.', '丢了。'], ['It waits in the queue.', '在队列里等着。'], ['The producer keeps it and tries again.', '生产者留着它，过会儿再发。']],
            start: [], play: ['send'], shown: model => (model.ready.length === 1 ? 1 : 0),
        },
        {
            question: ['The consumer starts first, and the queue is empty. What does it do?', '消费者先启动，队列是空的。它会怎么做？'],
            answers: [['It ends with an error.', '报错退出。'], ['It ends: there is nothing to do.', '没有事做，正常结束。'], ['It waits.', '等着。']],
            start: [], play: ['open', 'send'], shown: model => (model.consumers === 1 && model.received.length === 1 ? 2 : 1),
        },
        {
            question: ['One message waits. A consumer comes and takes it. How many does the queue hold then?', '队列里有一条消息。消费者来取走了它。之后队列里还有几条？'],
            answers: [['None.', '0 条。'], ['One: the consumer has a copy.', '1 条：消费者拿到的是副本。'], ['Two.', '2 条。']],
            start: ['send'], play: ['open'], shown: model => model.ready.length,
        },
    ];

    // All the words that a control can have stand in the same place, so that it keeps its size; one of them is seen.
    const label = (...variants) => {
        const made = element('span', { className: 'flow-label' }, variants.map(words => element('span', {}, say(...words))));
        made.choose = chosen => [...made.children].forEach((variant, i) => variant.classList.toggle('is-chosen', i === chosen));
        made.choose(0);
        return made;
    };
    const button = (text, act, ...more) => {
        const made = element('button', { type: 'button' }, text, ...more);
        made.addEventListener('click', act);
        return made;
    };

    class MessageFlow extends HTMLElement {
        static Model = QueueModel;
        #round = 0;
        #timers = new Set();
        #prediction = 0;

        connectedCallback() {
            if (!this.drawing) {
                this.#build();
            }
        }
        disconnectedCallback() {
            this.#pause();
        }

        #build() {
            this.model = new QueueModel();
            this.drawing = new FlowDrawing('hello');
            const { done, lost } = this.drawing.places;
            const control = (text, act) => button(text, () => { this.#pause(); act(); this.#draw(); });
            this.event = element('p', { className: 'flow-event' });
            this.words = element('p', { className: 'flow-words' });
            this.said = element('div', {}, this.event, this.words);
            this.said.setAttribute('role', 'status');
            this.openLabel = label(['Start the consumer', '启动消费者'], ['Stop the consumer', '关闭消费者']);
            this.playLabel = label(['Play', '播放'], ['Pause', '暂停']);
            this.finishLabel = label(['Get a message done', '处理完一条'], ['Get a message done and acknowledge it', '处理完一条，并确认']);
            this.player = button(this.playLabel, () => (this.#timers.size ? this.#pause() : this.#demonstrate()));
            this.finish = control(this.finishLabel, () => this.#finish());
            this.crash = control(label(['Crash the consumer', '让消费者崩溃']), () => this.#crash());
            this.manual = element('input', { type: 'checkbox' });
            this.manual.addEventListener('click', event => {
                this.#pause();
                if (this.model.setManual(this.manual.checked) === false) {
                    event.preventDefault();
                    this.#tell('When it starts, a consumer says how it acknowledges. Stop it first.', '用哪种方式确认，是消费者启动时说定的。请先关闭消费者。');
                }
                this.#draw();
            });
            this.closer = element('details', { className: 'flow-closer' },
                element('summary', {}, say('Look closer: acknowledgements and crashes', '细看：确认与崩溃')),
                element('p', {}, say(
                    'Now you decide when the consumer is done with a message. A message that waits in the queue is called ready. With automatic acknowledgement the broker deletes a message as soon as it has delivered it. With manual acknowledgement, the consumer acknowledges each message when it is done; until then the broker keeps it, and calls it unacked.',
                    '现在由你决定消费者什么时候处理完一条消息。在队列里等着的消息叫“就绪”（ready）。自动确认：消息代理一投递，就把消息删除。手动确认：消费者处理完一条，确认一条；确认之前，消息代理一直留着它，这样的消息叫“未确认”（unacked）。')),
                element('div', { className: 'flow-controls' }, element('label', {}, this.manual, say('manual acknowledgement', '手动确认')), this.finish, this.crash));
            this.closer.addEventListener('toggle', () => { this.#pause(); this.#draw(); });
            const tray = (place, ...words) => element('span', { className: 'flow-tray' }, element('small', {}, say(...words)), place);
            const trays = element('div', { className: 'flow-trays' }, tray(lost, 'lost', '丢了'), tray(done, 'done', '处理完'));
            trays.setAttribute('aria-hidden', 'true');
            this.drawing.root.append(trays);
            this.predictions = element('div', { className: 'flow-predictions' });
            const live = element('div', { className: 'flow-live' }, this.predictions, this.drawing.root, this.said,
                element('div', { className: 'flow-controls' },
                    control(label(['Send a message', '发送一条消息']), () => this.#send()),
                    control(this.openLabel, () => (this.model.consumers ? this.#close() : this.#open())),
                    control(label(['Start over', '从头再来']), () => this.#again()), this.player), this.closer);
            this.append(live);
            this.#ask();
            this.#again();
            this.#draw();
        }

        // The question of a prediction, its answers to press, and after one is pressed what happens.
        #ask() {
            const { question, answers } = PREDICTIONS[this.#prediction];
            const number = `${this.#prediction + 1} / ${PREDICTIONS.length}`;
            const id = 'flow-prediction';
            const text = element('p', { id, className: 'flow-question' },
                element('span', { className: 'flow-number' }, ...say(`Predict ${number}`, `先猜一猜 ${number}`)), ' ', say(...question));
            this.answers = answers.map((words, i) => {
                const answer = button(element('span', {}, say(...words)), () => this.#predict(i));
                answer.setAttribute('aria-pressed', false);
                return answer;
            });
            this.verdict = element('span', { className: 'flow-verdict' });
            this.verdict.setAttribute('role', 'status');
            this.next = button(label(['Next question', '下一题'], ['Once more from the first', '从第一题再来']), () => {
                this.#pause();
                this.#prediction = (this.#prediction + 1) % PREDICTIONS.length;
                this.#ask();
                this.#again();
                this.#draw();
                this.answers[0].focus();
            });
            this.next.firstChild.choose(this.#prediction === PREDICTIONS.length - 1 ? 1 : 0);
            this.next.classList.add('is-later');
            const group = element('div', { className: 'flow-controls flow-answers' }, this.answers);
            group.setAttribute('role', 'group');
            group.setAttribute('aria-labelledby', id);
            this.predictions.replaceChildren(text, group, element('p', { className: 'flow-after' }, this.verdict, ' ', this.next));
        }
        #predict(chosen) {
            if (this.isLocked()) {
                return;
            }
            this.answers.forEach((answer, i) => {
                answer.setAttribute('aria-pressed', i === chosen);
                answer.setAttribute('aria-disabled', true);
            });
            this.verdict.replaceChildren(...say('Locked. Watch.', '已锁定。请看图。'));
            const { start, play, shown } = PREDICTIONS[this.#prediction];
            this.#again([]);
            start.forEach(act => this.#act(act));
            this.#play(play, () => {
                const right = shown(this.model);
                this.answers[right].classList.add('is-right');
                const [enAnswer, zhAnswer] = PREDICTIONS[this.#prediction].answers[right];
                this.verdict.replaceChildren(...(right === chosen ? say('As you predicted.', '和你猜的一样。')
                    : say(`Not as you predicted: ${enAnswer}`, `和你猜的不一样：${zhAnswer}`)));
                this.next.classList.remove('is-later');
            });
        }
        isLocked() {
            return this.answers.some(answer => answer.getAttribute('aria-disabled') === 'true');
        }

        #send() {
            this.model.send();
            const message = this.model.received.at(-1);
            const { sent } = this.model;
            if (message?.number !== sent) {
                this.#tell(`Message ${sent} waits in the queue: no consumer is there.`, `消息 ${sent} 在队列里等着：现在没有消费者。`);
            } else {
                this.#tellTaken([message], `Message ${sent} goes through the queue to the consumer.`, `消息 ${sent} 经过队列，到了消费者手里。`);
            }
        }
        #open() {
            const waiting = [...this.model.ready];
            this.model.open();
            if (waiting.length) {
                this.#tellTaken(waiting, `The consumer takes what waited: ${en(waiting)}.`, `消费者取走了等着的${zh(waiting)}。`);
            } else {
                this.#tell('The consumer is there and waits for messages.', '消费者来了，正在等消息。');
            }
        }
        #tellTaken(messages, english, chinese) {
            const keeps = this.model.manual
                ? [' Until it acknowledges, the broker keeps what it has delivered.', '在它确认之前，消息代理留着这些消息。']
                : [' The broker has deleted what it has delivered.', '消息一投递，消息代理就把它删除了。'];
            const again = messages.some(message => message.redelivered) ? [' ↩ marks a message that comes a second time.', '带 ↩ 的消息是重新投递的。'] : ['', ''];
            this.#tell(english + (this.closer.open ? keeps[0] : '') + again[0], chinese + (this.closer.open ? keeps[1] : '') + again[1]);
        }
        #close() {
            const { length } = this.model.hands;
            this.model.close();
            this.#tell(length ? 'The consumer has finished what it had in its hands, and left.' : 'The consumer has left.',
                length ? '消费者处理完手里的消息，走了。' : '消费者走了。');
        }
        #finish() {
            const message = this.model.hands[0];
            if (this.model.finish() === false) {
                this.#tell('The consumer has nothing in its hands.', '消费者手里没有消息。');
            } else if (this.model.manual) {
                this.#tell(`Message ${message.number} is done and acknowledged. Now the broker deletes it too.`, `消息 ${message.number} 处理完了，也确认了。现在消息代理才把它删除。`);
            } else {
                this.#tell(`Message ${message.number} is done.`, `消息 ${message.number} 处理完了。`);
            }
        }
        #crash() {
            const { hands, manual } = this.model;
            if (this.model.crash() === false) {
                this.#tell('There is no consumer that could crash.', '现在没有消费者，没有谁会崩溃。');
            } else if (!hands.length) {
                this.#tell('The consumer has crashed. It had nothing in its hands, so nothing is lost.', '消费者崩溃了。它手里没有消息，所以什么也没丢。');
            } else if (manual) {
                this.#tell(`The consumer has crashed before it acknowledged ${en(hands)}. The broker puts back what it kept, in the old place, marked as redelivered (↩).`,
                    `消费者还没确认${zh(hands)}就崩溃了。消息代理把留着的消息放回原来的位置，并标上“重新投递过”（↩）。`);
            } else {
                this.#tell(`The consumer has crashed. The broker had already deleted ${en(hands)}: lost.`, `消费者崩溃了。${zh(hands)}已经投递出去，消息代理没有留着，就这样丢了。`);
            }
        }
        // As in the picture that stands here without this script: two messages wait.
        #again(acts = ['send', 'send']) {
            const { manual } = this.model;
            this.#round++;
            this.model = new QueueModel();
            this.model.setManual(manual);
            acts.forEach(() => this.model.send());
            if (acts.length) {
                this.#tell('Two messages wait. What happens next? Press the buttons.', '两条消息在等。接下来会怎样？按按钮试试。');
            } else {
                this.#tell('The queue is empty, and no consumer is there.', '队列是空的，也没有消费者。');
            }
        }

        #tell(...words) {
            this.event.replaceChildren(...say(...words));
        }
        #draw() {
            const { ready, hands, done, lost, consumers, unacked, manual } = this.model;
            const drawn = all => all.map(({ number, redelivered }) => ({ id: `${this.#round}-${number}`, label: number, redelivered }));
            this.drawing.draw({ queue: drawn(ready), hands: drawn(hands), done: drawn(done.slice(-8)), lost: drawn(lost.slice(-8)) }, { consumers });
            const marked = ready.filter(message => message.redelivered);
            // Only who looks closer has been told what ready and unacked mean.
            this.words.replaceChildren(...(this.closer.open ? say(
                `${ready.length} ready, ${unacked.length} unacked, ${some(consumers, 'consumer')}${marked.length ? `; redelivered: ${en(marked)}` : ''}${lost.length ? `; lost: ${en(lost)}` : ''}`,
                `就绪 ${ready.length}，未确认 ${unacked.length}，消费者 ${consumers}${marked.length ? `；重新投递过：${zh(marked)}` : ''}${lost.length ? `；丢了：${zh(lost)}` : ''}`) : say(
                `${some(ready.length, 'message')} in the queue, ${some(consumers, 'consumer')}`, `队列里 ${ready.length} 条消息，消费者 ${consumers}`)));
            this.manual.checked = manual;
            this.openLabel.choose(consumers ? 1 : 0);
            this.finishLabel.choose(manual ? 1 : 0);
            const off = (control, is) => control.setAttribute('aria-disabled', is); // it keeps the focus, and says why
            off(this.finish, !hands.length);
            off(this.crash, !consumers);
            off(this.manual, Boolean(consumers));
            const playing = this.#timers.size > 0;
            this.playLabel.choose(playing ? 1 : 0);
            this.said.setAttribute('aria-live', playing ? 'off' : 'polite'); // a play would never stop talking
            clearTimeout(this.working);
            if (hands.length && !this.closer.open) {
                this.working = setTimeout(() => { this.model.finish(); this.#draw(); }, WORK);
            }
        }

        #act(name) {
            ({
                send: () => this.#send(), open: () => this.#open(), close: () => this.#close(), finish: () => this.#finish(), crash: () => this.#crash(),
            })[name]();
            this.#draw();
        }
        #demonstrate() {
            this.#again();
            this.#play(this.closer.open ? DEMONSTRATION.closer : DEMONSTRATION.simple);
        }
        #play(acts, then = () => {}) {
            this.#draw();
            [...acts.map(name => () => this.#act(name)), then].forEach((act, i) => {
                const timer = setTimeout(() => { this.#timers.delete(timer); act(); this.#draw(); }, STEP * (i + 1));
                this.#timers.add(timer);
            });
            this.#draw();
        }
        #pause() {
            const wasPlaying = this.#timers.size > 0;
            this.#timers.forEach(clearTimeout);
            this.#timers.clear();
            if (wasPlaying) {
                if (this.isLocked() && !this.answers.some(answer => answer.matches('.is-right'))) {
                    this.verdict.replaceChildren(...say('You have stopped it. Go on, or see for yourself.', '你中途停下了。可以继续，也可以自己试。'));
                    this.next.classList.remove('is-later');
                }
                this.#draw();
            }
        }
    }
    customElements.define('message-flow', MessageFlow);
})();
