// What the camera needs in a page of RabbitMQ's console: a way to find things, and numbered frames drawn around them.
// The frames are elements of the page, laid over it; nothing of what the console says is changed.
globalThis.book = (() => {
    const accent = '#b0126b'; // a colour that the console doesn't use
    const shows = element => element && element.getClientRects().length > 0;

    // The first visible element that matches and has exactly this text.
    const find = (selector, text) => [...document.querySelectorAll(selector)]
        .find(element => shows(element) && (text === undefined || element.textContent.trim() === text));

    // In the list of queues: the cell of `hello` under a heading.
    const cell = heading => {
        const headings = [...document.querySelectorAll('table.list thead tr:last-child th')];
        const row = find('table.list tbody a', 'hello')?.closest('tr');
        return row?.cells[headings.findIndex(th => th.textContent.trim() === heading)];
    };

    // The words of an element without the empty room beside them.
    const words = element => {
        const range = document.createRange();
        range.selectNodeContents(element);
        return range;
    };

    // On a queue's page and of a message: the values beside a name.
    const fact = (name, count = 1) => {
        const named = [...document.querySelectorAll('table.facts th')]
            .find(th => shows(th) && th.innerText.trim().startsWith(name));
        return named && [...named.parentElement.querySelectorAll('td')].slice(0, count).map(words);
    };

    // The smallest rectangle around elements, with some room, in the page's coordinates; not wider than that.
    const around = (elements, room, width = Infinity) => {
        const rects = elements.map(element => element.getBoundingClientRect());
        const left = Math.min(...rects.map(r => r.left)) + scrollX - room;
        const top = Math.min(...rects.map(r => r.top)) + scrollY - room;
        const right = Math.max(...rects.map(r => r.right)) + scrollX + room;
        const bottom = Math.max(...rects.map(r => r.bottom)) + scrollY + room;
        return new DOMRect(left, top, Math.min(right - left, width), bottom - top);
    };

    // Draws a frame around elements, with a number on its right or its lower side, where it hides no words.
    const mark = (number, side, ...elements) => {
        const { x, y, width, height } = around(elements, 4);
        const box = document.createElement('div');
        box.className = 'book-mark';
        box.style = `position: absolute; left: ${x}px; top: ${y}px; width: ${width}px; height: ${height}px;
            box-sizing: border-box; border: 2.5px solid ${accent}; border-radius: 5px; z-index: 1000; pointer-events: none`;
        const badge = document.createElement('div');
        badge.textContent = number;
        const place = side === 'below' ? 'left: calc(50% - 11px); bottom: -15px' : 'right: -27px; top: calc(50% - 11px)';
        badge.style = `position: absolute; ${place}; width: 22px; height: 22px; border-radius: 50%;
            background: ${accent}; color: white; font: bold 15px/22px sans-serif; text-align: center;
            box-shadow: 0 0 0 1.5px white`;
        box.append(badge);
        document.body.append(box);
    };
    const unmark = () => document.querySelectorAll('.book-mark').forEach(mark => mark.remove());

    // What differs from one run to the next stays out of the picture: the curves of the last minute, and memory. By rules,
    // because the console draws its page again every five seconds. And the table of messages begins a line of its own, as in
    // a narrow window, so that all of it is in a picture that is narrow enough to be read.
    const rules = document.createElement('style');
    rules.textContent = `.updatable > :is(h3:has(.popup-options-link), .box:has(.chart)),
        tr:has(#queue-process-memory) { display: none }
        .facts:has(#queue-messages) { clear: both }`;
    document.head.append(rules);

    return { find, cell, fact, words, around, mark, unmark };
})();
