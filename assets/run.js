// A Run button under each block of a listing. Served by `cargo workbook`, live.js takes the press and runs the program in
// the page; everywhere else the button shows the command to type and how to get the server.
(() => {
    const isChinese = document.documentElement.lang.startsWith('zh');
    const words = isChinese ? {
        run: '运行', copy: '复制命令', copied: '已复制',
        hint: '在终端里运行上面的命令。想直接在网页里运行，请在项目文件夹里用这条命令打开本书：',
        argument: '参数（可不填）',
    } : {
        run: 'Run', copy: 'Copy the command', copied: 'Copied',
        hint: 'Run the command above in a terminal. To run it here in the page, open the book from the project’s folder with',
        argument: 'argument (optional)',
    };

    const element = (tag, properties, ...children) => {
        const made = Object.assign(document.createElement(tag), properties);
        made.append(...children);
        return made;
    };

    for (const code of document.querySelectorAll('main code[class*="listing-"]')) {
        const listing = /(?:^|\s)listing-(\S+)/.exec(code.className)[1];
        const block = code.closest('pre.playground')?.parentElement.closest('pre') ?? code.closest('pre');
        const command = `cargo run -p ${listing}`;

        const run = element('button', { type: 'button', className: 'run', textContent: `▶ ${words.run}` });
        run.setAttribute('aria-label', `${words.run}: ${command}`);
        const copy = element('button', { type: 'button', className: 'copy-command', textContent: words.copy });
        const shown = element('code', { textContent: command });
        const hint = element('p', { className: 'run-hint', hidden: true },
            words.hint + ' ', element('code', { textContent: 'cargo workbook' }), isChinese ? '。' : '.');
        hint.setAttribute('role', 'status');
        const bar = element('div', { className: 'listing-bar' }, run, shown, copy, hint);
        bar.dataset.listing = listing;
        block.after(bar);

        run.addEventListener('click', () => {
            const order = { listing, bar };
            const asked = new CustomEvent('workbook-run', { detail: order, bubbles: true, cancelable: true });
            if (bar.dispatchEvent(asked)) {
                hint.hidden = false; // nobody runs it: there is no server
            }
        });
        copy.addEventListener('click', async () => {
            try {
                await navigator.clipboard.writeText(command);
            } catch { // a file:// page may not use the clipboard: mark the command, to be copied by hand
                getSelection().selectAllChildren(shown);
                return;
            }
            copy.textContent = words.copied;
            setTimeout(() => { copy.textContent = words.copy; }, 2000);
        });
    }
})();
