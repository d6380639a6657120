// A term's meaning on hover and focus. The book's build has put it into the title of the link to the section that explains the
// term; without scripts the browser shows it as it shows titles, with the mouse alone.
(() => {
    const terms = document.querySelectorAll('main a[title]');
    if (!terms.length) {
        return;
    }
    const box = document.createElement('div');
    box.id = 'term-meaning';
    box.setAttribute('role', 'tooltip');
    box.hidden = true;
    document.body.append(box);
    let shown = null; // the link whose meaning is in the box
    let timer = 0;

    const place = () => {
        // A term may be broken over two lines: the box goes to the first piece.
        const at = shown.getClientRects()[0] ?? shown.getBoundingClientRect();
        const room = document.documentElement.clientWidth - box.offsetWidth - 8;
        const above = at.top - box.offsetHeight - 6;
        box.style.left = `${Math.max(8, Math.min(at.left, room))}px`;
        box.style.top = `${above > 60 ? above : at.bottom + 6}px`; // below the menu bar
    };
    const show = link => {
        clearTimeout(timer);
        if (shown !== link) {
            hide();
            shown = link;
            box.textContent = link.dataset.meaning;
            box.lang = link.closest('[lang]').lang;
            link.setAttribute('aria-describedby', box.id);
        }
        box.hidden = false;
        place();
    };
    const hide = () => {
        clearTimeout(timer);
        shown?.removeAttribute('aria-describedby');
        shown = null;
        box.hidden = true;
    };
    const later = (action, milliseconds) => {
        clearTimeout(timer);
        timer = setTimeout(action, milliseconds);
    };

    for (const link of terms) {
        link.dataset.meaning = link.title;
        link.removeAttribute('title');
        link.classList.add('term');
        link.addEventListener('pointerenter', ({ pointerType }) => pointerType === 'mouse' && later(() => show(link), 150));
        link.addEventListener('pointerleave', ({ pointerType }) => pointerType === 'mouse' && later(hide, 200));
        link.addEventListener('focus', () => link.matches(':focus-visible') && show(link));
        link.addEventListener('blur', hide);
        // A finger can't hover: the first tap tells, the second one goes there.
        link.addEventListener('click', event => {
            if (event.pointerType === 'touch' && shown !== link) {
                event.preventDefault();
                show(link);
            }
        });
    }
    // The mouse may go over the box, to read on or to mark a word.
    box.addEventListener('pointerenter', () => clearTimeout(timer));
    box.addEventListener('pointerleave', () => later(hide, 200));
    document.addEventListener('keydown', ({ key }) => key === 'Escape' && hide());
    document.addEventListener('pointerdown', ({ target }) => target !== shown && !box.contains(target) && hide());
    addEventListener('scroll', () => shown && place(), { passive: true, capture: true });
    addEventListener('resize', () => shown && place());
})();
