// What every page gets, in whatever way it was built and from wherever it is read.
(() => {
    // The table of contents opens from a button; what mdBook's style sheets and script look at is a check box.
    const open = document.getElementById('mdbook-sidebar-toggle-anchor');
    document.getElementById('mdbook-sidebar-toggle').addEventListener('click', () => {
        open.checked = !open.checked;
        open.dispatchEvent(new Event('change'));
    });

    // What is wider than its box fades out where it is cut, and is scrolled with the keyboard, too.
    const boxes = document.querySelectorAll('main pre > code, main .table-wrapper, main figure, main figure.picture > p');
    const look = box => {
        const hidden = box.scrollWidth - box.clientWidth;
        if (hidden > 1) {
            box.tabIndex = 0;
        }
        box.classList.toggle('is-cut', hidden - Math.abs(box.scrollLeft) > 8);
    };
    const sizes = new ResizeObserver(entries => entries.forEach(({ target }) => look(target)));
    for (const box of boxes) {
        look(box);
        sizes.observe(box);
        box.addEventListener('scroll', () => look(box), { passive: true });
    }

    // mdBook's keys: where `/` needs Shift or AltGr (on a German keyboard, a Swiss one) it opens the search all the same; and
    // an arrow key in a box that can be scrolled scrolls it, and turns no page.
    document.addEventListener('keydown', event => {
        const { key, target } = event;
        if (!(target instanceof Element)) {
            return; // a page that is still loading
        }
        const isTyping = target.matches('input, textarea, select, [contenteditable]');
        if (key === '/' && (event.shiftKey || event.getModifierState('AltGraph')) && !isTyping) {
            event.preventDefault();
            event.stopImmediatePropagation();
            target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
        } else if ((key === 'ArrowLeft' || key === 'ArrowRight') && (isTyping || target.scrollWidth > target.clientWidth + 1 && target.tabIndex === 0 && target.matches('main *'))) {
            event.stopPropagation();
        }
    }, { capture: true });

    // mdBook's own buttons speak English; in the Chinese edition they speak Chinese.
    if (document.documentElement.lang !== 'zh-CN') {
        return;
    }
    const words = {
        'Toggle Table of Contents': '显示或隐藏目录',
        'Table of contents': '目录',
        'Change theme': '切换主题',
        'Themes': '主题',
        'Search (`/`)': '搜索（/）',
        'Toggle Searchbar': '显示或隐藏搜索框',
        'Search this book ...': '在本书中搜索……',
        'Print this book': '打印本书',
        'Page navigation': '翻页',
        'Previous chapter': '上一章',
        'Next chapter': '下一章',
        'Copy to clipboard': '复制',
        'Show hidden lines': '显示隐藏的行',
        'Auto': '自动', 'Light': '浅色', 'Rust': '铁锈', 'Coal': '炭黑', 'Navy': '海军蓝', 'Ayu': 'Ayu',
        'Keyboard shortcuts': '键盘快捷键',
    };
    const attributes = ['title', 'aria-label', 'placeholder'];
    for (const element of document.querySelectorAll('[title], [aria-label], [placeholder]')) {
        for (const attribute of attributes) {
            const translated = words[element.getAttribute(attribute)];
            if (translated) {
                element.setAttribute(attribute, translated);
            }
        }
    }
    for (const element of document.querySelectorAll('.theme, .mdbook-help-title')) {
        element.textContent = words[element.textContent] ?? element.textContent;
    }
    const help = ['← 或 →：上一章、下一章', 'S 或 /：搜索', '?：显示本帮助', 'Esc：关闭本帮助'];
    document.querySelectorAll('#mdbook-help-popup p').forEach((line, i) => { line.textContent = help[i] ?? line.textContent; });
})();
