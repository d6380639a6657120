// <first-message>: the first page's figure. Its button runs the real `send`, and the message arrives in the drawing; the next
// one runs `receive`. Without the server the same happens as in the recorded runs that stand in the element.
(() => {
    const { element } = FlowDrawing;
    const words = workbookWords.first;
    const SHOWN = 1500; // ms that the received message is looked at before the consumer is stopped
    const RECORDED = 450; // ms between two steps of a recorded run
    const EMPTY = { name: 'hello', ready: 0, unacknowledged: 0, consumers: 0, arrived: 0, delivered: 0 };

    class FirstMessage extends HTMLElement {
        connectedCallback() {
            if (this.runButton) {
                return;
            }
            this.recorded = Object.fromEntries([...this.querySelectorAll('code')].map(({ textContent }) => {
                const [command, ...lines] = textContent.trim().split('\n');
                return [/-p (\S+)/.exec(command)?.[1], { command, lines }];
            }));
            this.flow = element('queue-flow', { className: 'flow flow-first' });
            this.status = element('p', { className: 'first-status', textContent: words.ready });
            this.status.setAttribute('role', 'status');
            this.runButton = element('button', { type: 'button', className: 'first-act', textContent: words.send });
            this.runButton.addEventListener('click', () => this.#next());
            this.output = element('pre', { className: 'first-output', hidden: true, tabIndex: 0 });
            this.output.setAttribute('role', 'log');
            this.output.setAttribute('aria-label', words.recorded);
            this.replaceChildren(this.flow, this.status, this.runButton, this.output);
            this.#show({});
            document.addEventListener('workbook-post', ({ detail: post }) => this.#feed(post));
            document.addEventListener('workbook-output', ({ detail }) => this.#hear(detail));
            document.addEventListener('workbook-ended', ({ detail }) => this.#ended(detail));
            this.#to('ready');
        }

        #to(step) {
            this.dataset.step = step;
            this.runButton.setAttribute('aria-disabled', step === 'sending' || step === 'receiving');
            this.runButton.textContent = { waiting: words.receive, receiving: words.receive, arrived: words.again }[step] ?? words.send;
            this.status.replaceChildren(...[words[step]].flat());
        }
        #next() {
            const step = { ready: 'sending', arrived: 'sending', waiting: 'receiving' }[this.dataset.step];
            if (!step) {
                return;
            }
            this.#to(step);
            const order = { listing: step === 'sending' ? 'send' : 'receive', bar: this, argument: '' };
            const isServed = !this.dispatchEvent(new CustomEvent('workbook-run', { detail: order, bubbles: true, cancelable: true }));
            if (!isServed) {
                this.#replay(order.listing);
                return;
            }
            this.run = null;
            this.printed = '';
            order.started.then(run => { this.run = run; }, error => {
                this.#to(step === 'sending' ? 'ready' : 'waiting');
                this.status.textContent = error.message;
            });
        }
        say() { /* a Run bar says what went wrong; this says it in its own line */ }

        // What the server tells.
        #feed(post) {
            const queue = post.queues.find(({ name }) => name === EMPTY.name) ?? EMPTY;
            this.latest = queue;
            this.flow.show(queue, post.sampled ? null : post.producers);
        }
        #hear({ listing, from, text }) {
            if (this.dataset.step !== 'receiving' || listing !== 'receive' || from !== 'out') {
                return;
            }
            this.printed += text;
            if (this.printed.trimEnd().split('\n').length > 1) { // it has said that it waits, and then what it has received
                this.#to('arrived');
                this.stopping = setTimeout(() => this.run?.stop(), SHOWN);
            }
        }
        #ended({ listing, status }) {
            const { step } = this.dataset;
            if (step === 'sending' && listing === 'send') {
                const isTaken = status === 0 && this.latest?.consumers > 0; // by a consumer that was there already
                this.#to(isTaken ? 'arrived' : status === 0 ? 'waiting' : 'ready');
                if (isTaken) {
                    this.status.textContent = words.taken;
                }
            } else if (step === 'receiving' && listing === 'receive') {
                this.#to('waiting');
            } else {
                return;
            }
            if (status !== 0) {
                this.status.textContent = words.failed;
            }
        }

        // What happened when it was recorded.
        #show(change, producers = []) {
            this.queue = { ...EMPTY, ...this.queue, ...change };
            this.flow.show(this.queue, producers);
        }
        #replay(listing) {
            const { command, lines } = this.recorded[listing] ?? { command: '', lines: [] };
            const print = (...texts) => this.output.append(texts.map(text => `${text}\n`).join(''));
            const { arrived, delivered } = this.queue;
            const steps = listing === 'send' ? [
                () => { this.output.replaceChildren(); this.output.hidden = false; print(command); this.#show({}, ['send']); },
                () => this.#show({ ready: 1, arrived: arrived + 1 }, ['send']),
                () => { print(...lines); this.#show({}); this.#to('waiting'); this.status.append(' ', words.notReal); },
            ] : [
                () => { print(command, lines[0]); this.#show({ consumers: 1, ready: 0, delivered: delivered + 1 }); },
                () => { print(...lines.slice(1, -1)); this.#to('arrived'); this.status.append(' ', words.notReal); },
                () => { print(...lines.slice(-1)); this.#show({ consumers: 0 }); },
            ];
            steps.forEach((step, i) => setTimeout(step, RECORDED * i + (i === 2 && listing === 'receive' ? SHOWN : 0)));
        }
    }
    customElements.define('first-message', FirstMessage);
})();
