// A topology as a Rust program on lapin that a reader can run: it declares what there is, and plays the producers and consumers.
Playground.rust = topology => {
    const { parts, lines } = topology;
    const of = id => parts.find(part => part.id === id);
    const literal = text => `"${[...text].map(letter => ({ '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' })[letter] ?? (letter < ' ' || letter === '\x7f' ? `\\u{${letter.codePointAt(0).toString(16)}}` : letter)).join('')}"`;
    // In a format string braces are doubled; `{n}` is the number.
    const format = text => literal(text).split('{n}').map(piece => piece.replaceAll(/[{}](?![0-9a-f]+\})/g, '$&$&')).join('{number}');
    const value = given => typeof given === 'boolean' ? `AMQPValue::Boolean(${given})` : typeof given === 'number' ? `AMQPValue::LongLongInt(${given})` : `AMQPValue::LongString(${literal(String(given))}.into())`;
    const table = given => Object.keys(given ?? {}).length ? `table([${Object.entries(given).map(([key, one]) => `(${literal(key)}, ${value(one)})`).join(', ')}])` : 'FieldTable::default()';

    const exchanges = parts.filter(({ is }) => is === 'exchange').map(part => `    channel.exchange_declare(${literal(part.name)}.into(), ExchangeKind::${part.type[0].toUpperCase()}${part.type.slice(1)}, ExchangeDeclareOptions { durable: ${part.durable !== false}, ..Default::default() }, ${table(part.arguments)}).await?;`);
    const queues = parts.filter(({ is }) => is === 'queue').map(part => `    channel.queue_declare(${literal(part.name)}.into(), QueueDeclareOptions { durable: ${part.durable !== false}, ..Default::default() }, ${table(part.arguments)}).await?;`);
    const bindings = lines.filter(({ from }) => of(from).is === 'exchange').map(({ from, to, key = '', arguments: given }) => of(to).is === 'queue'
        ? `    channel.queue_bind(${literal(of(to).name)}.into(), ${literal(of(from).name)}.into(), ${literal(key)}.into(), QueueBindOptions::default(), ${table(given)}).await?;`
        : `    channel.exchange_bind(${literal(of(to).name)}.into(), ${literal(of(from).name)}.into(), ${literal(key)}.into(), ExchangeBindOptions::default(), ${table(given)}).await?;`);

    const producers = parts.filter(({ is, id }) => is === 'producer' && lines.some(({ from }) => from === id)).map(part => {
        const properties = line => ['BasicProperties::default()', ...part.persistent !== false ? ['.with_delivery_mode(2)'] : [], ...part.expiration ? [`.with_expiration(${literal(String(part.expiration))}.into())`] : [], ...part.priority ? [`.with_priority(${part.priority})`] : [], ...Object.keys(line.headers ?? {}).length ? [`.with_headers(${table(line.headers)})`] : []].join('');
        const publish = lines.filter(({ from }) => from === part.id).map(line => {
            const [exchange, key] = of(line.to).is === 'queue' ? ['', of(line.to).name] : [of(line.to).name, line.key ?? ''];
            const sent = `channel.basic_publish(${literal(exchange)}.into(), ${key.includes('{n}') ? `format!(${format(key)}).into()` : `${literal(key)}.into()`}, BasicPublishOptions { mandatory: ${Boolean(part.mandatory)}, ..Default::default() }, body.as_bytes(), ${properties(line)}).await?`;
            return part.confirms ? `        let answer = ${sent}.await?;\n        println!("{body}: {answer:?}");` : `        ${sent};`;
        });
        const body = part.body ?? '{n}';
        const id = parts.indexOf(part) + 1;
        return { id, code: `/// The producer ${part.name.replaceAll(/\s/g, ' ')}.
async fn producer_${id}(channel: Channel) -> Result<()> {
${part.confirms ? '    channel.confirm_select(ConfirmSelectOptions::default()).await?;\n' : ''}    ${part.rate > 0 ? 'for number in 1_u64.. {' : 'for number in 1..=1 {'}
        let body = ${body.includes('{n}') ? `format!(${format(body)})` : `${literal(body)}.to_owned()`};
${publish.join('\n')}
        println!("{} sent {body}${body.includes('{n}') ? '' : ', number {number}'}", ${literal(part.name)});
${part.rate > 0 ? `        sleep(Duration::from_secs_f64(${(1 / part.rate).toFixed(4)})).await;\n` : ''}    }
    Ok(())
}` };
    });
    const consumers = parts.filter(({ is, id }) => is === 'consumer' && lines.some(({ to }) => to === id)).flatMap(part => lines.filter(({ to }) => to === part.id).map((line, i) => {
        const answer = what => ({
            ack: 'delivery.ack(BasicAckOptions::default()).await?;', reject: 'delivery.reject(BasicRejectOptions { requeue: false }).await?;',
            requeue: 'delivery.nack(BasicNackOptions { requeue: true, ..Default::default() }).await?;', die: `bail!("can’t handle {body}");`,
        })[what];
        const settles = part.acks === 'manual';
        const isSpecial = part.poison === 'die' || settles && part.poison && part.poison !== 'ack';
        const special = isSpecial ? `        if body.contains("poison") {\n            ${answer(part.poison)}\n${part.poison === 'die' ? '' : '            continue;\n'}        }\n` : '';
        const id = `${parts.indexOf(part) + 1}_${i + 1}`;
        return { id, code: `/// The consumer ${part.name.replaceAll(/\s/g, ' ')}, which takes from the queue ${of(line.from).name.replaceAll(/\s/g, ' ')}.
async fn consumer_${id}(channel: Channel) -> Result<()> {
${part.prefetch > 0 ? `    channel.basic_qos(${part.prefetch}, BasicQosOptions::default()).await?;\n` : ''}    let options = BasicConsumeOptions { no_ack: ${part.acks === 'auto'}, ..Default::default() };
    let mut consumer = channel.basic_consume(${literal(of(line.from).name)}.into(), "".into(), options, FieldTable::default()).await?;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        let body = String::from_utf8_lossy(&delivery.data);
        sleep(Duration::from_secs_f64(${(part.seconds ?? 1).toFixed(1)})).await;
${special}        println!("{} has done {body}", ${literal(part.name)});
${settles ? `        ${answer('ack')}\n` : ''}    }
    bail!("the broker cancelled the subscription of {}", ${literal(part.name)})
}` };
    }));

    const code = [...exchanges, ...queues, ...bindings, ...producers.map(one => one.code), ...consumers.map(one => one.code)].join('\n');
    const spawns = [...producers.map(({ id }) => `producer_${id}`), ...consumers.map(({ id }) => `consumer_${id}`)];
    const options = [...new Set(code.match(/\b(?:Basic|Confirm|Exchange|Queue)\w+Options\b/g) ?? [])].sort();
    const needsTable = code.includes('table([');
    const types = [...needsTable ? ['AMQPValue'] : [], ...needsTable || code.includes('FieldTable') ? ['FieldTable'] : []];
    const lapin = [...producers.length ? ['BasicProperties'] : [], ...spawns.length ? ['Channel'] : [], 'Connection', 'ConnectionProperties', ...exchanges.length ? ['ExchangeKind'] : []];
    return `//! A topology from the RabbitMQ workbook's playground. Put it into src/main.rs of a new package, and:
//! \`cargo add anyhow futures-lite lapin\`, \`cargo add tokio --features full\`, \`cargo run\`

use anyhow::{Context, Result${code.includes('bail!') ? ', bail' : ''}};
${consumers.length ? 'use futures_lite::StreamExt;\n' : ''}use lapin::{
    ${lapin.join(', ')},
${options.length ? `    options::{${options.join(', ')}},\n` : ''}${types.length ? `    types::{${types.join(', ')}},\n` : ''}};
use std::env;
${code.includes('sleep(') ? 'use std::time::Duration;\n' : ''}${spawns.length ? `use tokio::{task::JoinSet${code.includes('sleep(') ? ', time::sleep' : ''}};\n` : ''}
#[tokio::main]
async fn main() -> Result<()> {
    let addr = env::var("AMQP_ADDR").unwrap_or_else(|_| "amqp://127.0.0.1:5672".into());
    let properties = ConnectionProperties::default().with_connection_name("playground".into());
    let connection = Connection::connect(&addr, properties).await.context("no connection to the broker: does one run?")?;
${exchanges.length + queues.length ? '    let channel = connection.create_channel().await?;\n' : ''}${[...exchanges, ...queues, ...bindings].join('\n')}

${spawns.length ? `    let mut tasks = JoinSet::new();
${spawns.map(name => `    tasks.spawn(${name}(connection.create_channel().await?));`).join('\n')}
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
` : ''}    connection.close(200, "goodbye".into()).await?;
    Ok(())
}
${[...producers, ...consumers].map(one => `\n${one.code}\n`).join('')}${needsTable ? `
fn table<const N: usize>(entries: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in entries {
        table.insert(key.into(), value);
    }
    table
}
` : ''}`;
};
