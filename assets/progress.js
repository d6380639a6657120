// What a reader has done, kept by the browser alone: the page that was read last, pages read to their end, answers to quizzes,
// exercises solved in the page. The editions share it. The table of contents and the first page show it, the review of a part
// brings back what was missed, and the first page can forget it all.
const workbookProgress = (() => {
    const words = workbookWords.progress;
    const KEY = 'workbook-progress';
    const EMPTY = { last: null, read: [], quiz: {} };
    const read = key => { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } }; // not kept, or not ours
    const state = () => ({ ...EMPTY, ...read(KEY) });
    const change = by => {
        try { localStorage.setItem(KEY, JSON.stringify({ ...state(), ...by })); } catch { /* not kept, then */ }
    };
    const element = (tag, properties = {}, ...children) => {
        const made = Object.assign(document.createElement(tag), properties);
        made.append(...children);
        return made;
    };

    // A page has the same name in each edition.
    const pageOf = address => /\/(?:en|zh-CN|en-zh)\/([^?#]*)$/.exec(new URL(address, location).pathname)?.[1].replace(/^(index\.html)?$/, 'welcome.html') ?? null;
    const page = ['print.html', '404.html'].includes(pageOf(location.href)) ? null : pageOf(location.href); // not one of the book's
    const links = () => [...document.querySelectorAll('#mdbook-sidebar ol.chapter a[href]')].filter(link => !link.hash && pageOf(link.href));
    const linkTo = name => links().find(link => pageOf(link.href) === name);

    const mark = () => {
        const { read: done } = state();
        for (const link of links()) {
            const isRead = done.includes(pageOf(link.href));
            const shown = link.querySelector('.read-mark');
            if (isRead && !shown) {
                const made = element('span', { className: 'read-mark', textContent: '✓' });
                made.setAttribute('role', 'img');
                made.setAttribute('aria-label', words.read);
                link.append(made);
            } else if (!isRead) {
                shown?.remove();
            }
        }
    };

    // Read is a page whose end was in sight.
    const end = document.querySelector('nav.nav-wrapper, main > :last-child');
    if (page && end) {
        new IntersectionObserver((entries, observer) => {
            if (entries.some(entry => entry.isIntersecting) && scrollY > 0) {
                observer.disconnect();
                change({ read: [...new Set([...state().read, page])] });
                mark();
            }
        }).observe(end);
    }

    // On the first page: where to go on, how much is done, and how to forget it.
    const showSum = figure => {
        const { last, read: done, quiz } = state();
        const solved = read('workbook-solved') ?? [];
        const answers = Object.values(quiz);
        if (!last && done.length + solved.length + answers.length === 0) {
            return;
        }
        const link = last && linkTo(last);
        if (link) { // the figure has room for it, so nothing moves
            figure.append(element('a', { className: 'go-on', href: link.href, textContent: words.goOn(link.firstChild.textContent.trim()) }));
        }
        const right = answers.filter(answer => answer.isRight).length;
        const told = element('span', { textContent: words.sum(done.length, links().length, right, solved.length) });
        const forget = element('button', { type: 'button', className: 'forget', textContent: words.forget });
        const sum = element('reading-progress', {}, told, forget);
        forget.addEventListener('click', () => {
            if (confirm(words.sure)) {
                Object.keys(localStorage).filter(key => /^workbook-(progress|solved|puzzles|exercise-|edit-|undo-)/.test(key)).forEach(key => localStorage.removeItem(key));
                sum.replaceChildren(words.forgotten);
                figure.querySelector('.go-on')?.remove();
                mark();
            }
        });
        document.querySelector('main').append(sum);
    };
    // In a part's review: the questions that were answered wrongly last time.
    const showMissed = before => {
        const missed = Object.entries(state().quiz).filter(([, { isRight }]) => !isRight).map(([key]) => key.split('#')).filter(([name]) => linkTo(name));
        if (missed.length === 0) {
            return;
        }
        const items = missed.map(([name, number]) => {
            const link = linkTo(name);
            return element('li', {}, element('a', { href: `${link.href}#quiz`, textContent: words.question(link.firstChild.textContent.trim(), number) }));
        });
        before.before(element('section', { className: 'missed' }, element('p', { textContent: words.missed }), element('ul', {}, ...items)));
    };

    document.addEventListener('DOMContentLoaded', () => {
        mark();
        const first = document.querySelector('main first-message');
        const quiz = page?.endsWith('/review.html') && document.querySelector('main h2#quiz');
        if (first) {
            showSum(first);
        } else if (page) {
            change({ last: page });
        }
        if (quiz) {
            showMissed(quiz);
        }
    });

    return {
        // The answer to a question of this page's quiz as it was kept: `{ chosen, tries, isRight }`, or null.
        answer: number => (page && state().quiz[`${page}#${number}`]) ?? null,
        // Keeps one; null forgets it.
        keepAnswer: (number, answer) => {
            if (!page) {
                return;
            }
            const { quiz } = state();
            const { [`${page}#${number}`]: _, ...others } = quiz;
            change({ quiz: answer ? { ...others, [`${page}#${number}`]: answer } : others });
        },
    };
})();
