// The search box of every page and the results below it. The address says what is shown:
// `?q=words` a search, `?name=file.jpg` the pictures of that filename.
"use strict";

(() => {
  const AT_ONCE = 60;
  const FIRST = 20; // of many pictures the first screen is not kept waiting for more
  const MANY = 5000;
  const SORTS = /** @type {const} */ (["best", "newest", "oldest"]);
  const FEW_FILES = 2;
  const SHAPE_STEP = 1.04;
  const SEARCH = ["analyse.js", "stem.js", "postings.js", "query.js", "sources.js", "search.js"];

  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const site = new URL("../", script.src);
  const state = document.documentElement.dataset;
  const title = document.title;
  const form = /** @type {HTMLFormElement} */ (document.querySelector("form.search"));
  const box = /** @type {HTMLInputElement} */ (form.elements.namedItem("q"));
  const main = /** @type {HTMLElement} */ (document.getElementById("content"));
  const results = /** @type {HTMLElement} */ (document.getElementById("results"));
  const heading = /** @type {HTMLElement} */ (document.getElementById("results-title"));
  const note = /** @type {HTMLElement} */ (document.getElementById("results-note"));
  const grid = /** @type {HTMLElement} */ (document.getElementById("results-grid"));
  const more = /** @type {HTMLButtonElement} */ (document.getElementById("results-more"));
  const sorting = /** @type {HTMLSelectElement} */ (document.getElementById("results-sort"));
  const sorted = /** @type {HTMLElement} */ (sorting.parentElement);

  /** @type {Record<string, string>} */
  const texts = JSON.parse(results.dataset.texts ?? "{}");

  /**
   * One of the site's texts, with what belongs into its gaps.
   * @param {string} name
   * @param {...(string | number)} gaps
   */
  function text(name, ...gaps) {
    return texts[name].replace(/\{(\d)\}/g, (_, at) => String(gaps[Number(at)]));
  }

  const near = new IntersectionObserver(
    (entries) => {
      for (const entry of entries.filter((each) => each.isIntersecting)) {
        near.unobserve(entry.target);
        entry.target.querySelector(".picture")?.classList.add("near");
      }
    },
    { rootMargin: "15%" },
  );
  document.querySelectorAll(".tile, .frame").forEach((tile) => near.observe(tile));

  /** @type {Promise<Postings> | undefined} */
  let opening;
  let newest = 0; // searches are numbered; what an older one finds is not shown

  /** @param {string} name */
  function loadScript(name) {
    return new Promise((done, failed) => {
      const element = document.createElement("script");
      element.src = new URL(name, script.src).href;
      element.async = false; // they run in the order in which they are asked for
      element.onload = done;
      element.onerror = failed;
      document.head.append(element);
    });
  }

  /** Open the index, with the scripts that read it: a visit without a search needs neither. */
  async function open() {
    await Promise.all(SEARCH.map(loadScript));
    return globalThis.Picturerail.Postings.open(load);
  }

  /** @type {LoadBytes} */
  async function load(name) {
    const fixed = name === "root.bin"; // the others are named by their content
    const answer = await fetch(new URL(`search/${name}`, site), {
      cache: fixed ? "no-cache" : "default",
    });
    if (!answer.ok) {
      throw new Error(`${name}: ${answer.status}`);
    }
    return new Uint8Array(await answer.arrayBuffer());
  }

  /** What the address asks for. */
  function asked() {
    const parameters = new URLSearchParams(location.search);
    const name = parameters.get("name");
    const words = (parameters.get("q") ?? "").trim();
    const sort = SORTS.find((each) => each === parameters.get("sort")) ?? "best";
    return name ? { name, words: "", sort } : { name: "", words, sort };
  }

  /** Show what the address asks for: a search, or the page itself. */
  async function show() {
    const { name, words, sort } = asked();
    const number = ++newest;
    sorting.value = sort;
    results.hidden = !name && !words;
    main.hidden = !results.hidden;
    if (results.hidden) {
      delete state.search;
      delete state.results;
      document.title = title;
      return;
    }
    document.title = `${name || words} – ${title}`;
    if (location.protocol === "file:") {
      say(text("needsServer"), text("needsServerWhy"));
      state.search = "unavailable";
      return;
    }
    state.search = "busy";
    try {
      opening ??= open();
      const index = await opening;
      const found = await find(index, index.documents > MANY ? FIRST : Infinity, number);
      const first = found.hits.slice(0, AT_ONCE);
      const shown = await known(index, first);
      if (number !== newest) {
        return;
      }
      say(summary(found, name, words), remarks(index, found));
      sorted.hidden = Boolean(name) || found.total < 2;
      grid.replaceChildren();
      hang(index, first, shown);
      offerMore(index, found, first.length, number);
      state.results = String(found.total);
      state.search = "ready";
    } catch {
      if (number === newest) {
        opening = undefined; // the next search tries again
        say(text("unavailable"), text("unavailableWhy"));
        state.search = "unavailable";
      }
    }
  }

  /**
   * @param {Postings} index
   * @param {number} limit
   * @param {number} number of the search: a newer one ends it
   */
  function find(index, limit, number) {
    const { name, words, sort } = asked();
    const { search, searchName } = globalThis.Picturerail;
    const superseded = () => number !== newest;
    return name ? searchName(index, name) : search(index, words, { limit, sort, superseded });
  }

  /**
   * What hits look like, and what is said of them where that costs little.
   * @param {Postings} index
   * @param {Hit[]} hits
   * @returns {Promise<Map<number, Shown>>}
   */
  async function known(index, hits) {
    const ids = hits.map(({ id }) => id);
    const unknown = hits.filter(({ look }) => !look).map(({ id }) => id);
    const cheap = index.missing("texts", ids) <= FEW_FILES;
    const [looks, texts] = await Promise.all([
      index.looks(unknown),
      cheap ? index.texts(ids) : /** @type {Map<number, string>} */ (new Map()),
    ]);
    /** @type {Map<number, Shown>} */
    const shown = new Map();
    for (const { id, look } of hits) {
      const seen = look ?? looks.get(id);
      if (seen) {
        shown.set(id, { ...seen, alt: texts.get(id) });
      }
    }
    return shown;
  }

  /**
   * @param {string} headline
   * @param {string} remark
   */
  function say(headline, remark) {
    heading.textContent = headline;
    note.textContent = remark;
    note.hidden = !remark;
    grid.replaceChildren();
    sorted.hidden = true;
    more.hidden = true;
    delete state.results;
  }

  /**
   * @param {Found} found
   * @param {string} name
   * @param {string} words
   */
  function summary({ total, all }, name, words) {
    const count = all ? (total === 1 ? "one" : "many") : "more";
    const kind = total ? count + (name ? "Named" : "") : "none";
    return text(kind, name || words, total.toLocaleString(document.documentElement.lang));
  }

  /**
   * @param {Postings} index
   * @param {Found} found
   */
  function remarks(index, found) {
    const corrected = found.corrected.map(([typed, meant]) => text("corrected", typed, meant));
    const relaxed = found.relaxed ? text("relaxed") : "";
    const damaged = index.problems.size ? text("damaged") : "";
    return [...corrected, relaxed, damaged].join(" ").trim();
  }

  /**
   * @param {Postings} index
   * @param {Hit[]} hits
   * @param {Map<number, Shown>} shown
   */
  function hang(index, hits, shown) {
    for (const hit of hits) {
      const picture = shown.get(hit.id);
      if (picture) {
        grid.append(tile(index, hit, picture));
      }
    }
  }

  /**
   * @param {Postings} index
   * @param {Found} found
   * @param {number} from
   * @param {number} number
   */
  function offerMore(index, found, from, number) {
    more.hidden = found.all && found.hits.length <= from;
    more.onclick = async () => {
      const wider = found.all ? found : await find(index, from + AT_ONCE, number);
      const next = wider.hits.slice(from, from + AT_ONCE);
      const shown = await known(index, next);
      if (number === newest) {
        hang(index, next, shown);
        offerMore(index, wider, from + next.length, number);
        more.hidden ||= !next.length;
      }
    };
  }

  /**
   * @param {Postings} index
   * @param {Hit} hit
   * @param {Shown} picture
   */
  function tile(index, hit, picture) {
    const { digest, form, name, colour } = picture;
    const { ending, names, suffix } = index.root;
    const matched = [...new Set(hit.matches.flatMap(matchedWords))].join(" ");
    const link = document.createElement("a");
    link.className = `tile s${form}`;
    link.href = new URL(`photo/${hit.id}/index.html`, site).href;
    link.dataset.photoId = String(hit.id);
    link.dataset.matched = matched;
    if (colour) {
      const [red, green, blue] = [(colour >> 11) << 3, ((colour >> 5) & 63) << 2, (colour & 31) << 3];
      link.style.backgroundColor = `rgb(${red} ${green} ${blue})`;
    }
    const file = `media/${digest.slice(0, 2)}/${digest}${ending}${names[name]}${suffix}`;
    const full = image("picture", new URL(file, site).href, picture.alt ?? matched);
    full.height = 200;
    full.width = Math.round(200 * SHAPE_STEP ** form);
    if (picture.alt === undefined) {
      const learn = async () => {
        full.alt = (await index.texts([hit.id])).get(hit.id) ?? full.alt;
      };
      link.addEventListener("focus", learn, { once: true });
      link.addEventListener("pointerenter", learn, { once: true });
    }
    const why = document.createElement("span");
    why.className = "why";
    why.textContent = [...new Set(hit.matches.map(reason))].join(" · ");
    link.append(full, why);
    near.observe(link);
    return link;
  }

  /**
   * @param {string} name
   * @param {string} address
   * @param {string} alt
   */
  function image(name, address, alt) {
    const element = document.createElement("img");
    element.className = name;
    element.alt = alt;
    element.loading = "lazy";
    element.decoding = "async";
    element.src = address;
    return element;
  }

  /** @param {Way} way */
  function matchedWords(way) {
    return way.via === "neighbour" ? [way.query, ...way.tags] : [way.word];
  }

  /** @param {Way} way */
  function reason(way) {
    return way.via === "neighbour" ? text("through", way.query, way.tags.join(", ")) : way.word;
  }

  /**
   * Say in the address what is searched. The first word makes a step in the history, so that
   * "back" leads out of the search and not through it letter by letter.
   * @param {string} words
   */
  function setAddress(words) {
    const address = new URL(location.href);
    const searching = address.searchParams.has("q") || address.searchParams.has("name");
    const { sort } = asked();
    const wanted = new URLSearchParams({ q: words });
    if (sort !== "best") {
      wanted.set("sort", sort);
    }
    address.search = words ? `?${wanted}` : "";
    address.hash = "";
    if (address.href !== location.href) {
      history[searching ? "replaceState" : "pushState"](null, "", address);
    }
  }

  // Tags are searches, which find what they mean too; where nothing can be searched they lead to
  // the pages of their pictures.
  if (location.protocol !== "file:") {
    for (const link of document.querySelectorAll("a[data-search]")) {
      const to = /** @type {HTMLAnchorElement} */ (link);
      to.href = to.dataset.search ?? to.href;
    }
  }

  // Dates as the visitor writes them, where that is in the page's language.
  const language = document.documentElement.lang;
  const written = navigator.languages.find((each) => each.split("-")[0] === language.split("-")[0]) ?? language;
  for (const each of document.querySelectorAll("time")) {
    // The camera's wall clock, whatever the zone there or here.
    const [year, month, day, hour, minute] = (each.dateTime.match(/\d+/g) ?? []).map(Number);
    const when = new Date(2000, month - 1, day, hour ?? 0, minute ?? 0);
    when.setFullYear(year);
    each.textContent = new Intl.DateTimeFormat(written, {
      dateStyle: "long",
      timeStyle: hour === undefined ? undefined : "short",
    }).format(when);
  }

  // From a grid to a picture, and back, the tile becomes the picture where a browser can do that. It
  // is asked for here, since without scripts a browser may come to render before it knows the style;
  // scripts hold the first rendering back.
  if (location.protocol !== "file:" && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("@view-transition { navigation: auto; }");
    document.adoptedStyleSheets.push(sheet);
  }

  /**
   * @param {any} transition
   * @param {string | null | undefined} address on the other side
   */
  function morph(transition, address) {
    if (!transition) {
      return;
    }
    for (const each of [transition.ready, transition.finished, transition.updateCallbackDone]) {
      each.catch(() => {}); // a visitor who is faster sees none
    }
    const id = /photo\/(\d+)\//.exec(address ?? "")?.[1];
    const tile = id && document.querySelector(`.tile[data-photo-id="${id}"] .picture`);
    if (document.querySelector(".stage") ? id : !tile) {
      transition.skipTransition(); // from picture to picture at once: a swipe must not wait
    } else if (tile) {
      /** @type {any} */ (tile).style.viewTransitionName = "picture";
    }
  }
  addEventListener("pageswap", (event) => {
    const swap = /** @type {any} */ (event);
    morph(swap.viewTransition, swap.activation?.entry?.url);
  });
  addEventListener("pagereveal", (event) => {
    const reveal = /** @type {any} */ (event);
    morph(reveal.viewTransition, /** @type {any} */ (globalThis).navigation?.activation?.from?.url);
  });

  let frame = 0;
  box.addEventListener("input", () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      if (location.protocol !== "file:") {
        setAddress(box.value.trim());
        void show();
      }
    });
  });

  form.addEventListener("submit", (event) => {
    if (location.protocol !== "file:") {
      event.preventDefault();
      setAddress(box.value.trim());
      box.blur();
      void show();
    }
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement;
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      box.focus();
    }
  });

  sorting.addEventListener("change", () => {
    const address = new URL(location.href);
    address.searchParams.set("sort", sorting.value);
    history.replaceState(null, "", address);
    void show();
  });

  function fromAddress() {
    box.value = asked().words;
    void show();
  }

  addEventListener("popstate", fromAddress);
  addEventListener("pageshow", (event) => event.persisted && fromAddress());
  fromAddress();
})();
