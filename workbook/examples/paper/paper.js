// Makes a book of mdBook's print page: contents in front, the quizzes without their answers, and an answer key at the end.
// Called with the entries of the summary, `{ part }` or `{ chapter }`, and the words for what is added.
(entries, words) => {
    const main = document.querySelector("main");
    document.body.replaceChildren(main);
    document.body.className = "paper";
    const make = (html) => {
        const template = document.createElement("template");
        template.innerHTML = html.trim();
        return template.content.firstElementChild;
    };

    main.querySelectorAll("script, noscript, button, .listing-bar, .page-turn, .boring, [style*='page-break-before']").forEach((e) => e.remove());
    main.querySelectorAll("a.header").forEach((link) => link.replaceWith(...link.childNodes));
    main.querySelectorAll("details").forEach((details) => { details.open = true; });
    main.querySelectorAll("img").forEach((image) => { image.loading = "eager"; }); // all of them are shown at once

    // One section for each chapter; mdBook has put them one after the other.
    const headings = [...main.querySelectorAll("h1")];
    const named = entries.filter((entry) => entry.chapter);
    if (headings.length !== named.length) throw new Error(`${named.length} chapters and ${headings.length} headings`);
    const chapters = headings.map((heading, at) => {
        const section = make(`<section class="paper-chapter"></section>`);
        let top = heading;
        while (top.parentElement !== main) top = top.parentElement;
        top.before(section);
        for (let node = top; node && !headings.slice(at + 1).some((later) => node.contains(later));) {
            const next = node.nextSibling;
            section.append(node);
            node = next;
        }
        return { section, heading, title: named[at].chapter };
    });
    let part = null;
    let index = 0;
    const contents = make(`<section class="paper-contents"><h1>${words.contents}</h1><ul></ul></section>`);
    const line = (id, title, kind) => contents.lastElementChild.append(
        make(`<li class="paper-${kind}-entry">${id ? `<a href="#${id}"><span>${title}</span> <span class="paper-number">000</span></a>` : title}</li>`));
    for (const entry of entries) {
        if (entry.part) {
            part = entry.part;
            line(null, part, "part");
            continue;
        }
        const { section, heading, title } = chapters[index++];
        if (part) section.prepend(make(`<p class="paper-part">${part}</p>`));
        part = null;
        line(heading.id, title, "chapter");
    }

    // The quizzes: options with letters, and what was said about each of them at the end of the book.
    const key = make(`<section class="paper-chapter paper-answers"><h1 id="answer-key">${words.answers}</h1></section>`);
    for (const { section, heading, title } of chapters) {
        const quiz = section.querySelector("workbook-quiz");
        if (!quiz) continue;
        const id = `answers-${heading.id}`;
        key.append(make(`<h2 id="${id}">${title}</h2>`));
        for (const questions of quiz.querySelectorAll("ol")) {
            const answers = make(`<ol></ol>`);
            const language = questions.closest("[lang]")?.lang;
            if (language) answers.lang = language;
            for (const question of [...questions.children]) {
                const options = question.querySelector(":scope > ul");
                const lettered = make(`<ol type="A"></ol>`);
                const comments = make(`<ol type="A"></ol>`);
                for (const option of [...options.children]) {
                    const box = option.querySelector("input");
                    const [asked, ...explained] = box.closest("p") ? [...option.children] : [make(`<p></p>`)];
                    if (!box.closest("p")) asked.append(...option.childNodes);
                    const mark = box.hasAttribute("checked") ? "✓" : "✗";
                    box.remove();
                    const comment = make(`<li><p>${mark} </p></li>`);
                    if (explained.length) comment.firstElementChild.append(...explained.shift().childNodes);
                    comment.append(...explained);
                    comments.append(comment);
                    const kept = document.createElement("li");
                    kept.append(asked);
                    lettered.append(kept);
                }
                options.replaceWith(lettered);
                const answer = document.createElement("li");
                answer.append(comments);
                answers.append(answer);
            }
            key.append(answers);
        }
        quiz.append(make(`<p class="to-answers"><a href="#${id}">${words.answers}</a></p>`));
        quiz.replaceWith(Object.assign(make(`<div class="paper-quiz"></div>`), { innerHTML: quiz.innerHTML }));
    }
    line("answer-key", words.answers, "chapter");

    const title = make(`<section class="paper-title"><h1></h1><p class="paper-description"></p><p class="paper-licence">CC BY 4.0</p></section>`);
    title.querySelector("h1").textContent = words.title;
    title.querySelector(".paper-description").textContent = words.description;
    main.replaceChildren(title, contents, ...chapters.map(({ section }) => section), key);
}
