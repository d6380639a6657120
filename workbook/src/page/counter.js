// The post office's console: what waits in its queues, without taking anything away.

import { openEvents } from '/workbook/events.js';

let edition = null;
try { edition = localStorage.getItem('workbook-edition'); } catch { /* the browser's language decides */ }
const isChinese = edition === 'zh-CN' || (!edition && /^zh/i.test(navigator.language));
document.documentElement.lang = isChinese ? 'zh-CN' : 'en';
const words = isChinese ? {
    title: '邮局柜台',
    about: '这里可以看到邮局的每个队列里有什么。看信不会取走信，信上也不会留下记号。Ready（就绪）是在邮箱里等着的信，Unacked（未确认）是在消费者手里、还没有签收的信。',
    none: '还没有队列。寄一封信，就会有了。', ready: '就绪', unacked: '未确认', consumers: '消费者', durable: '持久化',
    number: '序号', body: '消息体', key: '路由键', exchange: '交换机', isDefault: '（默认交换机）', redelivered: '重新投递过', size: '字节数', yes: '是', no: '否',
    purge: '清空', remove: '删除队列', reset: '全部重来：删除所有队列', sure: '确定吗？',
    console: '现在用的消息代理不是我们的邮局。RabbitMQ 有它自己的控制台：', back: '回到书里', gone: '服务器不在了：请在终端里重新运行 cargo workbook。',
    unchanged: '没有改成：队列可能已经不在了。',
    refused: '请打开 cargo workbook 打印出来的地址，再到这一页来。',
} : {
    title: 'The counter',
    about: 'Here you see what waits in each queue of the post office. Looking takes nothing away and leaves no mark. Ready letters wait in the mailbox; unacked ones are in a consumer’s hands and not signed for.',
    none: 'There are no queues yet. Send a letter, and there will be one.', ready: 'ready', unacked: 'unacked', consumers: 'consumers', durable: 'durable',
    number: 'no.', body: 'body', key: 'routing key', exchange: 'exchange', isDefault: '(default exchange)', redelivered: 'redelivered', size: 'bytes', yes: 'yes', no: 'no',
    purge: 'Purge', remove: 'Delete the queue', reset: 'Start over: delete all queues', sure: 'Are you sure?',
    console: 'The broker in use is not our post office. RabbitMQ has a console of its own: ', back: 'Back to the book', gone: 'The server is gone: run cargo workbook again in a terminal.',
    unchanged: 'Nothing was changed: the queue may be gone.',
    refused: 'Open the address that cargo workbook has printed first, then this page.',
};

const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
};
const state = document.getElementById('state');
const mailboxes = document.getElementById('mailboxes');
document.title = document.querySelector('h1').textContent = words.title;
document.getElementById('about').textContent = words.about;
document.getElementById('back').textContent = words.back;
const reset = document.getElementById('reset');
reset.textContent = words.reset;

const change = async (action, name) => {
    if (!confirm(words.sure)) {
        return;
    }
    const answer = await fetch(`/workbook/mailboxes/${action}`, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name }),
    });
    state.textContent = answer.ok ? '' : words.unchanged;
    await show();
};
reset.addEventListener('click', () => change('reset', null));

const row = (cell, ...texts) => element('tr', {}, ...texts.map(text => element(cell, { textContent: text })));
const table = letters => {
    const head = row('th', words.number, words.body, words.size, words.exchange, words.key, words.redelivered);
    const rows = letters.map((letter, i) => {
        const made = row('td', i + 1, letter.body, letter.size, letter.exchange || words.isDefault, letter.routing_key, letter.redelivered ? words.yes : words.no);
        made.children[1].className = 'body';
        return made;
    });
    return element('div', { className: 'scroll' }, element('table', {}, element('thead', {}, head), element('tbody', {}, ...rows)));
};
const section = box => {
    const facts = `${words.ready} ${box.ready} · ${words.unacked} ${box.unacknowledged} · ${words.consumers} ${box.consumers}${box.durable ? ` · ${words.durable}` : ''}`;
    const button = (text, action) => {
        const made = element('button', { type: 'button', textContent: text });
        made.setAttribute('aria-label', `${text}: ${box.name}`);
        made.addEventListener('click', () => change(action, box.name));
        return made;
    };
    return element('section', {}, element('h2', {}, element('code', { textContent: box.name })), element('p', { textContent: facts }),
        box.letters.length ? table(box.letters) : '',
        element('p', {}, button(words.purge, 'purge'), button(words.remove, 'delete')));
};

let shown = '';
const show = async () => {
    const answer = await fetch('/workbook/mailboxes');
    if (!answer.ok) {
        state.textContent = words.refused;
        return;
    }
    const text = await answer.text();
    if (text === shown) {
        return; // nothing to draw anew: the focus stays where it is
    }
    shown = text;
    const told = JSON.parse(text);
    reset.hidden = Boolean(told.console);
    if (told.console) {
        mailboxes.replaceChildren(element('p', {}, words.console, element('a', { href: told.console, textContent: told.console })));
    } else if (told.mailboxes.length) {
        mailboxes.replaceChildren(...told.mailboxes.map(section));
    } else {
        mailboxes.replaceChildren(element('p', { textContent: words.none }));
    }
};

await show();
const news = openEvents();
news.addEventListener('post', show);
news.addEventListener('whole', () => { state.textContent = ''; show(); });
news.addEventListener('error', () => { state.textContent = words.gone; });
