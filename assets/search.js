// Answers for mdBook's own search box, in both languages, from the text that mdBook's index holds of every section.
//
// The index itself knows words as what stands between spaces, so of a Chinese sentence it knows nothing, and a question of
// several words finds whatever has one of them. Here a section ranks by how much of the question it speaks of.
(() => {
    const box = document.getElementById('mdbook-searchbar');
    const list = document.getElementById('mdbook-searchresults');
    const header = document.getElementById('mdbook-searchresults-header');
    if (!window.elasticlunr || !box || !list || !header) {
        return; // this book has no search
    }
    const isHan = text => /\p{sc=Han}/u.test(text);
    const WORDS = /\p{sc=Han}+|(?:(?!\p{sc=Han})[\p{L}\p{N}_])+/gu;
    // Lower-case words with one space between: runs of Chinese, and words of other scripts. Full-width forms become plain.
    const words = text => text.normalize('NFKC').toLowerCase().match(WORDS) ?? [];
    // mdBook's index has a space wherever an element begins, in the middle of a Chinese sentence, too.
    const joined = text => text.replace(/([\p{sc=Han}，。、；：！？”）》])\s+(?=[\p{sc=Han}“（《])/gu, '$1');
    const flat = text => ` ${words(joined(text)).join(' ')} `;

    // What a question asks about, without the words that it asks with (unless it has no others).
    const ASKING = /为什么|怎么办|怎么样|怎么|怎样|如何|什么|是不是|有没有|吗|呢/gu;
    const asked = query => {
        const telling = words(query.replace(ASKING, ' ')).filter(word => isHan(word) || elasticlunr.stopWordFilter(word));
        return telling.length ? telling : words(query);
    };

    // What a word of another script weighs, counted in Chinese characters.
    const WORD = 3;
    // The longest parts of a run of Chinese that a text contains, from left to right; single characters count for nothing.
    const partsIn = (text, run) => {
        const characters = [...run];
        const least = Math.min(2, characters.length);
        const parts = [];
        for (let from = 0; from + least <= characters.length;) {
            let to = characters.length;
            while (to - from >= least && !text.includes(characters.slice(from, to).join(''))) {
                to -= 1;
            }
            if (to - from >= least) {
                parts.push(characters.slice(from, to).join(''));
                from = to;
            } else {
                from += 1;
            }
        }
        return parts;
    };
    // A word of another script counts where a text has one that begins as its stem does.
    const wordIn = (text, word) => {
        const stem = elasticlunr.stemmer(word);
        const forms = word.startsWith(stem) ? [stem] : [word, stem];
        return forms.map(form => ` ${form}`).filter(form => text.includes(form));
    };
    const found = (text, word) => isHan(word) ? partsIn(text, word) : wordIn(text, word).slice(0, 1);

    // The text of every section, made comparable once for each index.
    const sectionsOf = index => {
        index.workbookSections ??= Object.entries(index.documentStore.docs).map(([ref, doc]) => {
            const [title, body, breadcrumbs] = [doc.title, doc.body, doc.breadcrumbs].map(flat);
            return { ref, doc, title, body, breadcrumbs, all: title + body + breadcrumbs };
        });
        return index.workbookSections;
    };

    const count = (text, part) => text.split(part).length - 1;
    const placeOf = ref => window.search.doc_urls[ref];
    // What the teacher's pages and the list of errors say of a subject counts less than the chapter that teaches it.
    const ASIDE = /^(?:teaching\/|errors\.html)/;
    const LESS = 0.4;
    // The sections that answer a question, the best first.
    const answers = (sections, query, options) => {
        const rarity = new Map();
        const weigh = part => {
            if (!rarity.has(part)) {
                const holders = sections.filter(section => section.all.includes(part)).length;
                rarity.set(part, (isHan(part) ? part.length : WORD) * Math.log(1 + sections.length / holders));
            }
            return rarity.get(part);
        };
        const boost = field => options.fields[field].boost;
        const usual = sections.reduce((sum, { body }) => sum + body.length, 0) / sections.length;
        const phrase = flat(query);
        const phraseLength = words(query).length;
        const questions = [...new Set(asked(query))];
        const results = [];
        for (const { ref, doc, title, body, breadcrumbs, all } of sections) {
            let score = 0;
            let covered = 0; // how much of the question the section speaks of, 0 to 1
            for (const question of questions) {
                const parts = found(all, question);
                covered += (isHan(question) ? parts.join('').length / question.length : parts.length) / questions.length;
                for (const part of parts) {
                    const times = count(body, part); // once in a short text says more than once in a long one
                    score += weigh(part) * (boost('title') * title.includes(part) + boost('breadcrumbs')
                        * count(breadcrumbs, part) + boost('body') * times / (times + 0.5 + body.length / usual / 2));
                }
            }
            if (score > 0) {
                score *= covered * covered * (all.includes(phrase) ? phraseLength : 1); // a pasted message is long
                score *= ASIDE.test(placeOf(ref)) ? LESS : 1;
                results.push({ ref, doc, score, covered });
            }
        }
        const most = Math.max(...results.map(result => result.covered));
        return results.filter(({ covered }) => covered > most / 2).sort((one, other) => other.score - one.score);
    };

    let latest = [];
    elasticlunr.Index.prototype.search = function (query, options) {
        const sections = sectionsOf(this);
        const results = answers(sections, query, options);
        // A quiz, half of which is wrong on purpose, comes last.
        const isQuiz = ({ ref }) => placeOf(ref).endsWith('#quiz');
        latest = [...results.filter(result => !isQuiz(result)), ...results.filter(isQuiz)];
        queueMicrotask(finish); // when mdBook has filled its list
        return latest;
    };

    // What to mark in a section: the parts of the question that it holds, and whole words; the longest first.
    const marksFor = (query, doc) => {
        const text = flat(`${doc.title} ${doc.body} ${doc.breadcrumbs}`);
        const marks = asked(query).flatMap(question => found(text, question)).flatMap(part => isHan(part) ? part
            : text.split(' ').filter(word => word.startsWith(part.trim())));
        return [...new Set(marks)].sort((one, other) => other.length - one.length);
    };
    const pattern = marks => {
        const forms = marks.map(mark => isHan(mark) ? [...mark].join('\\s*') : `\\b${mark}`);
        return new RegExp(`(${forms.join('|')})`, 'giu');
    };

    // mdBook cuts a teaser at spaces: of a Chinese section it would show all, unmarked; and of an English one it marks words like
    // “the”. This one has the longest hit in it.
    const BEFORE = 30;
    const LENGTH = text => (isHan(text) ? 120 : 240);
    const showTeaser = (teaser, text, marks) => {
        const hits = marks.map(mark => text.search(pattern([mark]))).filter(at => at >= 0);
        let from = Math.max(0, (hits[0] ?? 0) - BEFORE);
        while (from > 0 && /[\p{ASCII}]{2}/u.test(text.slice(from - 1, from + 1)) && text[from - 1] !== ' ') {
            from -= 1; // not in the middle of an English word
        }
        const length = LENGTH(text);
        const shown = text.slice(from, from + length);
        const pieces = marks.length ? shown.split(pattern(marks)) : [shown];
        teaser.replaceChildren(from > 0 ? '…' : '', ...pieces.map((piece, i) => {
            return i % 2 ? Object.assign(document.createElement('em'), { textContent: piece }) : piece;
        }), from + length < text.length ? '…' : '');
    };

    const finish = () => {
        const query = box.value.trim();
        [...list.children].forEach((item, i) => {
            const doc = latest[i].doc;
            const marks = marksFor(query, doc);
            const link = item.querySelector('a');
            link.search = `?highlight=${encodeURIComponent(marks.join(' '))}`;
            if (marks.length) {
                showTeaser(item.querySelector('.teaser'), joined(doc.body), marks);
            }
        });
        if (document.documentElement.lang === 'zh-CN' && query) {
            const count = list.children.length;
            header.textContent = count ? `“${query}”：找到 ${count} 处` : `没有找到“${query}”`;
        }
    };
    // mdBook listens to keys alone: it hears neither the mouse that pastes nor the end of a Chinese input method.
    const ask = () => box.dispatchEvent(new KeyboardEvent('keyup'));
    box.addEventListener('input', event => event.isComposing || ask());
    box.addEventListener('compositionend', ask);

    // What is found inside a fold is shown: mdBook marks it when the page has come from a search.
    const main = document.querySelector('main');
    const openFolds = () => {
        for (const fold of main.querySelectorAll('details:not([open]):has(mark)')) {
            fold.open = true;
        }
    };
    openFolds();
    new MutationObserver(changes => {
        if (changes.some(({ addedNodes }) => [...addedNodes].some(({ localName }) => localName === 'mark'))) {
            openFolds();
        }
    }).observe(main, { subtree: true, childList: true });

    // With ?search=… in the address, mdBook may have searched before this script ran, and it doesn't search the same twice.
    if (window.search?.index && box.value) {
        const query = box.value;
        for (const value of ['-', query]) {
            box.value = value;
            ask();
        }
    }
})();
