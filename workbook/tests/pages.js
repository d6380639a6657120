// What tests/pages.rs asks of a page in the browser: each function gives a list of problems, each with its element.
window.pageChecks = (() => {
    const named = element => {
        const id = element.id ? `#${element.id}` : '';
        const classes = [...element.classList].slice(0, 2).map(name => `.${name}`).join('');
        const text = element.textContent.trim().replace(/\s+/g, ' ').slice(0, 40);
        return `${element.localName}${id}${classes}${text ? ` “${text}”` : ''}`;
    };
    const isShown = element => element.checkVisibility({ visibilityProperty: true }) && !element.closest('.skip-link, [aria-hidden="true"]');
    const scrolls = element => /auto|scroll/.test(getComputedStyle(element).overflowX) || element.matches('.ace_editor'); // which scrolls by itself
    const inScrollBox = element => {
        for (let box = element.parentElement; box && !box.matches('.content, body'); box = box.parentElement) {
            if (scrolls(box)) {
                return true;
            }
        }
        return false;
    };

    // Nothing is wider than the window, and what is cut off can be scrolled to.
    const layout = () => {
        const problems = [];
        const width = document.documentElement.clientWidth;
        if (document.scrollingElement.scrollWidth > width) {
            problems.push(`the page is ${document.scrollingElement.scrollWidth} px wide: it scrolls sideways`);
        }
        const outside = [];
        for (const element of document.querySelectorAll('main *, .page-turn *, #mdbook-menu-bar *')) {
            const { left, right, width: own } = element.getBoundingClientRect();
            const sticksOut = own > 0 && (right > width + 1 || left < -1);
            if (sticksOut && isShown(element) && !inScrollBox(element) && !outside.some(other => other.contains(element))) {
                outside.push(element);
            }
        }
        problems.push(...outside.map(element => `sticks out of the window: wrap or shrink ${named(element)}`));
        for (const element of document.querySelectorAll('main :is(button, summary, figcaption, h1, h2, h3, p, li), .page-turn a, .editions a')) {
            if (isShown(element) && getComputedStyle(element).overflowX === 'hidden' && element.scrollWidth > element.clientWidth + 1) {
                problems.push(`its text is cut off: give it room: ${named(element)}`);
            }
        }
        for (const code of document.querySelectorAll('main :is(code, pre, kbd)')) {
            const size = parseFloat(getComputedStyle(code).fontSize);
            if (isShown(code) && size < 14) {
                problems.push(`code of ${size} px: set at least 14 px: ${named(code)}`);
            }
        }
        const bar = document.getElementById('mdbook-menu-bar');
        if (bar && bar.offsetHeight > 60) {
            problems.push(`the menu bar is ${bar.offsetHeight} px high: it has more than it holds in one line`);
        }
        return problems;
    };

    // How many characters the lines of the text's own paragraphs hold: the median of all lines but the last of each.
    const lineLength = lang => {
        const counts = [];
        for (const paragraph of document.querySelectorAll('main p')) {
            if (paragraph.closest('[lang]').lang !== lang || paragraph.closest('.start, figure, blockquote, details, li')) {
                continue;
            }
            const lines = new Map();
            const walker = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT);
            for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                for (let i = 0; i < node.length; i++) {
                    const range = document.createRange();
                    range.setStart(node, i);
                    range.setEnd(node, i + 1);
                    const { bottom, width } = range.getBoundingClientRect();
                    if (width > 0) {
                        const line = [...lines.keys()].find(key => Math.abs(key - bottom) < 8) ?? bottom;
                        const isHan = /[\p{sc=Han}\u3000-\u303f\uff00-\uffef“”…—]/u.test(node.data[i]);
                        lines.set(line, (lines.get(line) ?? 0) + (lang === 'en' || isHan ? 1 : .5));
                    }
                }
            }
            counts.push(...[...lines.entries()].sort(([a], [b]) => a - b).slice(0, -1).map(([, count]) => count));
        }
        counts.sort((a, b) => a - b);
        return { lines: counts.length, median: counts[counts.length >> 1] ?? 0 };
    };

    const axeProblems = async rules => {
        const { violations } = await axe.run(document, { resultTypes: ['violations'], preload: false, runOnly: rules });
        return violations.flatMap(({ id, help, nodes }) => nodes.slice(0, 4).map(node => {
            const why = (node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? '';
            return `axe, ${id}: ${help}: ${node.target.join(' ')}: ${why}`;
        }));
    };

    // A group of radio buttons is one stop: the arrow keys move within it.
    const isInGroupOfAnother = element => {
        const group = [...(element.form ?? document).querySelectorAll('input[type=radio]')].filter(({ name }) => name === element.name);
        return element.type === 'radio' && element !== (group.find(({ checked }) => checked) ?? group[0]);
    };

    // The controls that Tab has to come to, in the document's order.
    const controls = () => [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
        .filter(element => element.tabIndex >= 0 && !element.disabled && !isInGroupOfAnother(element) && element.checkVisibility({ visibilityProperty: true }));
    const stops = [];
    const watchFocus = () => {
        const wanted = controls();
        document.addEventListener('focusin', ({ target }) => {
            const style = getComputedStyle(target);
            const isSeen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1 || style.boxShadow !== 'none';
            stops.push({ isSeen, name: named(target), index: wanted.indexOf(target) });
        });
        return wanted.map(named);
    };

    // The sum of all shifts that no reader caused, and when the first text was painted.
    const arrival = () => {
        const paint = performance.getEntriesByName('first-contentful-paint')[0];
        return { shift: window.pageShifts.reduce((sum, shift) => sum + shift.value, 0), shifts: window.pageShifts, paint: paint?.startTime ?? null };
    };
    return { layout, lineLength, axeProblems, watchFocus, stops: () => stops, arrival };
})();
