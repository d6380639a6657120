// Takes the prepared book apart for an e-book: one XHTML page for each section, and the drawings as pictures of their own.
(() => {
    const PAINT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-weight", "text-anchor", "transform"];
    const xml = new XMLSerializer();
    const drawings = [];
    for (const drawing of document.querySelectorAll("main svg")) {
        const shown = drawing.cloneNode(true);
        const copies = [...shown.querySelectorAll("*")];
        [...drawing.querySelectorAll("*")].forEach((element, at) => {
            const style = getComputedStyle(element);
            if (style.display === "none" && !["title", "desc"].includes(element.localName)) return copies[at].setAttribute("hidden", "");
            if (["title", "desc"].includes(element.localName)) return;
            for (const property of PAINT) copies[at].setAttribute(property, style.getPropertyValue(property));
        });
        const alt = [...shown.querySelectorAll("desc")].filter((desc) => !desc.closest("[hidden]")).map((desc) => desc.textContent.trim()).join(" ");
        shown.querySelectorAll("[hidden]").forEach((hidden) => hidden.remove());
        shown.setAttribute("font-family", "sans-serif");
        shown.setAttribute("color", getComputedStyle(drawing).color);
        const image = document.createElement("img");
        image.src = `drawing-${drawings.length + 1}.svg`;
        image.alt = alt;
        drawing.replaceWith(image);
        drawings.push(xml.serializeToString(shown));
    }

    const pictures = new Set();
    for (const image of document.querySelectorAll("main img:not([src^='drawing-'])")) {
        pictures.add(image.getAttribute("src"));
        const link = image.closest("a");
        if (link) link.replaceWith(image); // an e-book's links lead to pages
    }
    for (const element of document.querySelectorAll("main *")) {
        if (element.localName.includes("-") && element.namespaceURI === document.documentElement.namespaceURI) {
            element.replaceWith(Object.assign(document.createElement("div"), { innerHTML: element.innerHTML }));
        }
    }
    const sections = [...document.querySelectorAll("main > section:not(.paper-contents)")];
    const name = (at) => `page-${String(at).padStart(2, "0")}.xhtml`;
    const pages = new Map(sections.flatMap((section, at) => [...section.querySelectorAll("[id]")].map((e) => [e.id, name(at)])));
    for (const link of document.querySelectorAll("main a")) {
        const href = link.getAttribute("href") ?? "";
        const page = pages.get(decodeURIComponent(href.slice(1)));
        if (href.startsWith("#") && page) link.setAttribute("href", page + href);
        else if (!/^https?:/.test(href)) link.replaceWith(...link.childNodes);
    }
    return {
        drawings,
        pictures: [...pictures],
        pages: sections.map((section, at) => ({
            name: name(at),
            title: section.querySelector("h1").textContent.trim(),
            head: xml.serializeToString(document.createTextNode(section.querySelector("h1").textContent.trim())),
            parts: [...section.querySelectorAll("h2[id]")].map((heading) => ({ id: heading.id, title: heading.textContent.trim() })),
            body: xml.serializeToString(section),
        })),
    };
})()
