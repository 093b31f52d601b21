// What every page does: the search box, whose results `results.js` shows; pictures that come as they
// come near; dates as the visitor writes them; grids that turn into pictures. The address says what is
// shown: `?q=words` a search, `?name=file.jpg` the pictures of that filename.
"use strict";

(() => {
  const SORTS = /** @type {const} */ (["best", "newest", "oldest"]);
  const FACETS = /** @type {const} */ (["year", "folder", "tag", "camera"]);

  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const site = new URL("../", script.src);
  const state = document.documentElement.dataset;
  const title = document.title;
  const form = /** @type {HTMLFormElement} */ (document.querySelector("form.search"));
  const box = /** @type {HTMLInputElement} */ (form.elements.namedItem("q"));
  const main = /** @type {HTMLElement} */ (document.getElementById("content"));
  const results = /** @type {HTMLElement} */ (document.getElementById("results"));

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

  /** What the address asks for. */
  function asked() {
    const parameters = new URLSearchParams(location.search);
    const name = parameters.get("name") ?? "";
    const words = name ? "" : (parameters.get("q") ?? "").trim();
    const sort = SORTS.find((each) => each === parameters.get("sort")) ?? "best";
    const filters = FACETS.flatMap((facet) => parameters.getAll(facet).map((value) => ({ facet, value })));
    return { name, words, sort, filters: name ? [] : filters };
  }

  /**
   * Say in the address what is searched. The first word makes a step in the history, so that
   * "back" leads out of the search and not through it letter by letter; so does each filter.
   * @param {Partial<Asked>} changes
   * @param {boolean} step
   */
  function ask(changes, step = false) {
    const before = asked();
    const { words, sort, filters } = { ...before, ...changes };
    const wanted = new URLSearchParams(words ? { q: words } : {});
    filters.forEach(({ facet, value }) => wanted.append(facet, value));
    if (sort !== "best") {
      wanted.set("sort", sort);
    }
    const address = new URL(location.href);
    address.search = words || filters.length ? `?${wanted}` : "";
    address.hash = "";
    if (address.href !== location.href) {
      const searching = before.words || before.name || before.filters.length;
      history[searching && !step ? "replaceState" : "pushState"](null, "", address);
    }
    void show();
  }

  /**
   * Run a script that not every visit needs, after those that were asked for before it.
   * @param {string} name
   */
  function run(name) {
    return new Promise((done, failed) => {
      const element = document.createElement("script");
      element.src = new URL(name, script.src).href;
      element.async = false;
      element.onload = done;
      element.onerror = failed;
      document.head.append(element);
    });
  }

  /** @type {Promise<ResultsView> | undefined} */
  let opening;

  /** Open what shows results: a visit without a search does not need it. */
  function open() {
    opening ??= run("results.js").then(() => globalThis.Picturerail.results(Page));
    return opening;
  }

  /** Show what the address asks for: a search, or the page itself. */
  async function show() {
    const { name, words, filters } = asked();
    results.hidden = !name && !words && !filters.length;
    main.hidden = !results.hidden;
    document.title = results.hidden ? title : `${name || words || filters[0].value} – ${title}`;
    if (results.hidden) {
      delete state.search;
      delete state.results;
    } else {
      state.search = "busy";
    }
    if (!results.hidden || opening) {
      try {
        await (await open()).show(asked());
      } catch {
        opening = undefined;
        state.search = "unavailable";
      }
    }
  }

  // Where a listing goes on below what its page hangs, it can be scrolled to its end. What that takes
  // grows with the listing, so it is read when the visitor gives a sign of going there, or comes back.
  const onward = document.getElementById("scroll");
  if (onward && location.protocol !== "file:") {
    const SIGNS = ["scroll", "pointermove", "pointerdown", "keydown", "hashchange"];
    const end = new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && begin());
    document.documentElement.classList.add("onward");
    const begin = () => {
      SIGNS.forEach((name) => removeEventListener(name, sign));
      end.disconnect();
      ["rows.js", "rail.js", "tiles.js", "scroll.js"].forEach((name) => void run(name).catch(() => {}));
    };
    const sign = (/** @type {Event} */ event) => {
      const searching = main.hidden || (event.target instanceof Node && form.contains(event.target));
      if (!searching || event.type === "hashchange") {
        begin();
      }
    };
    SIGNS.forEach((name) => addEventListener(name, sign, { passive: true }));
    end.observe(/** @type {Element} */ (onward.nextElementSibling)); // the links to further pages
    if (location.hash || history.state?.place) {
      begin();
    }
  }

  /** @type {PageFrame} */
  const Page = { site, box, form, near, asked, ask };

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
    frame = requestAnimationFrame(() => location.protocol !== "file:" && ask({ words: box.value.trim() }));
  });
  box.addEventListener("focus", () => location.protocol !== "file:" && void open().catch(() => (opening = undefined)));

  form.addEventListener("submit", (event) => {
    if (location.protocol !== "file:") {
      event.preventDefault();
      box.blur();
      ask({ words: box.value.trim() });
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
