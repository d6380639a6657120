// Puzzles: a topology that does not do what is wanted, and a script that shows it. Whether a puzzle is solved is judged by
// playing its script on the broker and looking at what came of it.
Playground.puzzles = (() => {
    const { say } = Playground;
    const place = (is, id, x, y, more) => ({ id, is, x, y, name: id, ...more });
    const P = (id, y = 260, more = {}) => place('producer', id, 120, y, { body: 'order {n}', rate: 0, persistent: true, ...more });
    const X = (id, type, y = 260, more = {}) => place('exchange', id, 340, y, { type, durable: true, ...more });
    const Q = (id, y = 260, more = {}) => place('queue', id, 560, y, { durable: true, ...more });
    const C = (id, y = 260, more = {}) => place('consumer', id, 830, y, { prefetch: 1, acks: 'manual', seconds: 1, poison: 'ack', ...more });
    const line = (from, to, more = {}) => ({ from, to, ...more });
    // `count` publishes of a producer, from `at` on, `every` ms one.
    const orders = (part, count, at = 0, every = 0, more = {}) => Array.from({ length: count }, (_, i) => ({ at: at + i * every, act: 'publish', part, ...more }));

    const done = (sim, id) => sim.consumers.get(id)?.done ?? [];
    const allDone = sim => [...sim.consumers.values()].flatMap(consumer => consumer.done);
    const waiting = (view, queue) => view.queues.find(({ name }) => name === queue)?.messages.map(({ body }) => body) ?? [];
    const numbered = (count, word = 'order') => Array.from({ length: count }, (_, i) => `${word} ${i + 1}`);
    const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
    // What is wrong with who did what: something missing, or done twice.
    const eachOnce = (found, wanted) => {
        const missing = wanted.filter(body => !found.includes(body));
        const twice = wanted.filter(body => found.indexOf(body) !== found.lastIndexOf(body));
        return missing.length ? [`not done: ${missing.join(', ')}`, `没有处理：${missing.join('、')}`] : twice.length ? [`done twice: ${twice.join(', ')}`, `处理了两次：${twice.join('、')}`] : null;
    };
    const first = (...checks) => checks.find(Boolean) ?? null;

    return [
        {
            name: 'arrive', page: 'basic/model.html',
            title: ['Let the message arrive', '让消息到达'],
            task: ['All the parts are here, but nothing is connected. Get the order to the packer: draw a line from the dot at the producer’s side to the queue, and from the queue to the consumer.', '东西都齐了，只是没有连起来。从生产者旁边的小圆点拖一条线到队列，再从队列拖一条线到消费者，让订单送到打包员手里。'],
            hint: ['A producer publishes to a queue, a queue delivers to a consumer.', '生产者把消息发布到队列，队列把消息投递给消费者。'],
            start: { parts: [P('shop'), Q('orders'), C('packer')], lines: [] },
            script: orders('shop', 1, 100), until: 3000,
            goal: sim => eachOnce(done(sim, 'packer'), ['order 1']),
            solution: { lines: [line('shop', 'orders'), line('orders', 'packer')] },
        },
        {
            name: 'between', page: 'basic/broker.html',
            title: ['Something in between', '中间少了什么'],
            task: ['The shop is open from the first second on, and the packer comes at the fourth. Two programs that run at different times need something in between.', '网店从第一秒就开门，打包员第四秒才来。两个不同时运行的程序，中间需要一样东西。'],
            hint: ['Add a queue: it keeps messages until somebody takes them.', '添加一个队列：它替人保管消息，直到有人来取。'],
            start: { parts: [P('shop'), C('packer')], lines: [] }, gives: { queue: 1 },
            script: [{ at: 0, act: 'kill', part: 'packer' }, ...orders('shop', 3, 1000, 500), { at: 4000, act: 'start', part: 'packer' }], until: 9000,
            goal: sim => eachOnce(done(sim, 'packer'), numbered(3)),
            solution: { parts: [Q('q1')], lines: [line('shop', 'q1'), line('q1', 'packer')] },
        },
        {
            name: 'share', page: 'patterns/work-queues.html',
            title: ['Six orders, three seconds', '六个订单，三秒钟'],
            task: ['One packer takes a second for each order. Get six orders packed within three and a half seconds.', '一个打包员打包一个订单要一秒。让六个订单在三秒半之内打包好。'],
            hint: ['Several consumers of one queue share its messages.', '同一个队列的多个消费者会分担队列里的消息。'],
            start: { parts: [P('shop'), Q('orders'), C('packer')], lines: [line('shop', 'orders'), line('orders', 'packer')] }, gives: { consumer: 1 },
            script: orders('shop', 6, 0), until: 3500,
            goal: sim => eachOnce(allDone(sim), numbered(6)),
            solution: { parts: [C('c1', 380)], lines: [line('orders', 'c1')] },
        },
        {
            name: 'greedy', page: 'patterns/prefetch.html', free: ['anna.prefetch', 'bert.prefetch'],
            title: ['The first takes it all', '先来的全拿走了'],
            task: ['Anna starts first; by the time Bert comes, she holds the whole backlog. Get all eight orders packed within six seconds.', '安娜先开始；等伯特来的时候，积压的订单已经全到了安娜手里。让八个订单在六秒之内打包好。'],
            hint: ['How many unacknowledged messages may a consumer hold?', '一个消费者最多可以持有多少条未确认的消息？'],
            start: { parts: [P('shop'), Q('orders'), C('anna', 170, { prefetch: 0 }), C('bert', 350, { prefetch: 0 })], lines: [line('shop', 'orders'), line('orders', 'anna'), line('orders', 'bert')] },
            script: [{ at: 0, act: 'kill', part: 'bert' }, ...orders('shop', 8, 0), { at: 1000, act: 'start', part: 'bert' }], until: 6000,
            goal: sim => eachOnce(allDone(sim), numbered(8)),
            solution: { edits: [['anna', 'prefetch', 1], ['bert', 'prefetch', 1]] },
        },
        {
            name: 'killed', page: 'patterns/acknowledge.html', free: ['anna.acks', 'bert.acks', 'anna.prefetch', 'bert.prefetch'],
            title: ['No order may be lost though Anna dies', '安娜崩溃了，订单一个也不能丢'],
            task: ['Anna is killed in the middle of her work. Whatever she was holding must be packed by Bert.', '安娜干到一半，进程被强行结束。她手里的订单应该由伯特来打包。'],
            hint: ['With automatic acknowledgement the broker deletes a message as soon as it has sent it.', '自动确认时，消息代理一发出消息就把它删掉。'],
            start: { parts: [P('shop'), Q('orders'), C('anna', 170, { acks: 'auto' }), C('bert', 350, { acks: 'auto' })], lines: [line('shop', 'orders'), line('orders', 'anna'), line('orders', 'bert')] },
            script: [...orders('shop', 6, 0), { at: 1500, act: 'kill', part: 'anna' }], until: 12000,
            goal: sim => eachOnce(allDone(sim), numbered(6)),
            solution: { edits: [['anna', 'acks', 'manual'], ['bert', 'acks', 'manual']] },
        },
        {
            name: 'forgotten', page: 'patterns/acknowledge.html', free: ['packer.acks'],
            title: ['Packed twice', '打包了两次'],
            task: ['The packer leaves in the evening and comes back the next morning; and packs yesterday’s orders again.', '打包员晚上下班，第二天早上回来，又把昨天的订单打包了一遍。'],
            hint: ['What tells the broker that an order is done?', '消息代理怎样才知道一个订单已经处理完了？'],
            start: { parts: [P('shop'), Q('orders'), C('packer', 260, { acks: 'never', prefetch: 0 })], lines: [line('shop', 'orders'), line('orders', 'packer')] },
            script: [...orders('shop', 3, 0), { at: 5000, act: 'leave', part: 'packer' }, { at: 6000, act: 'start', part: 'packer' }, ...orders('shop', 1, 7000)], until: 14000,
            goal: sim => eachOnce(done(sim, 'packer'), numbered(4)),
            solution: { edits: [['packer', 'acks', 'manual']] },
        },
        {
            name: 'frozen', page: 'patterns/prefetch.html', free: ['anna.prefetch', 'bert.prefetch'],
            title: ['Anna hangs', '安娜卡住了'],
            task: ['Anna hangs, with her connection open, so nobody takes her orders from her. At most one order may hang with her; Bert must pack the other nine.', '安娜卡住了，连接却没断，所以没有人会把她手里的订单收回来。卡在她那里的订单最多只能有一个，其余九个由伯特打包。'],
            hint: ['What a consumer holds can’t go to another one.', '一个消费者手里的消息，别的消费者拿不到。'],
            start: { parts: [P('shop'), Q('orders'), C('anna', 170, { prefetch: 5 }), C('bert', 350, { prefetch: 5 })], lines: [line('shop', 'orders'), line('orders', 'anna'), line('orders', 'bert')] },
            script: [...orders('shop', 10, 0), { at: 500, act: 'freeze', part: 'anna' }], until: 15000,
            goal: sim => done(sim, 'bert').length >= 9 ? null : [`Bert packed ${done(sim, 'bert').length} of 9`, `伯特打包了 ${done(sim, 'bert').length} 个，应该有 9 个`],
            solution: { edits: [['anna', 'prefetch', 1], ['bert', 'prefetch', 1]] },
        },
        {
            name: 'power', page: 'patterns/durable.html', free: ['shop.persistent', 'orders.durable'],
            title: ['A power failure', '突然断电'],
            task: ['The broker crashes while three orders wait, and comes back. The orders must still be there.', '三个订单在队列里等着，消息代理崩溃了，又重新启动。订单应该还在。'],
            hint: ['The queue is durable. What about the messages?', '队列是持久化的，消息呢？'],
            start: { parts: [P('shop', 260, { persistent: false }), Q('orders'), C('packer')], lines: [line('shop', 'orders'), line('orders', 'packer')] },
            script: [{ at: 0, act: 'kill', part: 'packer' }, ...orders('shop', 3, 100), { at: 1000, act: 'crash' }, { at: 2000, act: 'up' }], until: 8000,
            goal: sim => eachOnce(done(sim, 'packer'), numbered(3)),
            solution: { edits: [['shop', 'persistent', true]] },
        },
        {
            name: 'everybody', page: 'patterns/publish-subscribe.html',
            title: ['Paid, and everybody hears of it', '付款了，大家都要知道'],
            task: ['The warehouse, the points and the statistics must each get every notice. As it stands, each notice reaches only one of them.', '仓库、积分、统计，每个都要收到每一条付款通知。现在每条通知只有其中一个能收到。'],
            hint: ['One queue for each, and an exchange that copies to all of them. The producer’s line to the old queue has to go.', '一家一个队列，再用一个交换机把消息复制给每个队列。生产者连到旧队列的那条线要去掉。'],
            start: { parts: [P('payments', 260, { body: 'paid {n}' }), Q('notices', 120), C('warehouse', 120), C('points', 260), C('statistics', 400)], lines: [line('payments', 'notices'), line('notices', 'warehouse'), line('notices', 'points'), line('notices', 'statistics')] }, gives: { exchange: 1, queue: 2 },
            script: orders('payments', 3, 100, 100), until: 8000,
            goal: sim => ['warehouse', 'points', 'statistics'].map(id => {
                const wrong = eachOnce(done(sim, id), numbered(3, 'paid'));
                return wrong && [`${id}: ${wrong[0]}`, `${id}：${wrong[1]}`];
            }).find(Boolean) ?? null,
            solution: { without: ['payments notices ', 'notices points ', 'notices statistics '], parts: [X('x1', 'fanout'), Q('q1', 260), Q('q2', 400)], lines: [line('payments', 'x1', { key: '' }), line('x1', 'notices', { key: '' }), line('x1', 'q1', { key: '' }), line('x1', 'q2', { key: '' }), line('q1', 'points'), line('q2', 'statistics')] },
        },
        {
            name: 'errors', page: 'patterns/routing.html',
            title: ['Only errors wake somebody up', '只有错误才叫醒人'],
            task: ['The archive wants both errors and information. The pager must get errors only.', '归档要收到两种日志：error 和 info。叫醒人的寻呼机只收 error。'],
            hint: ['A queue may be bound several times, each time with another key.', '一个队列可以绑定好几次，每次用不同的路由键。'],
            start: { parts: [P('failures', 170, { body: 'error {n}' }), P('news', 350, { body: 'info {n}' }), X('logs', 'direct'), Q('archive', 170), Q('alarms', 350), C('disk', 170, { seconds: 0.1 }), C('pager', 350, { seconds: 0.1 })],
                lines: [line('failures', 'logs', { key: 'error' }), line('news', 'logs', { key: 'info' }), line('archive', 'disk'), line('alarms', 'pager')] },
            script: [...orders('failures', 2, 0, 100), ...orders('news', 2, 50, 100)], until: 3000,
            goal: sim => first(eachOnce(done(sim, 'disk'), ['error 1', 'error 2', 'info 1', 'info 2']), eachOnce(done(sim, 'pager'), ['error 1', 'error 2']), done(sim, 'pager').some(body => body.startsWith('info')) && ['the pager rang for an information', '一条 info 也叫醒了人']),
            solution: { lines: [line('logs', 'archive', { key: 'error' }), line('logs', 'archive', { key: 'info' }), line('logs', 'alarms', { key: 'error' })] },
        },
        {
            name: 'shanghai', page: 'patterns/topics.html',
            title: ['All that happens in Shanghai', '上海的事都要知道'],
            task: ['Keys look like order.paid.shanghai. The office in Shanghai wants whatever happens to an order in Shanghai, and nothing else. One binding is enough.', '路由键的样子是 order.paid.shanghai。上海办事处想知道上海的订单发生的每一件事，别的都不要。一条绑定就够了。'],
            hint: ['* stands for one word.', '* 代表一个词。'], most: { lines: 1 },
            start: { parts: [P('paid', 110, { body: 'paid in shanghai' }), P('sent', 260, { body: 'sent in shanghai' }), P('beijing', 410, { body: 'paid in beijing' }), X('events', 'topic'), Q('shanghai'), C('office', 260, { seconds: 0.1 })],
                lines: [line('paid', 'events', { key: 'order.paid.shanghai' }), line('sent', 'events', { key: 'order.sent.shanghai' }), line('beijing', 'events', { key: 'order.paid.beijing' }), line('shanghai', 'office')] },
            script: [...orders('paid', 1), ...orders('sent', 1, 10), ...orders('beijing', 1, 20)], until: 2000,
            goal: sim => first(eachOnce(done(sim, 'office'), ['paid in shanghai', 'sent in shanghai']), done(sim, 'office').includes('paid in beijing') && ['the office got what happened in Beijing', '北京的事也送来了']),
            solution: { lines: [line('events', 'shanghai', { key: 'order.*.shanghai' })] },
        },
        {
            name: 'nobody', page: 'patterns/routing.html', free: ['logs.arguments.alternate-exchange'],
            title: ['What nobody wants', '没人要的消息'],
            task: ['Somebody has misspelt a key. The message is dropped and nobody knows. Keep whatever no binding wants in a queue; what is wanted must not land there.', '有人把路由键拼错了，消息被丢掉，谁也不知道。凡是没有绑定要的消息，都要留在一个队列里；有人要的不能进去。'],
            hint: ['An exchange has an argument that names another exchange for what it can’t route. A fanout asks for no key.', '交换机有一个参数，指定把无法路由的消息交给另一个交换机。fanout 不看路由键。'],
            start: { parts: [P('app', 170, { body: 'error {n}' }), P('typo', 350, { body: 'misspelt {n}' }), X('logs', 'direct', 170), Q('errors', 170), C('pager', 170, { seconds: 0.1 })], lines: [line('app', 'logs', { key: 'error' }), line('typo', 'logs', { key: 'eror' }), line('logs', 'errors', { key: 'error' }), line('errors', 'pager')] },
            gives: { exchange: 1, queue: 1 },
            script: [...orders('app', 2, 0, 100), ...orders('typo', 2, 50, 100)], until: 2000,
            goal: (sim, view) => {
                const kept = view.queues.filter(({ name }) => name !== 'errors').flatMap(({ name }) => waiting(view, name));
                return first(eachOnce(kept, ['misspelt 1', 'misspelt 2']), kept.some(body => body.startsWith('error')) && ['the new queue holds what was wanted, too', '新队列里也有别人要的消息'], eachOnce(done(sim, 'pager'), ['error 1', 'error 2']));
            },
            solution: { parts: [X('x1', 'fanout', 400), Q('q1', 400)], lines: [line('x1', 'q1', { key: '' })], edits: [['logs', 'arguments.alternate-exchange', 'x1']] },
        },
        {
            name: 'poison', page: 'basic/get.html#nack', free: ['packer.poison', 'orders.arguments.x-dead-letter-exchange', 'orders.arguments.x-dead-letter-routing-key'],
            title: ['The same order again and again', '同一个订单，没完没了'],
            task: ['One order can’t be packed. Put back, it comes again at once, and the others wait for ever. Get the good ones packed, and keep the bad one in a queue where somebody can look at it.', '有一个订单没法打包。放回队列，它马上又来，别的订单一直等着。让好订单都打包完，坏订单留在一个队列里，等人来看。'],
            hint: ['Reject it. A queue can name an exchange for what is rejected.', '拒绝它。队列可以指定一个交换机，接收被拒绝的消息。'],
            start: { parts: [P('shop'), Q('orders'), C('packer', 260, { poison: 'requeue' })], lines: [line('shop', 'orders'), line('orders', 'packer')] }, gives: { exchange: 1, queue: 1 },
            script: [...orders('shop', 1, 0, 0, { body: 'poison' }), ...orders('shop', 3, 100, 100)], until: 8000,
            goal: (sim, view) => first(eachOnce(done(sim, 'packer'), ['order 2', 'order 3', 'order 4']), eachOnce(view.queues.filter(({ name }) => name !== 'orders').flatMap(({ name }) => waiting(view, name)), ['poison'])),
            solution: { parts: [X('x1', 'fanout', 400), Q('q1', 400)], lines: [line('x1', 'q1', { key: '' })], edits: [['packer', 'poison', 'reject'], ['orders', 'arguments.x-dead-letter-exchange', 'x1']] },
        },
        {
            name: 'deadly', page: 'patterns/durable.html#quorum', free: ['orders.arguments.x-queue-type', 'orders.arguments.x-delivery-limit', 'orders.arguments.x-dead-letter-exchange', 'orders.arguments.x-dead-letter-routing-key'],
            title: ['An order that kills', '致命的订单'],
            task: ['The packer dies of one order, is started again, and gets it again. Nobody can change the packer today. Get the good orders packed all the same, and keep the deadly one.', '打包员一碰到某个订单就崩溃，重启以后又拿到它。打包员的程序今天谁也改不了。让好订单照样打包完，致命的那个留下来。'],
            hint: ['A quorum queue counts how often it has delivered a message, and can have a limit.', 'quorum 队列会数一条消息投递了多少次，还可以设上限。'],
            start: { parts: [P('shop'), Q('orders'), C('packer', 260, { poison: 'die', restarts: true, seconds: 0.5 })], lines: [line('shop', 'orders'), line('orders', 'packer')] }, gives: { exchange: 1, queue: 1 },
            script: [...orders('shop', 1, 0, 0, { body: 'poison' }), ...orders('shop', 3, 100, 100)], until: 15000,
            goal: (sim, view) => first(eachOnce(done(sim, 'packer'), ['order 2', 'order 3', 'order 4']), eachOnce(view.queues.filter(({ name }) => name !== 'orders').flatMap(({ name }) => waiting(view, name)), ['poison'])),
            solution: { parts: [X('x1', 'fanout', 400), Q('q1', 400)], lines: [line('x1', 'q1', { key: '' })], edits: [['orders', 'arguments.x-queue-type', 'quorum'], ['orders', 'arguments.x-delivery-limit', 2], ['orders', 'arguments.x-dead-letter-exchange', 'x1']] },
        },
        {
            name: 'unpaid', page: 'glossary.html', free: ['unpaid.arguments.x-message-ttl', 'unpaid.arguments.x-dead-letter-exchange', 'unpaid.arguments.x-dead-letter-routing-key'],
            title: ['Unpaid orders are cancelled', '超时未支付，自动取消'],
            task: ['An order that is not paid within three seconds must reach the canceller, not before the third second and not after the fourth. Nobody consumes from the queue unpaid.', '三秒之内没有支付的订单要交给取消程序：不早于第三秒，也不晚于第四秒。队列 unpaid 没有消费者。'],
            hint: ['A queue can let its messages expire, and what expires is a dead letter.', '队列可以让消息过期；过期的消息就成了死信。'],
            start: { parts: [P('shop', 260), Q('unpaid', 170), Q('cancel', 370), C('canceller', 370, { seconds: 0 })], lines: [line('shop', 'unpaid'), line('cancel', 'canceller')] }, gives: { exchange: 1 },
            script: orders('shop', 2, 0), until: 4000, looks: [2900],
            goal: (sim, _, seen) => first(seen[0].done.length > 0 && ['an order was cancelled too early', '有订单取消得太早'], eachOnce(done(sim, 'canceller'), numbered(2))),
            solution: { edits: [['unpaid', 'arguments.x-message-ttl', 3000], ['unpaid', 'arguments.x-dead-letter-exchange', ''], ['unpaid', 'arguments.x-dead-letter-routing-key', 'cancel']] },
        },
        {
            name: 'rush', page: 'patterns/confirms.html', free: ['shop.confirms', 'orders.arguments.x-max-length', 'orders.arguments.x-overflow'],
            title: ['A rush', '秒杀'],
            task: ['Twenty orders in an instant, five pieces in stock. Let at most five wait, in the order in which they came, and let the shop know of each order whether it was taken.', '一瞬间来了二十个订单，库存只有五件。最多让五个订单排队，先到先得；每个订单收没收下，网店都要知道。'],
            hint: ['A length limit, an overflow that refuses, and confirms that tell the producer.', '设长度上限，超出的拒收，再用发布者确认告诉生产者。'],
            start: { parts: [P('shop'), Q('orders')], lines: [line('shop', 'orders')] },
            script: orders('shop', 20, 0), until: 1000,
            goal: (sim, view) => {
                const { confirmed, refused } = sim.producers.get('shop');
                return first(!same(waiting(view, 'orders'), numbered(5)) && [`in the queue: ${waiting(view, 'orders').join(', ')}`, `队列里是：${waiting(view, 'orders').join('、')}`], (confirmed !== 5 || refused !== 15) && [`the shop knows of ${confirmed} that were taken and of ${refused} that were refused`, `网店知道收下了 ${confirmed} 个，拒收了 ${refused} 个`]);
            },
            solution: { edits: [['shop', 'confirms', true], ['orders', 'arguments.x-max-length', 5], ['orders', 'arguments.x-overflow', 'reject-publish']] },
        },
        {
            name: 'newest', page: 'glossary.html', free: ['prices.arguments.x-max-length', 'prices.arguments.x-overflow'],
            title: ['Only the newest price', '只要最新的价格'],
            task: ['The display is switched on late. It should show the last price, and none of the old ones.', '显示屏打开得晚。它应该只显示最后一个价格，旧的都不要。'],
            hint: ['A queue with a length limit drops from its head.', '设了长度上限的队列，会从队头丢弃消息。'],
            start: { parts: [P('prices-app', 260, { body: 'price {n}' }), Q('prices'), C('display', 260, { seconds: 0.1 })], lines: [line('prices-app', 'prices'), line('prices', 'display')] },
            script: [{ at: 0, act: 'kill', part: 'display' }, ...orders('prices-app', 5, 100, 100), { at: 2000, act: 'start', part: 'display' }], until: 4000,
            goal: sim => same(done(sim, 'display'), ['price 5']) ? null : [`the display showed: ${done(sim, 'display').join(', ')}`, `显示屏显示了：${done(sim, 'display').join('、')}`],
            solution: { edits: [['prices', 'arguments.x-max-length', 1]] },
        },
        {
            name: 'urgent', page: 'glossary.html', free: ['orders.arguments.x-max-priority', 'express.priority'],
            title: ['Express first', '加急先发'],
            task: ['Four ordinary orders are waiting when an express one comes. It must be packed next.', '四个普通订单正在排队，来了一个加急的。下一个就该打包它。'],
            hint: ['Both have to know of priorities: the queue and the message.', '队列和消息都要有优先级才行。'],
            start: { parts: [P('shop', 170), P('express', 350, { body: 'express {n}' }), Q('orders'), C('packer')], lines: [line('shop', 'orders'), line('express', 'orders'), line('orders', 'packer')] },
            script: [...orders('shop', 5, 0), ...orders('express', 1, 500)], until: 8000,
            goal: sim => first(eachOnce(done(sim, 'packer'), [...numbered(5), 'express 1']), done(sim, 'packer')[1] !== 'express 1' && [`packed in this order: ${done(sim, 'packer').join(', ')}`, `打包的顺序是：${done(sim, 'packer').join('、')}`]),
            solution: { edits: [['orders', 'arguments.x-max-priority', 5], ['express', 'priority', 5]] },
        },
        {
            name: 'standby', page: 'glossary.html', free: ['ledger.arguments.x-single-active-consumer'],
            title: ['One works, one stands by', '一个干活，一个待命'],
            task: ['Bookings have to be entered in their order, so only one clerk may work at a time. When Anna is killed, Bert goes on, without gap and without repetition of what was entered.', '记账必须按顺序，所以同一时刻只能有一个会计在干活。安娜的进程被结束以后，伯特接着记，不漏也不重。'],
            hint: ['A queue can have a single active consumer.', '队列可以设成只有一个活跃的消费者。'],
            start: { parts: [P('bank', 260, { body: 'booking {n}' }), Q('ledger'), C('anna', 170, { seconds: 0.7 }), C('bert', 350, { seconds: 0.3 })], lines: [line('bank', 'ledger'), line('ledger', 'anna'), line('ledger', 'bert')] },
            script: [...orders('bank', 6, 0), { at: 1800, act: 'kill', part: 'anna' }], until: 8000,
            goal: sim => {
                const [anna, bert] = ['anna', 'bert'].map(id => done(sim, id));
                return same([...anna, ...bert], numbered(6, 'booking')) ? null : [`Anna entered ${anna.join(', ')}; Bert entered ${bert.join(', ')}`, `安娜记了 ${anna.join('、')}；伯特记了 ${bert.join('、')}`];
            },
            solution: { edits: [['ledger', 'arguments.x-single-active-consumer', true]] },
        },
        {
            name: 'colours', page: 'patterns/topics.html',
            title: ['By headers, not by key', '看消息头，不看路由键'],
            task: ['The workshop wants parts that are red and large: both. A part that is only red, or only large, is not for it.', '车间只要又红又大的零件。只红不大、只大不红的都不要。'],
            hint: ['In the binding: x-match=all and both headers.', '在绑定里写 x-match=all，再加上两个消息头。'], most: { lines: 1 },
            start: { parts: [P('both', 110, { body: 'red and large' }), P('red', 260, { body: 'red' }), P('large', 410, { body: 'large' }), X('parts', 'headers'), Q('workshop'), C('smith', 260, { seconds: 0.1 })],
                lines: [line('both', 'parts', { key: '', headers: { colour: 'red', size: 'large' } }), line('red', 'parts', { key: '', headers: { colour: 'red', size: 'small' } }), line('large', 'parts', { key: '', headers: { colour: 'blue', size: 'large' } }), line('workshop', 'smith')] },
            script: ['both', 'red', 'large'].flatMap((part, i) => orders(part, 1, i * 10)), until: 2000,
            goal: sim => same(done(sim, 'smith'), ['red and large']) ? null : [`the workshop got: ${done(sim, 'smith').join(', ') || 'nothing'}`, `车间收到了：${done(sim, 'smith').join('、') || '什么都没有'}`],
            solution: { lines: [line('parts', 'workshop', { key: '', arguments: { 'x-match': 'all', colour: 'red', size: 'large' } })] },
        },
        {
            name: 'later', page: 'glossary.html', free: ['work.arguments.x-dead-letter-exchange', 'work.arguments.x-dead-letter-routing-key'],
            title: ['Try again later', '过一会儿再试'],
            task: ['The bank is away for five seconds: the clerk can’t book anything that says “poison”, and rejects it. Let each rejected booking come back after two seconds, again and again; it must never be lost, and the queue must not spin.', '银行有一阵子不在，凡是写着 poison 的账，会计都记不了，只能拒绝。让被拒绝的账两秒以后再来，一次又一次；不能丢，也不能不停地空转。'],
            hint: ['A second queue without consumers, whose messages expire after two seconds and go back.', '再加一个没有消费者的队列：消息两秒过期，过期以后回到原来的队列。'],
            start: { parts: [P('bank', 260, { body: 'poison' }), Q('work', 170), C('clerk', 170, { poison: 'reject', seconds: 0.1 })], lines: [line('bank', 'work'), line('work', 'clerk')] }, gives: { queue: 1, exchange: 1 },
            script: orders('bank', 1, 0), until: 9000,
            goal: (sim, view) => {
                const tries = sim.consumers.get('clerk').received.length;
                const kept = view.queues.reduce((sum, queue) => sum + queue.ready + queue.unacked, 0);
                return first(kept !== 1 && ['the booking is lost', '账丢了'], (tries < 4 || tries > 6) && [`it was tried ${tries} times in nine seconds`, `九秒里试了 ${tries} 次`]);
            },
            solution: { parts: [Q('q1', 380, { arguments: { 'x-message-ttl': 2000, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'work' } })], edits: [['work', 'arguments.x-dead-letter-exchange', ''], ['work', 'arguments.x-dead-letter-routing-key', 'q1']] },
        },
        {
            name: 'storm', page: 'patterns/durable.html', free: ['shop.persistent', 'shop.confirms', 'anna.acks', 'anna.prefetch', 'bert.acks', 'bert.prefetch'],
            title: ['Everything at once', '祸不单行'],
            task: ['Anna dies, and the broker crashes while orders wait. Nothing may be lost, and everything must be packed within 20 seconds. (An order may be packed twice: at least once is what can be promised.)', '安娜崩溃了；订单还在排队，消息代理也崩溃了。一个订单都不能丢，二十秒之内全部打包完。（打包两次是允许的：能保证的是至少一次。）'],
            hint: ['Three things together: acknowledge after the work, persistent messages, and no greedy consumer.', '三件事要一起做：处理完再确认、消息持久化、消费者不贪心。'],
            start: { parts: [P('shop', 260, { persistent: false }), Q('orders'), C('anna', 170, { acks: 'auto', prefetch: 0 }), C('bert', 350, { acks: 'auto', prefetch: 0 })], lines: [line('shop', 'orders'), line('orders', 'anna'), line('orders', 'bert')] },
            script: [...orders('shop', 10, 0), { at: 1500, act: 'kill', part: 'anna' }, { at: 2500, act: 'crash' }, { at: 3500, act: 'up' }, { at: 4500, act: 'kill', part: 'anna' }], until: 20000,
            goal: sim => {
                const missing = numbered(10).filter(body => !allDone(sim).includes(body));
                return missing.length ? [`never packed: ${missing.join(', ')}`, `从来没有打包：${missing.join('、')}`] : null;
            },
            solution: { edits: [['shop', 'persistent', true], ['anna', 'acks', 'manual'], ['bert', 'acks', 'manual'], ['anna', 'prefetch', 1], ['bert', 'prefetch', 1]] },
        },
    ].map(puzzle => ({
        ...puzzle,
        // Whether one more part of this kind may be added.
        may: (topology, is) => topology.parts.filter(part => part.is === is).length < puzzle.start.parts.filter(part => part.is === is).length + (puzzle.gives?.[is] ?? 0),
        isFixed: id => puzzle.start.parts.some(part => part.id === id),
        // What may be changed: all of what the reader has added but its work, and of the puzzle's own parts what it says.
        mayEdit: (id, path) => puzzle.start.parts.some(part => part.id === id) ? (puzzle.free ?? []).includes(`${id}.${path}`) : !['seconds', 'poison', 'rate', 'body', 'restarts'].includes(path),
    }));
})();

// An answer with the changes of a solution: `{ parts, lines, edits, without }`.
Playground.changed = (topology, { parts = [], lines = [], edits = [], without = [] }) => ({
    parts: [...topology.parts.map(part => edits.filter(([id]) => id === part.id).reduce((made, [, path, value]) => Playground.set(made, path, value), part)), ...parts],
    lines: [...topology.lines.filter(line => !without.includes(Playground.lineKey(line).trim()) && !without.includes(Playground.lineKey(line)) && !without.some(key => Playground.lineKey(line).startsWith(key))), ...lines],
});

// What is wrong with an answer to a puzzle, in the words of the page's language; null if it is solved.
Playground.judge = (puzzle, topology, broker) => {
    const broken = [
        puzzle.start.parts.some(({ id, is }) => !topology.parts.some(part => part.id === id && part.is === is)) && ['a part of the puzzle is gone', '题目给定的部件不见了'],
        Playground.KINDS.some(is => topology.parts.filter(part => part.is === is).length > puzzle.start.parts.filter(part => part.is === is).length + (puzzle.gives?.[is] ?? 0)) && ['there are more parts than the puzzle gives', '部件比题目给的多'],
        puzzle.most && topology.lines.length > puzzle.start.lines.length + puzzle.most.lines && ['there are more lines than the puzzle allows', '连线比题目允许的多'],
    ].find(Boolean);
    if (broken) {
        return Playground.say(...broken);
    }
    const simulation = new Playground.Simulation(broker);
    const script = puzzle.script.map(({ at, ...input }) => ({ at, input }));
    const seen = (puzzle.looks ?? []).map(at => {
        simulation.replay([{ at: 0, input: { topology } }, ...script], at);
        return { done: [...simulation.consumers.values()].flatMap(({ done }) => done) };
    });
    simulation.replay([{ at: 0, input: { topology } }, ...script], puzzle.until);
    const wrong = puzzle.goal(simulation, simulation.view(), seen);
    return wrong && Playground.say(...wrong);
};
