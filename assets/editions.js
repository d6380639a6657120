// The edition picker in the menu bar: same page, same place, another language.
// Only `cargo workbook build` adds it: plain `mdbook build` makes one edition and has nothing to pick.
(() => {
    const editions = [
        { folder: 'en', label: 'EN', name: 'English', lang: 'en' },
        { folder: 'zh-CN', label: '中文', name: '中文', lang: 'zh-CN' },
        { folder: 'en-zh', label: '对照', name: '中英对照 (English and Chinese side by side)', lang: 'zh-CN' },
    ];
    // path_to_root is mdBook's: the way from this page to its edition's folder.
    const root = new URL('./' + path_to_root, location.href);
    const current = root.pathname.split('/').at(-2);
    const bar = document.querySelector('.right-buttons');
    if (!bar || !editions.some(edition => edition.folder === current)) {
        return;
    }
    const here = location.href.replace(/[#?].*/, '');
    const page = here.slice(root.href.length);

    // The heading that the reader has last scrolled past: the twin page has one with the same id.
    const place = () => {
        const top = document.getElementById('mdbook-menu-bar').getBoundingClientRect().bottom + 40;
        const passed = [...document.querySelectorAll('main :is(h2, h3, h4)[id]')]
            .filter(heading => heading.getBoundingClientRect().top < top);
        return passed.length ? '#' + passed.at(-1).id : '';
    };

    const nav = document.createElement('nav');
    nav.className = 'editions';
    nav.setAttribute('aria-label', document.documentElement.lang === 'zh-CN' ? '语言' : 'Language');
    for (const { folder, label, name, lang } of editions) {
        const link = document.createElement('a');
        Object.assign(link, { textContent: label, title: name, lang, hreflang: lang });
        link.href = new URL(`../${folder}/${page}`, root);
        if (folder === current) {
            link.setAttribute('aria-current', 'true');
        } else {
            link.addEventListener('click', () => {
                link.hash = place();
                remember(folder);
            });
        }
        nav.append(link);
    }
    bar.prepend(nav);

    // index.html sends the reader back to the edition read last.
    const remember = folder => {
        try { localStorage.setItem('workbook-edition', folder); } catch { /* private window: nothing to remember in */ }
    };
    remember(current);
})();
