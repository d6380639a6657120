// A topology as a Python program on pika: the same that rust.js makes in Rust.
Playground.python = ({ parts, lines }) => {
    const of = id => parts.find(part => part.id === id);
    const literal = value => value === true ? 'True' : value === false ? 'False' : JSON.stringify(value);
    const table = given => `{${Object.entries(given ?? {}).map(([key, value]) => `${literal(key)}: ${literal(value)}`).join(', ')}}`;
    const text = words => words.includes('{n}') ? `${literal(words)}.replace("{n}", str(number))` : literal(words);

    const declared = parts.flatMap(({ is, name, type, durable, arguments: given }) => is === 'exchange' ? [`    channel.exchange_declare(${literal(name)}, ${literal(type)}, durable=${literal(durable !== false)}, arguments=${table(given)})`]
        : is === 'queue' ? [`    channel.queue_declare(${literal(name)}, durable=${literal(durable !== false)}, arguments=${table(given)})`] : []);
    const bound = lines.filter(({ from }) => of(from).is === 'exchange').map(({ from, to, key = '', arguments: given }) => of(to).is === 'queue'
        ? `    channel.queue_bind(${literal(of(to).name)}, ${literal(of(from).name)}, ${literal(key)}, ${table(given)})`
        : `    channel.exchange_bind(${literal(of(to).name)}, ${literal(of(from).name)}, ${literal(key)}, ${table(given)})`);
    const number = part => parts.indexOf(part) + 1;

    const producers = parts.filter(({ is, id }) => is === 'producer' && lines.some(({ from }) => from === id)).map(part => {
        const properties = line => [...part.persistent !== false ? ['delivery_mode=2'] : [], ...part.expiration ? [`expiration=${literal(String(part.expiration))}`] : [], ...part.priority ? [`priority=${part.priority}`] : [], ...Object.keys(line.headers ?? {}).length ? [`headers=${table(line.headers)}`] : []].join(', ');
        const publish = lines.filter(({ from }) => from === part.id).map(line => {
            const [exchange, key] = of(line.to).is === 'queue' ? ['', of(line.to).name] : [of(line.to).name, line.key ?? ''];
            return `        channel.basic_publish(${literal(exchange)}, ${text(key)}, body.encode(), pika.BasicProperties(${properties(line)}), mandatory=${literal(Boolean(part.mandatory))})`;
        });
        return { name: `producer_${number(part)}`, code: `def producer_${number(part)}():
    channel = connect().channel()
${part.confirms ? '    channel.confirm_delivery()\n' : ''}    for number in ${part.rate > 0 ? 'itertools.count(1)' : '[1]'}:
        body = ${text(part.body ?? '{n}')}
${publish.join('\n')}
        print(${literal(part.name)}, "sent", body, flush=True)
${part.rate > 0 ? `        channel.connection.sleep(${(1 / part.rate).toFixed(4)})\n` : ''}    channel.connection.close()` };
    });
    const consumers = parts.filter(({ is, id }) => is === 'consumer' && lines.some(({ to }) => to === id)).map(part => {
        const settles = part.acks === 'manual';
        const special = part.poison === 'die' ? 'raise RuntimeError("can’t handle " + text)' : settles ? { reject: 'channel.basic_reject(delivery.delivery_tag, requeue=False)', requeue: 'channel.basic_nack(delivery.delivery_tag, requeue=True)' }[part.poison] : undefined;
        return { name: `consumer_${number(part)}`, code: `def consumer_${number(part)}():
    def work(channel, delivery, properties, body):
        text = body.decode(errors="replace")
        channel.connection.sleep(${(part.seconds ?? 1).toFixed(1)})
${special ? `        if "poison" in text:\n            ${special}\n            return\n` : ''}        print(${literal(part.name)}, "has done", text, flush=True)
${settles ? '        channel.basic_ack(delivery.delivery_tag)\n' : ''}
    channel = connect().channel()
${part.prefetch > 0 ? `    channel.basic_qos(prefetch_count=${part.prefetch})\n` : ''}${lines.filter(({ to }) => to === part.id).map(({ from }) => `    channel.basic_consume(${literal(of(from).name)}, work, auto_ack=${literal(part.acks === 'auto')})`).join('\n')}
    channel.start_consuming()` };
    });
    const all = [...producers, ...consumers];
    return `"""A topology from the RabbitMQ workbook's playground. It needs pika: pip install pika"""
${[...new Set([...all.some(({ code }) => code.includes('itertools')) ? ['itertools'] : [], 'os', ...all.length ? ['threading'] : []])].map(name => `import ${name}`).join('\n')}

import pika


def connect():
    return pika.BlockingConnection(pika.URLParameters(os.environ.get("AMQP_ADDR", "amqp://127.0.0.1:5672")))


def declare():
    connection = connect()
    channel = connection.channel()
${[...declared, ...bound].map(one => `${one}\n`).join('')}    connection.close()

${all.map(({ code }) => `\n${code}\n\n`).join('')}
declare()
${all.length ? `threads = [threading.Thread(target=act) for act in [${all.map(({ name }) => name).join(', ')}]]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
` : ''}`;
};
