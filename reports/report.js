"use strict";
(() => {
  const words = document.body.dataset;
  const root = document.documentElement;
  const button = (text, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", act);
    return made;
  };

  // Buttons exist only where a script runs: without one nothing on the page is dead.
  const print = (part) => () => {
    root.dataset.print = part;
    window.print();
    delete root.dataset.print;
  };
  document.querySelector(".tools").append(button(words.printPage, print("page")), button(words.printAll, print("all")));

  for (const block of document.querySelectorAll(".command")) {
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

  const show = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target instanceof HTMLDetailsElement) {
      target.open = true;
      target.scrollIntoView();
    }
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
