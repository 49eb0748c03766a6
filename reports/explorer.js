(() => {
  const island = document.getElementById("data");
  if (!island) return;
  const root = document.documentElement;
  const MARGIN = 8;
  const KEYS = ["severity", "rule", "object", "detail", "state", "seen"];
  const SHAPES = { critical: "M1 1h10v10H1z", high: "M6 .6 11.6 11H.4z", medium: "M1 6a5 5 0 1 0 10 0a5 5 0 1 0-10 0z", low: "M2 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0z" };
  const wanted = { q: "", s: "", r: "", t: "", key: "severity", up: true };
  let all, words, spoken, folded, ranks, parts, hidden = false, found = [];
  const drawn = new Map();

  const make = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const say = (text) => (Array.isArray(text) ? text[spoken] : text);
  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("œ", "oe").replaceAll("æ", "ae").replaceAll("’", "'");
  const number = (value) => value.toLocaleString(root.lang).replaceAll("\u202f", "\u00a0");
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  const detail = (row) => all.details.flatMap((column, place) =>
    column[row] < 0 ? [] : [`${say(all.rules[all.rule[row]].columns[place])}${words.colon} ${say(all.texts[column[row]])}`]).join(" · ");
  const shown = {
    severity: (row) => say(all.severities[all.severity[row]]),
    rule: (row) => say(all.rules[all.rule[row]].title),
    object: (row) => (hidden ? filled(words.hidden, { number: number(row + 1) }) : say(all.texts[all.name[row]])),
    detail: (row) => (hidden ? "–" : detail(row)),
    state: (row) => say(all.states[all.state[row]]),
    seen: (row) => all.seen[row] || "–",
  };

  // The place of each row in the order of one column.
  const rank = (key) => {
    if (!ranks[key]) {
      if (key === "severity" || key === "state") ranks[key] = all[key];
      else {
        const texts = all.rule.map((_, row) => shown[key](row));
        const compare = new Intl.Collator(root.lang, { numeric: true }).compare;
        const places = new Map([...new Set(texts)].sort(compare).map((text, place) => [text, place]));
        ranks[key] = texts.map((text) => places.get(text));
      }
    }
    return ranks[key];
  };

  // Every word is looked up once in the distinct texts; rows then only look at the answers.
  const matching = () => {
    const severity = all.severityNames.indexOf(wanted.s);
    const state = all.stateNames.indexOf(wanted.t);
    const rules = all.rules.map((rule) => !wanted.r || wanted.r === rule.id || wanted.r === `R${rule.recommendation}`);
    folded ??= {
      texts: all.texts.map((text) => fold(say(text))),
      rules: all.rules.map((rule) => fold(`${rule.id} ${say(rule.title)}`)),
    };
    const hits = fold(wanted.q).split(/\s+/).filter(Boolean).map((word) => ({
      texts: folded.texts.map((text) => text.includes(word)),
      rules: folded.rules.map((text) => text.includes(word)),
    }));
    const rows = [];
    for (let row = 0; row < all.rule.length; row++) {
      if ((wanted.s && all.severity[row] !== severity) || (wanted.t && all.state[row] !== state) || !rules[all.rule[row]]) continue;
      if (hits.every((hit) => hit.rules[all.rule[row]] || hit.texts[all.name[row]] || all.details.some((column) => hit.texts[column[row]]))) rows.push(row);
    }
    const places = rank(wanted.key);
    const way = wanted.up ? 1 : -1;
    return rows.sort((one, other) => way * (places[one] - places[other]) || one - other);
  };

  const glyph = (level) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS(svg.namespaceURI, "path");
    for (const [name, value] of [["viewBox", "0 0 12 12"], ["width", 11], ["height", 11], ["aria-hidden", "true"], ["class", "glyph"]]) svg.setAttribute(name, value);
    path.setAttribute("d", SHAPES[level]);
    const ring = level === "low";
    for (const [name, value] of [["fill", ring ? "none" : "currentColor"], ["stroke", ring ? "currentColor" : "none"], ["stroke-width", 1.8]]) path.setAttribute(name, value);
    svg.append(path);
    return svg;
  };
  const line = (place) => {
    const row = found[place];
    const level = all.severityNames[all.severity[row]];
    const made = make("div", { role: "row", class: "row", "aria-rowindex": place + 2 });
    for (const key of KEYS) {
      const text = shown[key](row);
      const cell = make("span", { role: "cell", class: `on-${key}`, title: text });
      if (key === "severity") cell.append(make("span", { class: `severity ${level}` }, glyph(level), text));
      else if (key === "rule") cell.append(make("a", { href: `#${all.rules[all.rule[row]].id}` }, text));
      else cell.append(text);
      made.append(cell);
    }
    made.style.transform = `translateY(${place * parts.height}px)`;
    return made;
  };
  const draw = () => {
    if (!found.length) return;
    const first = Math.max(0, Math.floor(parts.box.scrollTop / parts.height) - MARGIN);
    const end = Math.min(found.length, first + Math.ceil(parts.box.clientHeight / parts.height) + 2 * MARGIN);
    for (const [place, row] of drawn) {
      if (place >= first && place < end) continue;
      row.remove();
      drawn.delete(place);
    }
    // Rows that stay are left alone, so that the focus stays too.
    for (let place = end - 1, next = null; place >= first; place--) {
      if (!drawn.has(place)) {
        const row = line(place);
        parts.rows.insertBefore(row, next);
        drawn.set(place, row);
      }
      next = drawn.get(place);
    }
  };
  const refresh = () => {
    found = matching();
    drawn.clear();
    parts.rows.replaceChildren();
    parts.height = parseFloat(getComputedStyle(parts.box).getPropertyValue("--row"));
    parts.rows.style.height = `${Math.max(1, found.length) * parts.height}px`;
    parts.box.setAttribute("aria-rowcount", found.length + 1);
    parts.box.scrollTop = 0;
    parts.count.textContent = filled(words.shown, { shown: number(found.length), all: number(all.rule.length) });
    for (const [key, head] of Object.entries(parts.heads)) head.setAttribute("aria-sort", key !== wanted.key ? "none" : wanted.up ? "ascending" : "descending");
    if (!found.length) parts.rows.append(make("div", { role: "row", class: "row" }, make("span", { role: "cell", class: "on-none" }, words.none)));
    draw();
  };

  // What is looked at can be sent to a colleague: it is in the address.
  const write = () => {
    const link = new URLSearchParams();
    for (const name of ["q", "s", "r"]) if (wanted[name]) link.set(name, wanted[name]);
    if (wanted.t === "new") link.set("n", "1");
    else if (wanted.t) link.set("t", wanted.t);
    history.replaceState(null, "", `#explorer?${link}`);
  };
  const read = () => {
    if (!location.hash.startsWith("#explorer?")) return;
    const link = new URLSearchParams(location.hash.slice("#explorer?".length));
    for (const name of ["q", "s", "r"]) wanted[name] = link.get(name) ?? "";
    wanted.t = link.get("n") === "1" ? "new" : link.get("t") ?? "";
    fill();
    refresh();
    parts.box.closest("section").scrollIntoView();
  };
  // A filter that this report does not know stays visible as it came: it matches nothing.
  const fill = () => {
    for (const [name, field] of Object.entries(parts.fields)) {
      field.value = wanted[name];
      if (field.value !== wanted[name] && name !== "q") {
        field.append(make("option", { value: wanted[name] }, wanted[name]));
        field.value = wanted[name];
      }
    }
  };

  const guarded = (text) => `"${(/^\s*[=+\-@＝＋－＠]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  const save = () => {
    const lines = [["id", ...KEYS].map((key) => guarded(key === "id" ? "id" : words[key]))];
    for (const row of found) lines.push([all.rules[all.rule[row]].id, ...KEYS.map((key) => shown[key](row))].map(guarded));
    const address = URL.createObjectURL(new Blob(["\ufeff", ...lines.map((cells) => `${cells.join(";")}\r\n`)], { type: "text/csv" }));
    make("a", { href: address, download: "findings-selection.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  };

  const choice = (label, none, options) => {
    const field = make("select", { "aria-label": label }, make("option", { value: "" }, none));
    field.append(...options);
    return field;
  };
  const build = () => {
    spoken = Math.max(0, all.languages.indexOf(root.lang));
    words = all.labels[spoken];
    folded = undefined;
    ranks = {};
    const scopes = all.recommendations.map((entry) => {
      const rules = all.rules.filter((rule) => rule.recommendation === entry.id);
      return make("optgroup", { label: `${entry.id}. ${say(entry.title)}` }, make("option", { value: `R${entry.id}` }, filled(words.allOf, { number: entry.id })),
        ...rules.map((rule) => make("option", { value: rule.id }, say(rule.title))));
    });
    const fields = {
      q: make("input", { type: "search", "aria-label": words.search, placeholder: words.hint, autocomplete: "off", spellcheck: "false" }),
      s: choice(words.severity, words.anySeverity, all.severities.map((text, place) => make("option", { value: all.severityNames[place] }, say(text)))),
      r: choice(words.scope, words.anyScope, scopes),
      t: choice(words.state, words.anyState, all.states.map((text, place) => make("option", { value: all.stateNames[place] }, say(text)))),
    };
    for (const [name, field] of Object.entries(fields)) {
      field.addEventListener("input", () => {
        wanted[name] = field.value;
        refresh();
        write();
      });
    }
    const clear = make("button", { type: "button", class: "clear" }, words.clear);
    clear.addEventListener("click", () => {
      Object.assign(wanted, { q: "", s: "", r: "", t: "" });
      fill();
      refresh();
      write();
    });
    const csv = make("button", { type: "button", class: "csv" }, words.csv);
    csv.addEventListener("click", save);
    const count = make("p", { role: "status", class: "note" });
    const heads = Object.fromEntries(KEYS.map((key) => {
      const sort = make("button", { type: "button" }, words[key]);
      sort.addEventListener("click", () => {
        wanted.up = wanted.key === key ? !wanted.up : true;
        wanted.key = key;
        refresh();
      });
      return [key, make("span", { role: "columnheader", class: `on-${key}` }, sort)];
    }));
    const rows = make("div", { role: "rowgroup", class: "rows" });
    const box = make("div", { role: "table", class: "box", tabindex: "0", "aria-label": words.findings },
      make("div", { role: "rowgroup", class: "heads" }, make("div", { role: "row", class: "row", "aria-rowindex": 1 }, ...Object.values(heads))), rows);
    let asked = false;
    box.addEventListener("scroll", () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        draw();
      });
    }, { passive: true });
    parts = { box, rows, count, heads, fields, height: 0 };
    const places = [...document.querySelectorAll(".explorer")];
    for (const place of places) place.replaceChildren();
    const here = places.find((place) => place.closest("[lang]").lang === root.lang) ?? places[0];
    here.append(make("div", { class: "filters", role: "search" }, ...Object.values(fields)), make("div", { class: "counted" }, count, clear, csv), box);
    fill();
    refresh();
  };

  const start = (data) => {
    all = data;
    build();
    read();
    addEventListener("hashchange", read);
    matchMedia("(max-width: 820px)").addEventListener("change", refresh);
    addEventListener("resize", draw);
    new MutationObserver(build).observe(root, { attributeFilter: ["lang"] });
    new MutationObserver(() => {
      hidden = root.dataset.names === "hidden";
      ranks = {};
      refresh();
    }).observe(root, { attributeFilter: ["data-names"] });
    addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
      event.preventDefault();
      parts.fields.q.focus();
    });
    performance.mark("explorer");
  };
  if (!("gzip" in island.dataset)) start(JSON.parse(island.textContent));
  else if (typeof DecompressionStream === "function") {
    const packed = Uint8Array.from(atob(island.textContent), (char) => char.charCodeAt(0));
    new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).json().then(start);
  }
})();
