// The results below the search box: what `search.js`, which works beside the page, finds.
"use strict";

(() => {
  const AT_ONCE = 60;
  const FIRST = 20; // of many pictures the first screen is not kept waiting for more
  const SHAPE_STEP = 1.04;
  const CHROMA = [-40, -14, 0, 22];
  const FACETS = /** @type {const} */ (["year", "tag", "folder", "camera"]);

  const state = document.documentElement.dataset;
  const language = document.documentElement.lang;
  /** @param {string} id */
  const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
  const results = element("results");
  const heading = element("results-title");
  const note = element("results-note");
  const grid = element("results-grid");
  const more = /** @type {HTMLButtonElement} */ (element("results-more"));
  const sorting = /** @type {HTMLSelectElement} */ (element("results-sort"));
  const sorted = /** @type {HTMLElement} */ (sorting.parentElement);
  const chosen = element("results-chosen");
  const narrow = /** @type {HTMLDetailsElement} */ (element("results-narrow"));
  const facets = element("results-facets");
  const list = element("completions");

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

  /**
   * A mean colour, as the index tells it, as red, green and blue up to 255 (ITU-R BT.601).
   * @param {number} told
   */
  function rgbOf(told) {
    const [luma, blues, reds] = [17 * (told >> 4), CHROMA[(told >> 2) & 3], CHROMA[told & 3]];
    return [luma + 1.402 * reds, luma - 0.344 * blues - 0.714 * reds, luma + 1.772 * blues].map(Math.round);
  }

  /** @param {number} number */
  const written = (number) => number.toLocaleString(language);
  /** @param {number} number down to its first digit */
  const rounded = (number) => {
    const unit = 10 ** Math.floor(Math.log10(number));
    return unit * Math.floor(number / unit);
  };

  /** Asks what works beside the page. */
  class Finder {
    /** @param {URL} site */
    constructor(site) {
      this._calls = new Map();
      this._worker = new Worker(new URL("static/search.js", site));
      this._worker.onmessage = ({ data: { number, answer, error } }) => {
        const call = this._calls.get(number);
        this._calls.delete(number);
        error === undefined ? call.done(answer) : call.failed(new Error(error));
      };
      this._worker.onerror = () => {
        this._calls.forEach(({ failed }) => failed(new Error("the search does not work here")));
        this._calls.clear();
        this.broken = true;
      };
      this._last = 0;
      this.broken = false;
    }

    /**
     * @param {string} what
     * @param {...unknown} parts
     * @returns {Promise<any>}
     */
    ask(what, ...parts) {
      return new Promise((done, failed) => {
        const number = ++this._last;
        this._calls.set(number, { done, failed });
        this._worker.postMessage({ number, what, parts });
      });
    }
  }

  /**
   * @param {PageFrame} page
   * @returns {ResultsView}
   */
  function view(page) {
    const { site, box, near } = page;
    let newest = 0; // searches are numbered; what an older one finds is not shown
    /** @type {Finder | undefined} */
    let finder;

    function find() {
      if (!finder || finder.broken) {
        finder = new Finder(site);
      }
      return finder;
    }

    /** @param {Asked} asked */
    async function show(asked) {
      const number = ++newest;
      const { name, words, sort, filters } = asked;
      sorting.value = sort;
      if (!name && !words && !filters.length) {
        hideCompletions();
        return;
      }
      if (location.protocol === "file:") {
        say(text("needsServer"), text("needsServerWhy"));
        state.search = "unavailable";
        return;
      }
      if (document.activeElement === box) {
        void offerCompletions(words);
      }
      try {
        /** @type {Page} */
        const found = await find().ask("page", asked, 0, FIRST, AT_ONCE);
        if (number !== newest) {
          return;
        }
        say(summary(found, name, words), remarks(found, filters));
        sorted.hidden = Boolean(name) || found.total < 2;
        hang(found);
        offerMore(asked, found, found.hits.length);
        showChosen(filters);
        narrow.hidden = Boolean(name) || (found.total < 2 && !filters.length);
        void fillFacets(asked);
        state.results = String(found.total);
        state.search = "ready";
      } catch {
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
      sorted.hidden = more.hidden = narrow.hidden = true;
      showChosen([]);
      delete state.results;
    }

    /**
     * @param {Page} found
     * @param {string} name
     * @param {string} words
     */
    function summary({ total, all }, name, words) {
      const count = all ? (total === 1 ? "one" : "many") : "more";
      if (!name && !words) {
        return text(`${total ? count : "none"}Shown`, "", written(total));
      }
      return text(total ? count + (name ? "Named" : "") : "none", name || words, written(total));
    }

    /**
     * @param {Page} found
     * @param {Filter[]} filters
     */
    function remarks({ total, corrected, relaxed, damaged }, filters) {
      const told = corrected.map(([typed, meant]) => text("corrected", typed, meant));
      const hint = text(filters.length ? "nothingChosen" : "nothing");
      return [...told, relaxed ? text("relaxed") : "", damaged ? text("damaged") : "", total ? "" : hint].join(" ").trim();
    }

    /** @param {Page} found */
    function hang({ hits, ending }) {
      for (const hit of hits) {
        if (hit.look) {
          grid.append(tile(hit, hit.look, ending));
        }
      }
    }

    /**
     * @param {Asked} asked
     * @param {Page} found
     * @param {number} from
     */
    function offerMore(asked, found, from) {
      const number = newest;
      more.hidden = !found.more || !found.hits.length;
      more.onclick = async () => {
        const next = await find().ask("page", asked, from, AT_ONCE, AT_ONCE);
        if (number === newest) {
          hang(next);
          offerMore(asked, next, from + next.hits.length);
        }
      };
    }

    /**
     * @param {Hit} hit
     * @param {Look & Shown} look
     * @param {string} ending
     */
    function tile(hit, look, ending) {
      const { revision, form, colour, alt } = look;
      const matched = [...new Set(hit.matches.flatMap(matchedWords))].join(" ");
      const link = document.createElement("a");
      link.className = `tile s${form}`;
      link.href = new URL(`photo/${hit.id}/index.html`, site).href;
      link.dataset.photoId = String(hit.id);
      link.dataset.matched = matched;
      if (colour) {
        link.style.backgroundColor = `rgb(${rgbOf(colour).join(" ")})`;
      }
      const full = new Image(Math.round(200 * SHAPE_STEP ** form), 200);
      full.className = "picture";
      full.alt = alt ?? matched;
      full.loading = "lazy";
      full.decoding = "async";
      const folder = (hit.id % 256).toString(16).padStart(2, "0");
      full.src = new URL(`media/${folder}/${hit.id}-${revision}${ending}`, site).href;
      if (alt === undefined) {
        const learn = async () => {
          full.alt = (await find().ask("alt", hit.id)) ?? full.alt;
        };
        link.addEventListener("focus", learn, { once: true });
        link.addEventListener("pointerenter", learn, { once: true });
      }
      link.append(full);
      const reasons = [...new Set(hit.matches.map(reason))].join(" · ");
      if (reasons) {
        const why = document.createElement("span");
        why.className = "why";
        why.textContent = reasons;
        link.append(why);
      }
      near.observe(link);
      return link;
    }

    // ---- narrowing ----

    /** @param {Filter[]} filters */
    function showChosen(filters) {
      chosen.hidden = !filters.length;
      chosen.replaceChildren(
        ...filters.map((filter) => {
          const chip = document.createElement("button");
          chip.type = "button";
          chip.className = "chip chosen";
          chip.textContent = filter.value;
          chip.setAttribute("aria-label", text("without", filter.value));
          chip.onclick = () => {
            const rest = page.asked().filters.filter((each) => !isSame(each, filter));
            page.ask({ filters: rest }, true);
          };
          return chip;
        }),
      );
    }

    /** @param {Asked} asked */
    async function fillFacets(asked) {
      if (!narrow.open || narrow.hidden) {
        return;
      }
      const number = newest;
      /** @type {{ total: number, counts: Record<Facet, [string, number][]> }} */
      const { total, counts } = await find().ask("facets", asked);
      if (number !== newest) {
        return;
      }
      // What all have narrows nothing.
      facets.replaceChildren(
        ...FACETS.flatMap((facet) => group(facet, counts[facet].filter(([, count]) => count < total))),
      );
    }

    /**
     * @param {Facet} facet
     * @param {[string, number][]} values
     */
    function group(facet, values) {
      if (!values.length) {
        return [];
      }
      const box = document.createElement("fieldset");
      const legend = document.createElement("legend");
      legend.textContent = text(facet);
      box.append(legend);
      for (const [value, count] of facet === "year" ? values.sort(([a], [b]) => Number(b) - Number(a)) : values) {
        const chip = document.createElement("button");
        chip.type = "button";
        chip.className = "chip";
        chip.dataset.facet = facet;
        chip.dataset.value = value;
        const many = document.createElement("span");
        many.textContent = written(count);
        chip.append(`${value} `, many);
        chip.onclick = () => page.ask({ filters: [...page.asked().filters, { facet, value }] }, true);
        box.append(chip);
      }
      return [box];
    }

    narrow.addEventListener("toggle", () => void fillFacets(page.asked()));

    sorting.addEventListener("change", () => {
      page.ask({ sort: /** @type {Asked["sort"]} */ (sorting.value) });
    });

    // ---- completions: a list below the box, which stays a search box for who looks for one ----

    let at = -1;
    let offering = 0; // what is offered is numbered, and only the last shown

    function hideCompletions() {
      list.hidden = true;
      at = -1;
      box.removeAttribute("aria-activedescendant");
    }

    /** @param {string} words */
    async function offerCompletions(words) {
      const number = newest;
      const offer = ++offering;
      /** @type {Completion[]} */
      const offered = words ? await find().ask("complete", words).catch(() => []) : [];
      if (number !== newest || offer !== offering || document.activeElement !== box) {
        return;
      }
      hideCompletions();
      list.replaceChildren(
        ...offered.map(({ shown, documents, exact, query }, place) => {
          const option = document.createElement("li");
          option.id = `completion-${place}`;
          option.role = "option";
          option.dataset.query = query;
          const many = document.createElement("span");
          many.textContent = exact ? written(documents) : `${written(rounded(documents))}+`;
          option.append(shown, many);
          // Before the box loses the focus, and the list with it.
          option.addEventListener("pointerdown", (event) => {
            event.preventDefault();
            take(query);
          });
          return option;
        }),
      );
      list.hidden = !offered.length;
    }

    /** @param {string} query */
    function take(query) {
      box.value = query;
      newest++; // what is being offered is for other words
      hideCompletions();
      page.ask({ words: query });
    }

    box.setAttribute("aria-autocomplete", "list");
    box.setAttribute("aria-controls", list.id);
    hideCompletions();

    box.addEventListener("blur", hideCompletions);
    box.addEventListener("keydown", (event) => {
      if (list.hidden || event.isComposing) {
        return;
      }
      const options = /** @type {HTMLElement[]} */ ([...list.children]);
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        event.preventDefault();
        at = ((at + 1 + step + options.length + 1) % (options.length + 1)) - 1;
        options.forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
        if (at < 0) {
          box.removeAttribute("aria-activedescendant");
        } else {
          box.setAttribute("aria-activedescendant", options[at].id);
        }
      } else if (event.key === "Enter" && at >= 0) {
        event.preventDefault();
        take(options[at].dataset.query ?? box.value);
      } else if (event.key === "Escape") {
        event.preventDefault();
        offering++;
        hideCompletions();
      }
    });

    if (location.protocol !== "file:") {
      void find().ask("open").catch(() => {}); // what is wrong is told to whoever searches
    }
    return { show };
  }

  /**
   * @param {Filter} a
   * @param {Filter} b
   */
  const isSame = (a, b) => a.facet === b.facet && a.value === b.value;

  /** @param {Way} way */
  function matchedWords(way) {
    return way.via === "neighbour" ? [way.query, ...way.tags] : [way.word];
  }

  /** @param {Way} way */
  function reason(way) {
    if (way.via === "meaning") {
      return text("nearMeaning");
    }
    return way.via === "neighbour" ? text("through", way.query, way.tags.join(", ")) : way.word;
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { results: view });
})();
