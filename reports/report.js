"use strict";
(() => {
  const root = document.documentElement;
  const readings = [...document.querySelectorAll(".reading")];
  const button = (text, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", act);
    return made;
  };

  // Anchors of the second language begin with its name; every other link means the language that is read.
  const place = (id) => (id ? document.getElementById(`${root.lang}.${id}`) ?? document.getElementById(id) : null);
  const bare = (id) => id.replace(/^[a-z]{2}\./, "");
  const read = (reading) => {
    for (const other of readings) other.hidden = other !== reading;
    root.lang = reading.lang;
    document.title = reading.dataset.title;
  };
  // The reader stays at the same passage, and rules stay open.
  const change = (from, to) => {
    const passages = [...from.querySelectorAll("section[id], details.rule[id]")];
    const seen = passages.filter((passage) => passage.getBoundingClientRect().top < 80).pop();
    read(to);
    for (const rule of from.querySelectorAll("details.rule")) place(bare(rule.id)).open = rule.open;
    if (seen) place(bare(seen.id)).scrollIntoView();
    to.querySelector(".language").focus({ preventScroll: true });
  };

  // Buttons exist only where a script runs: without one nothing on the page is dead.
  const print = (part) => () => {
    root.dataset.print = part;
    window.print();
    delete root.dataset.print;
  };
  // For a look over the shoulder: the names stay in the file. Pseudonyms are made when the report is.
  const hides = [];
  const hide = () => {
    const hidden = root.dataset.names !== "hidden";
    if (hidden) root.dataset.names = "hidden";
    else delete root.dataset.names;
    for (const made of hides) made.setAttribute("aria-pressed", hidden);
  };
  for (const reading of readings) {
    const words = reading.dataset;
    const hiding = button(words.hideNames, hide);
    hiding.setAttribute("aria-pressed", false);
    hides.push(hiding);
    const tools = reading.querySelector(".tools");
    for (const other of readings) {
      if (other === reading) continue;
      const made = button(other.dataset.language, () => change(reading, other));
      made.className = "language";
      made.lang = other.lang;
      tools.append(made);
    }
    tools.append(hiding, button(words.printPage, print("page")), button(words.printAll, print("all")));
    for (const block of reading.querySelectorAll(".command")) {
      const copy = button(words.copy, async () => {
        const code = block.querySelector("code");
        try {
          await navigator.clipboard.writeText(code.textContent);
          copy.textContent = words.copied;
          setTimeout(() => { copy.textContent = words.copy; }, 1500);
        } catch {
          getSelection().selectAllChildren(code);
        }
      });
      block.append(copy);
    }
  }

  const show = () => {
    const id = location.hash.slice(1);
    const target = place(id);
    const reading = target?.closest(".reading");
    if (!reading) return;
    const elsewhere = reading.hidden || target.id !== id;
    if (reading.hidden) read(reading);
    if (target instanceof HTMLDetailsElement) target.open = true;
    if (target instanceof HTMLDetailsElement || elsewhere) target.scrollIntoView();
  };
  addEventListener("hashchange", show);
  show();

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details.rule:not([open])")];
    for (const rule of closed) rule.open = true;
  });
  addEventListener("afterprint", () => {
    for (const rule of closed) rule.open = false;
  });
})();
