// What only the served book has: programs that run in the page, each in a terminal pane at the bottom; the live strip
// above them; an editor; and pages that reload when the book was built again. All state is the server's: this script shows
// it, and a reload of the page finds everything as it was.

import { openEvents } from '/workbook/events.js';
import { Terminal } from '/workbook/terminal.js';

const isChinese = document.documentElement.lang.startsWith('zh');
const words = isChinese ? {
    terminals: '终端', stop: '停止（Ctrl+C）', close: '关闭', show: '显示终端', hide: '收起',
    building: '正在编译', compiling: crate => `正在编译 ${crate}`, running: '正在运行', ended: status => `已结束，状态码 ${status}`, failed: '没有运行起来',
    gone: '与服务器的连接断了：在终端里重新运行 cargo workbook',
    edit: '编辑', reset: '恢复原样', edited: '你改过的版本', argument: '要寄的文字（可不填）',
    noQueues: '还没有队列', counter: '邮局柜台', more: count => `还有 ${count} 个队列`,
    sampled: '每秒看四次，一闪而过的信可能看不到',
    // What the server says, by its codes; a detail, if there is one, is a number or what a program or the system has said.
    server: {
        panes_full: most => `已经开着 ${most} 个终端：请先关掉一个`,
        no_such_listing: name => `没有 ${name} 这个程序`,
        arguments_too_long: most => `参数超过了 ${most} 字节`,
        nul_in_argument: () => '参数里有 NUL 字节',
        other_page: () => '只有本书自己的页面才能这样请求',
        no_token: () => '请打开 cargo workbook 打印出来的地址',
        interrupted: () => '^C',
        killed: seconds => `${seconds} 秒之内没有退出，已被强行结束`,
        time_up: minutes => `已停止：运行满了 ${minutes} 分钟`,
        output_cut: mebibytes => `\n输出超过 ${mebibytes} MiB，后面的不再显示`,
        failed: why => `没有运行起来：${why}`,
        unreachable: why => `连不上消息代理：${why}`,
        silent: () => '那个端口接受了连接，却什么也不回答：那里有消息代理吗？',
        not_amqp: () => '在那个端口上回答的不是 AMQP 0-9-1：请检查 AMQP_ADDR',
        refused: why => `消息代理拒绝了连接：${why}`,
    },
} : {
    terminals: 'Terminals', stop: 'Stop (Ctrl+C)', close: 'Close', show: 'Show terminals', hide: 'Hide',
    building: 'building', compiling: crate => `building ${crate}`, running: 'running', ended: status => `ended with status ${status}`, failed: 'could not run',
    gone: 'The server is gone: run cargo workbook again in a terminal',
    edit: 'Edit', reset: 'Reset', edited: 'your version', argument: 'the text to send (optional)',
    noQueues: 'no queues yet', counter: 'the counter', more: count => `and ${count} more`,
    sampled: 'looks four times a second; a letter that passes quickly may not show',
    server: {
        panes_full: most => `${most} terminals are open: close one first`,
        no_such_listing: name => `there is no program ${name}`,
        arguments_too_long: most => `the arguments are longer than ${most} bytes`,
        nul_in_argument: () => 'an argument contains a NUL byte',
        other_page: () => 'only the workbook’s own pages may ask for this',
        no_token: () => 'open the address that cargo workbook has printed',
        interrupted: () => '^C',
        killed: seconds => `it did not end within ${seconds} s and was killed`,
        time_up: minutes => `stopped: it ran for ${minutes} minutes`,
        output_cut: mebibytes => `\nfrom here on the output is not shown: it is more than ${mebibytes} MiB`,
        failed: why => `it could not run: ${why}`,
        unreachable: why => `no broker can be reached: ${why}`,
        silent: () => 'the port takes connections and answers nothing: is a broker there?',
        not_amqp: () => 'what answers at that port isn’t AMQP 0-9-1: check AMQP_ADDR',
        refused: why => `the broker refused the connection: ${why}`,
    },
};

const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
};

const spoken = ({ code, detail }) => words.server[code]?.(detail) ?? [code, detail].filter(part => part !== undefined).join(': ');

const ask = async (path, body = {}) => {
    const answer = await fetch(`/workbook/${path}`, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
    });
    if (!answer.ok) {
        const refusal = await answer.json().catch(() => ({ code: answer.statusText }));
        throw new Error(spoken(refusal));
    }
    return answer.status === 204 ? null : answer.json();
};

// The dock: the strip above, the panes beside each other below.
const strip = element('div', { className: 'strip' });
strip.setAttribute('role', 'group');
const notice = element('p', { className: 'dock-notice' });
notice.setAttribute('role', 'status');
const panes = element('div', { className: 'panes' });
const hide = element('button', { type: 'button', className: 'dock-hide', textContent: words.hide });
const counter = element('a', { href: '/counter', textContent: words.counter });
const dock = element('section', { id: 'workbook-dock', hidden: true }, element('div', { className: 'dock-head' }, strip, notice, counter, hide), panes);
dock.setAttribute('aria-label', words.terminals);
const show = element('button', { type: 'button', id: 'workbook-dock-show', hidden: true, textContent: words.show });
document.body.append(dock, show);

let lastRun = null; // where the focus goes back to
const setOpen = open => {
    const any = panes.childElementCount > 0;
    dock.hidden = !open || !any;
    show.hidden = open || !any;
    try { sessionStorage.setItem('workbook-dock', open ? 'open' : 'hidden'); } catch { /* not remembered, then */ }
};
const isOpen = () => { try { return sessionStorage.getItem('workbook-dock') !== 'hidden'; } catch { return true; } };
hide.addEventListener('click', () => { setOpen(false); (lastRun ?? show).focus(); });
show.addEventListener('click', () => { setOpen(true); panes.querySelector('pre')?.focus(); });
dock.addEventListener('keydown', event => {
    event.stopPropagation(); // the book turns pages with the arrow keys
    if (event.key === 'Escape') {
        hide.click();
    }
});
new ResizeObserver(() => {
    document.documentElement.style.setProperty('--dock-height', dock.hidden ? '0px' : `${dock.offsetHeight}px`);
}).observe(dock);

// One pane.
const terminals = new Map();
const paneOf = id => panes.querySelector(`[data-id="${id}"]`);
const addPane = pane => {
    const log = element('pre', { tabIndex: 0 });
    log.setAttribute('role', 'log');
    log.setAttribute('aria-label', pane.title);
    const state = element('span', { className: 'state' });
    state.setAttribute('role', 'status');
    const stop = element('button', { type: 'button', className: 'stop', textContent: words.stop });
    const close = element('button', { type: 'button', className: 'close', textContent: '×', title: words.close });
    close.setAttribute('aria-label', `${words.close}: ${pane.title}`);
    stop.setAttribute('aria-label', `${words.stop}: ${pane.title}`);
    stop.addEventListener('click', () => ask(`runs/${pane.id}/stop`).catch(say));
    close.addEventListener('click', () => ask(`runs/${pane.id}/close`).catch(say));
    log.addEventListener('keydown', event => {
        if (event.ctrlKey && event.key === 'c' && getSelection().isCollapsed) { // with text marked, it copies
            event.preventDefault();
            stop.click();
        }
    });
    const article = element('article', { className: 'pane' },
        element('header', {}, element('strong', { textContent: pane.title }), state, stop, close), log);
    article.dataset.id = pane.id;
    article.setAttribute('aria-label', pane.title);
    panes.append(article);
    terminals.set(pane.id, new Terminal(log));
    print(pane.id, { from: 'prompt', text: `$ ${pane.command}\n` });
    setState(pane.id, pane.state);
    pane.output.forEach(piece => print(pane.id, piece));
};
const print = (id, { from, text, note }) => {
    text = note ? `${spoken(note)}\n` : text;
    const pane = paneOf(id);
    const log = pane?.querySelector('pre');
    if (!log) {
        return;
    }
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    terminals.get(id).write(from, text);
    const crates = [...text.matchAll(/Compiling(?:\x1b\[\d*m)* (\S+) v/g)];
    if (from === 'cargo' && crates.length && pane.dataset.state === 'building') {
        pane.querySelector('.state').textContent = words.compiling(crates.at(-1)[1]);
    }
    if (atEnd) {
        log.scrollTop = log.scrollHeight;
    }
};
const setState = (id, state) => {
    const pane = paneOf(id);
    if (!pane) {
        return;
    }
    pane.dataset.state = state.is;
    const stop = pane.querySelector('.stop');
    if (state.is === 'ended' && document.activeElement === stop) {
        pane.querySelector('pre').focus(); // a disabled button can't keep it
    }
    stop.disabled = state.is === 'ended';
    pane.querySelector('.state').textContent = state.is === 'ended'
        ? (state.status === null ? words.failed : words.ended(state.status)) : words[state.is];
};
const say = error => { notice.textContent = error.message ?? error; };

// The live strip: P → queue → C, as the broker is now, for each of its first queues.
const STRIPS = 3;
const flows = new Map();
const sampled = element('small', { textContent: words.sampled, hidden: true });
const rest = element('small');
const showPost = post => {
    const queues = post.queues.slice(0, STRIPS);
    for (const name of flows.keys()) {
        if (!queues.some(queue => queue.name === name)) {
            flows.delete(name);
        }
    }
    for (const queue of queues) {
        if (!flows.has(queue.name)) {
            flows.set(queue.name, element('message-flow', { className: 'flow' }));
        }
        const flow = flows.get(queue.name);
        flow.show(queue, post.producers);
    }
    rest.textContent = post.queues.length > STRIPS ? words.more(post.queues.length - STRIPS) : queues.length ? '' : post.trouble ? spoken(post.trouble) : words.noQueues;
    sampled.hidden = !post.sampled;
    const shown = [...flows.values(), rest, sampled];
    if (shown.length !== strip.childElementCount || shown.some((part, i) => part !== strip.children[i])) {
        strip.replaceChildren(...shown); // only then: a letter on its way would be stopped
    }
};

// Orders from the Run buttons (assets/run.js), and the editor for whole listings.
const editors = new Map();
document.addEventListener('workbook-run', event => {
    event.preventDefault();
    const { listing, bar } = event.detail;
    lastRun = bar.querySelector('.run');
    const argument = bar.querySelector('.argument')?.value ?? '';
    const editor = editors.get(bar);
    ask('runs', { listing, arguments: argument ? [argument] : [], source: editor ? editor.getValue() : null })
        .then(() => { notice.textContent = ''; setOpen(true); })
        .catch(error => { say(error); setOpen(true); });
});

const kept = listing => `workbook-edit-${listing}`;
const editor = (bar, block, original, listing) => {
    const place = element('div', { className: 'editor' });
    block.before(place);
    block.hidden = true;
    const made = ace.edit(place);
    made.setOptions({ showPrintMargin: false, maxLines: Infinity, fontSize: '0.875em', useWorker: false });
    made.session.setMode('ace/mode/rust');
    const isDark = /navy|coal|ayu/.test(document.documentElement.className);
    made.setTheme(isDark ? 'ace/theme/tomorrow_night' : 'ace/theme/dawn');
    made.textInput.getElement().setAttribute('aria-label', `${words.edit}: ${listing}`);
    made.commands.addCommand({ name: 'leave', bindKey: 'Esc', exec: () => bar.querySelector('.run').focus() });
    made.setValue(localStorage.getItem(kept(listing)) ?? original, -1);
    made.on('change', () => localStorage.setItem(kept(listing), made.getValue()));
    place.addEventListener('keydown', event => event.stopPropagation());
    editors.set(bar, made);
    return () => {
        editors.delete(bar);
        made.destroy();
        place.remove();
        block.hidden = false;
        localStorage.removeItem(kept(listing));
    };
};

const prepareBars = listings => {
    for (const bar of document.querySelectorAll('.listing-bar:not([data-ready])')) {
        bar.dataset.ready = 'yes';
        const { listing } = bar.dataset;
        if (listings.find(({ name }) => name === listing)?.takes_arguments) {
            const field = element('input', { className: 'argument', placeholder: words.argument, maxLength: 1000 });
            field.setAttribute('aria-label', words.argument);
            field.addEventListener('keydown', event => {
                event.stopPropagation();
                if (event.key === 'Enter') {
                    bar.querySelector('.run').click();
                }
            });
            bar.querySelector('code').after(field);
        }
        const block = bar.previousElementSibling;
        const code = block.querySelector('code.whole-listing');
        if (!code || typeof ace === 'undefined') {
            continue;
        }
        const original = code.textContent;
        const edit = element('button', { type: 'button', className: 'edit', textContent: words.edit });
        const reset = element('button', { type: 'button', className: 'reset', textContent: words.reset, hidden: true });
        let undo = null;
        const open = () => {
            undo = editor(bar, block, original, listing);
            edit.hidden = true;
            reset.hidden = false;
        };
        edit.addEventListener('click', () => { open(); editors.get(bar).focus(); });
        reset.addEventListener('click', () => { undo(); edit.hidden = false; reset.hidden = true; edit.focus(); });
        bar.querySelector('.run').after(edit, reset);
        if (localStorage.getItem(kept(listing)) !== null) {
            open();
        }
    }
};

// The server's news.
const news = openEvents();
const on = (kind, act) => news.addEventListener(kind, event => act(JSON.parse(event.data)));
const ownBuild = Number(document.querySelector('script[data-build]').dataset.build);
on('whole', ({ panes: open, post, listings, build }) => {
    if (build.id !== ownBuild) {
        location.reload();
        return;
    }
    if (build.failure) {
        showFailure(build.failure);
    }
    notice.textContent = '';
    panes.replaceChildren();
    open.forEach(addPane);
    showPost(post);
    prepareBars(listings);
    setOpen(isOpen());
});
on('pane', pane => { addPane(pane); setOpen(true); });
on('output', ([id, piece]) => print(id, piece));
on('state', ([id, state]) => setState(id, state));
on('closed', id => {
    terminals.delete(id);
    const pane = paneOf(id);
    const hadFocus = pane?.contains(document.activeElement);
    pane?.remove();
    setOpen(isOpen());
    if (hadFocus) {
        (panes.querySelector('pre') ?? lastRun ?? document.body).focus();
    }
});
on('post', showPost);
on('prebuild', line => { notice.textContent = line; });
on('built', () => location.reload());
const showFailure = why => {
    let box = document.getElementById('workbook-failed');
    if (!box) {
        box = element('pre', { id: 'workbook-failed' });
        box.setAttribute('role', 'alert');
        document.querySelector('main').before(box);
    }
    box.textContent = why;
};
on('failed', showFailure);
news.addEventListener('error', () => { notice.textContent = words.gone; });
