// The search box of every page and the results below it. The address says what is shown:
// `?q=words` a search, `?name=file.jpg` the pictures of that filename.
"use strict";

(() => {
  const AT_ONCE = 60;
  const SEARCH = ["analyse.js", "stem.js", "postings.js", "search.js"];

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

  /** @type {LoadJson} */
  async function load(name) {
    const fixed = name === "root.json"; // the others are named by their content
    const answer = await fetch(new URL(`search/${name}`, site), {
      cache: fixed ? "no-cache" : "default",
    });
    if (!answer.ok) {
      throw new Error(`${name}: ${answer.status}`);
    }
    return answer.json();
  }

  /** What the address asks for. */
  function asked() {
    const parameters = new URLSearchParams(location.search);
    const name = parameters.get("name");
    const words = (parameters.get("q") ?? "").trim();
    return name ? { name, words: "" } : { name: "", words };
  }

  /** Show what the address asks for: a search, or the page itself. */
  async function show() {
    const { name, words } = asked();
    const number = ++newest;
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
      const { search, searchName } = globalThis.Picturerail;
      const found = await (name ? searchName(index, name) : search(index, words));
      const first = await index.shown(found.hits.slice(0, AT_ONCE).map((hit) => hit.id));
      if (number !== newest) {
        return;
      }
      say(summary(found.hits.length, name, words), remarks(index, found));
      grid.replaceChildren();
      hang(found.hits.slice(0, AT_ONCE), first);
      offerMore(index, found.hits, AT_ONCE, number);
      state.results = String(found.hits.length);
      state.search = "ready";
    } catch {
      opening = undefined; // the next search tries again
      if (number === newest) {
        say(text("unavailable"), text("unavailableWhy"));
        state.search = "unavailable";
      }
    }
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
    more.hidden = true;
    delete state.results;
  }

  /**
   * @param {number} count
   * @param {string} name
   * @param {string} words
   */
  function summary(count, name, words) {
    const kind = count ? (count === 1 ? "one" : "many") + (name ? "Named" : "") : "none";
    return text(kind, name || words, count);
  }

  /**
   * @param {Postings} index
   * @param {Found} found
   */
  function remarks(index, found) {
    const relaxed = found.relaxed ? text("relaxed") : "";
    const damaged = index.problems.size ? text("damaged") : "";
    return `${relaxed} ${damaged}`.trim();
  }

  /**
   * @param {Hit[]} hits
   * @param {Map<number, Shown>} shown
   */
  function hang(hits, shown) {
    for (const hit of hits) {
      const picture = shown.get(hit.id);
      if (picture) {
        grid.append(tile(hit, picture));
      }
    }
  }

  /**
   * @param {Postings} index
   * @param {Hit[]} hits
   * @param {number} from
   * @param {number} number
   */
  function offerMore(index, hits, from, number) {
    more.hidden = hits.length <= from;
    more.onclick = async () => {
      const next = hits.slice(from, from + AT_ONCE);
      const shown = await index.shown(next.map((hit) => hit.id));
      if (number === newest) {
        hang(next, shown);
        offerMore(index, hits, from + AT_ONCE, number);
      }
    };
  }

  /**
   * @param {Hit} hit
   * @param {Shown} picture
   */
  function tile(hit, picture) {
    const link = document.createElement("a");
    link.className = `tile s${picture.shape}`;
    link.href = new URL(`photo/${hit.id}/index.html`, site).href;
    link.dataset.photoId = String(hit.id);
    link.dataset.matched = [...new Set(hit.matches.flatMap(matchedWords))].join(" ");
    if (picture.placeholder) {
      const blur = image("placeholder", picture.placeholder, "");
      blur.setAttribute("aria-hidden", "true");
      link.append(blur);
    }
    const full = image("picture", new URL(picture.path, site).href, picture.alt);
    full.width = picture.width;
    full.height = picture.height;
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
    address.search = words ? `?${new URLSearchParams({ q: words })}` : "";
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

  function fromAddress() {
    box.value = asked().words;
    void show();
  }

  addEventListener("popstate", fromAddress);
  addEventListener("pageshow", (event) => event.persisted && fromAddress());
  fromAddress();
})();
