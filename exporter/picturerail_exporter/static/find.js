// Searching the index: what is asked for, with why it matches. No page here.
"use strict";

(() => {
  const { analyseQuery: analyse, Search, nearest, withScript } = globalThis.Picturerail;
  const FEW_BLOCKS = 2; // for so few what orders ties is read
  const FEW = 20; // where words find fewer, what is near in meaning follows

  /**
   * Find pictures.
   * @param {Postings} index
   * @param {string} text
   * @param {SearchOptions} [options]
   * @returns {Promise<Found>}
   */
  async function search(index, text, options = {}) {
    const { limit = Infinity, filters = [], superseded = () => false } = options;
    const one = new Search(index, text, superseded);
    const none = !one.query.root.children.length;
    const sort = options.sort === "best" && none ? "newest" : (options.sort ?? "best");
    if (none && !filters.length) {
      return { hits: [], total: 0, all: true, relaxed: false, corrected: [] };
    }
    await one.open();
    const narrowed = filters.length ? await withScript("facets.js", "Facets").Facets.matching(index, filters) : undefined;
    const whole = limit === Infinity || sort !== "best" || !!narrowed;
    const found = none ? undefined : await one.best(whole ? Infinity : limit, whole, sort !== "best");
    /** @type {Ranked[]} */
    let ranked = found
      ? found.hits.map(({ id, low }) => ({ id, score: sort === "best" ? Math.fround(low) : 0 }))
      : Array.from(narrowed ?? [], (id) => ({ id, score: 0 }));
    if (narrowed) {
      ranked = ranked.filter(({ id }) => narrowed.has(id));
    }
    const orders = one.orders ?? (await ordersFor(index, ranked, sort, limit));
    sortHits(ranked, orders, sort);
    const all = !found || found.all;
    const total = narrowed ? ranked.length : Math.max(found?.total ?? 0, ranked.length);
    const hits = ranked.slice(0, limit).map(({ id, score }) => {
      const look = one.shown?.look(id) ?? one.sources.map((source) => source.look(id)).find(Boolean);
      return { id, score, look, matches: one.ways(id) };
    });
    const near = all && sort === "best" && !narrowed ? await byMeaning(index, text, hits, Math.min(limit, FEW)) : [];
    const relaxed = one.relaxed && hits.length > 0;
    return { hits: [...hits, ...near], total: total + near.length, all, relaxed, corrected: corrections(hits) };
  }

  /**
   * What follows the hits of words: what is near in meaning, with lower scores.
   * @param {Postings} index
   * @param {string} text
   * @param {Hit[]} hits
   * @param {number} most hits in all
   * @returns {Promise<Hit[]>}
   */
  async function byMeaning(index, text, hits, most) {
    const near = await nearest(index, text, new Set(hits.map(({ id }) => id)), most - hits.length);
    const ceiling = hits.length ? hits[hits.length - 1].score : 1;
    return near.map(({ id, similarity }) => {
      const score = Math.fround(ceiling * similarity);
      const way = { query: text, word: text, via: /** @type {Via} */ ("meaning"), similarity, score, tags: [] };
      return { id, score, look: undefined, matches: [way] };
    });
  }

  /**
   * Find the pictures of exactly this filename.
   * @param {Postings} index
   * @param {string} filename
   * @returns {Promise<Found>}
   */
  async function searchName(index, filename) {
    const words = analyse(filename);
    const quoted = words.length ? `name:"${words.join(" ")}"` : "";
    const found = await search(index, quoted);
    const pictures = await index.pictures(found.hits.map(({ id }) => id));
    const hits = found.hits.filter(({ id }) => pictures.get(id)?.filename === filename);
    hits.forEach((hit) => hit.matches.forEach((way) => Object.assign(way, { word: filename, score: 0 })));
    return { ...found, hits, total: hits.length };
  }

  /**
   * When pictures were taken, as far as that decides their order.
   * @param {Postings} index
   * @param {Ranked[]} hits
   * @param {string} sort
   * @param {number} limit
   */
  async function ordersFor(index, hits, sort, limit) {
    if (sort === "none") {
      return new Map();
    }
    return sort === "best" ? ordersOfTies(index, hits) : ordersOfFirst(index, hits, sort, limit);
  }

  /**
   * When pictures were taken that are worth the same, where that is not too dear.
   * @param {Postings} index
   * @param {Ranked[]} hits the best first
   */
  async function ordersOfTies(index, hits) {
    /** @param {number} at */
    const ties = (at) => hits[at] && hits[at + 1] && hits[at].score === hits[at + 1].score;
    const ids = hits.filter((_, at) => ties(at) || ties(at - 1)).map(({ id }) => id);
    const dear = index.documents > FEW_BLOCKS * index.root.orders && (await index.missing("orders", ids)) > 0;
    return dear ? new Map() : index.orders(ids);
  }

  /**
   * When those of some pictures were taken that come first by it; of others it is not read.
   * @param {Postings} index
   * @param {Ranked[]} hits
   * @param {string} sort "newest" or "oldest"
   * @param {number} limit how many come first
   */
  async function ordersOfFirst(index, hits, sort, limit) {
    const sign = sort === "oldest" ? -1 : 1;
    /** @type {Map<number, number[]>} */
    const ids = new Map();
    for (const { id } of hits) {
      const block = Math.floor(id / index.root.times);
      const those = ids.get(block) ?? [];
      those.push(id);
      ids.set(block, those);
    }
    const told = (await index.times()).filter(({ block }) => ids.has(block));
    if (limit >= hits.length || told.length < ids.size) {
      return index.orders(hits.map(({ id }) => id));
    }
    // By when the last of them was taken, or the first.
    const blocks = told.map(({ block, first, last }) => ({ block, end: sign * (sort === "oldest" ? first : last) })).sort((a, b) => b.end - a.end);
    /** @type {Map<number, number>} */
    let orders = new Map();
    for (let count = 1; ; count *= 2) {
      const read = blocks.slice(0, count).flatMap(({ block }) => ids.get(block) ?? []);
      orders = await index.orders(read);
      const end = blocks[count]?.end ?? -Infinity;
      const first = read.filter((id) => sign * (orders.get(id) ?? NaN) > end);
      if (first.length >= limit || count >= blocks.length) {
        return orders;
      }
    }
  }

  /**
   * @param {Ranked[]} hits
   * @param {Map<number, number>} orders
   * @param {string} sort
   */
  function sortHits(hits, orders, sort) {
    const sign = sort === "oldest" ? -1 : 1;
    /** @param {Ranked} hit */
    const order = (hit) => orders.get(hit.id) ?? -sign * Infinity;
    hits.sort((a, b) => (sort === "best" ? b.score - a.score : 0) || sign * (order(b) - order(a)) || a.id - b.id);
  }

  /**
   * What was taken for misspelt, and for which word.
   * @param {Hit[]} hits
   * @returns {[typed: string, meant: string][]}
   */
  function corrections(hits) {
    /** @type {Map<string, string>} */
    const meant = new Map();
    for (const { query, word, via } of hits.flatMap(({ matches }) => matches)) {
      if (via === "typo" && !meant.has(query)) {
        meant.set(query, word);
      }
    }
    return [...meant];
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { search, searchName });
})();
