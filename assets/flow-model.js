// The rules of the figures, without a drawing: what a broker does with one queue and one consumer, which takes as many messages
// as it can get. workbook/tests/figure.rs holds them against the post office and RabbitMQ. A method returns false where there is
// nothing to do.
class QueueModel {
    constructor() {
        this.manual = false; // how the consumer acknowledges; it says so when it starts
        this.sent = 0;
        this.consumers = 0;
        this.ready = []; // messages, as { number, redelivered }; the first one is next
        this.hands = []; // with the consumer, not done yet
        this.received = []; // every delivery, in order
        this.done = [];
        this.lost = [];
    }
    get unacked() { return this.manual ? this.hands : []; } // otherwise the broker has deleted them already
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
    // The consumer has done what one message asks for; by hand, it acknowledges it now.
    finish() {
        if (!this.hands.length) { return false; }
        this.done.push(this.hands.shift());
    }
    crash() {
        if (!this.consumers) { return false; }
        if (this.manual) {
            this.hands.forEach(message => { message.redelivered = true; });
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
            const message = this.ready.shift();
            this.hands.push(message);
            this.received.push({ ...message });
        }
    }
}
