// Which pictures match a query, and in which order.
//
// The order is the engine's. It is found without reading all that matches: what is read says how much
// any other document may be worth at most, and reading ends once none can come among the best.
// Words that stand near each other add 0.6 times the lesser idf, divided by how far apart they are.
// Ties: the newer picture first.
"use strict";

(() => {
  const { parse, isText, Logic, Nearness, Reading, WordSource, BestTogether, withScript } = globalThis.Picturerail;
  const FEW = 256; // documents of which it is looked up how long fields are
  const FEW_FILES = 32; // that tell it

  /** One search: what is known so far of which documents match, and how much they are worth. */
  class Search {
    /**
     * @param {Postings} index
     * @param {string} text
     * @param {() => boolean} superseded
     */
    constructor(index, text, superseded) {
      this.index = index;
      this.superseded = superseded;
      const asked = parse(text, index.fields.map(({ name }) => name), index.language);
      const phrases = asked.words.some(({ phrase }) => phrase) ? withScript("phrase.js", "PhraseSource") : undefined;
      const apart = phrases?.Sequence.of(asked);
      this.query = apart ?? asked;
      /** @type {Source[]} */
      this.sources = this.query.words.map((word) => new (phrases && word.phrase ? phrases.PhraseSource : WordSource)(index, word));
      this._row = phrases && apart && new phrases.Sequence(asked.words[0], /** @type {Lists[]} */ (this.sources));
      this._nearness = new Nearness(index, this.sources, []); // no pairs are known yet
      this._logic = new Logic(this.query.root, (word, id) => this._word(word, id));
      /** @type {Either | undefined} */
      this._either = undefined; // what follows for one or another word from what is told of both
      this._wordless = false; // whether documents match that bear no word of the query
      /** The most that each word may be worth to a document of which nothing is known. @type {number[]} */
      this._bounds = [];
      /** The same to one of which it is known what the lists that were read say of it. @type {number[]} */
      this._open = [];
      /** The same to one that is known from a list. @type {Map<List, number>[]} */
      this._beside = [];
      /** The same to one of which another word tells whether it has this one or a form of it. @type {number[]} */
      this._others = [];
      /** What documents of which something is not known are worth at most, where that is known of all. */
      this._ceiling = Infinity;
      /** Where documents may match, if that is asked. @type {Where | undefined} */
      this._where = undefined;
      this._looked = false; // whether lengths of fields were looked up of few documents
      this._sure = 0;
      this._reading = new Reading(index, this.sources);
      /** @type {BestTogether | undefined} */
      this.together = undefined;
      /** @type {BestTogether | undefined} */
      this.shown = undefined; // that which tells what what is found looks like
    }

    /** Whether any of what is asked is enough, since none has all. */
    get relaxed() {
      return this._logic.relaxed;
    }

    /** When pictures were taken, where any may match. */
    get orders() {
      return this._logic.orders;
    }

    async open() {
      await Promise.all(this.sources.map((source) => source.open()));
      await this._reading.learn();
      const { wordless, times, timesAsked } = this._logic;
      this._wordless = wordless;
      if (wordless) {
        this._logic.orders = await this.index.orders();
      }
      for (const node of timesAsked) {
        const asked = await this.index.byTime((order) => (order < node.from ? -1 : Number(order >= node.before)));
        times.set(node, asked.of);
        if (this.query.root.children.includes(node) && !node.negated) {
          const [before, where] = [this._where, asked.where(0)];
          this._where = (from, to) => (!before || before(from, to)) && where(from, to);
        }
      }
      this.sources.forEach((source) => source.reopen(this._where));
      this._nearness = new Nearness(this.index, this.sources, this.query.pairs);
      this._reading.spare(this._required(), this._nearness);
      await this._exclude();
      const asked = this._flat()?.map((word) => this.sources[word]);
      this.together = asked && (await BestTogether.open(this.index, asked, this._nearness.pairs, this._row && "row"));
      if (this.query.root.children.some(({ kind }) => kind === "any")) {
        this._either = await withScript("either.js", "Either").Either.open(this.index, this.query.root, /** @type {Lists[]} */ (this.sources));
        this.shown = this._either?.told;
      }
    }

    /** Learn which documents have what is excluded, but for words of which others tell it. */
    async _exclude() {
      const excluded = this.sources.filter((source) => source.word.excluded && !this._reading.spares(source));
      await Promise.all(excluded.map((source) => source.loadPresence()));
    }

    /**
     * Find the best documents.
     * @param {number} limit
     * @param {boolean} whole find all documents, and how many they are
     * @param {boolean} unranked of all it does not matter what they are worth
     */
    async best(limit, whole, unranked = false) {
      for (;;) {
        if (this.superseded()) {
          throw new Error("another search has begun");
        }
        if (whole) {
          await Promise.all(this.sources.map((source) => (!unranked && !source.word.excluded ? source.loadAll() : source.loadPresence())));
        }
        const told = whole ? undefined : await this._rankTogether(limit);
        if (told) {
          return told;
        }
        const found = this._rank(limit);
        if (found.settled) {
          if (found.hits.length || this.relaxed || this._row || !this._logic.canRelax) {
            return found;
          }
          this._logic.relaxed = true;
          if (this._logic.times.size) {
            this._logic.orders ??= await this.index.orders();
          }
          this._ceiling = Infinity;
          this._looked = false;
          this._reading.spareNone();
          this.sources.forEach((source) => source.reopen(this._where));
          await this._exclude();
          continue;
        }
        const low = found.hits[limit - 1]?.low ?? 0;
        await this._reading.on(this._required(), this._nearness, () => this._learnLengths(low));
      }
    }

    /**
     * What the index tells beforehand of these words, where that is enough.
     * @param {number} limit
     */
    async _rankTogether(limit) {
      const { together } = this;
      this.together = undefined; // what is read from now on says more
      if (!together) {
        return undefined;
      }
      /** @type {Scored[]} */
      const hits = [];
      together.forEach((id, value, known) => {
        together.sources.forEach((source, at) => source.known.set(id, known[at]));
        hits.push({ id, low: value, high: value, exact: true });
      });
      hits.sort((a, b) => b.low - a.low || a.id - b.id);
      const others = await together.bound(hits[limit - 1]?.low ?? 0);
      const enough = others === 0 ? hits.length > 0 || !!this._row : hits.length >= limit && hits[limit - 1].low >= others;
      this.shown = enough ? together : undefined;
      return enough ? { hits, settled: true, total: hits.length, all: others === 0 } : undefined;
    }

    /**
     * Learn how long fields are of those documents alone that may be worth more than so much, if these are few.
     * @param {number} low
     * @returns {Promise<boolean>} whether they are; then all others are known not to be
     */
    async _learnLengths(low) {
      const lean = this.sources.filter((source) => source.lean);
      const ids = this._looked ? undefined : this._better(lean, low);
      if (!ids || (await this.index.missing("lengths", ids)) > FEW_FILES) {
        return false;
      }
      this._looked = true;
      const lengths = await this.index.lengthsOf(ids);
      for (const id of ids) {
        lean.forEach((source) => source.settle(id, (field) => lengths.get(id)?.[field]));
      }
      // Of some it may be another word of which something is not known.
      this._ceiling = ids.every((id) => isSure(this._logic.of(id))) ? low : Infinity;
      return true;
    }

    /**
     * Documents of lean lists that may be worth more than so much; nothing where these are many, or others may.
     * @param {Source[]} lean
     * @param {number} low
     */
    _better(lean, low) {
      const bounds = this._bounds;
      this._bounds = this._open; // of documents that are in none of these lists
      const others = this._logic.of(-1);
      this._bounds = bounds;
      if (others.may && others.high + this._nearness.most > low) {
        return undefined;
      }
      const whole = this._required().filter((source) => source.bounding <= 0);
      const from = whole.length ? [...whole[0].known.keys()] : lean.flatMap((source) => source.leanIds);
      const { most: near, unread } = this._nearness;
      /** @type {number[]} */
      const ids = [];
      for (const id of new Set(from)) {
        const state = this._logic.of(id);
        if (isSure(state) || state.high + near <= low || this._row?.in(id) === false) {
          continue;
        }
        const { value, final } = this._nearness.of(id, unread);
        if (state.high + (final ? value : near) > low && ids.push(id) > FEW) {
          return undefined;
        }
      }
      return ids;
    }

    /**
     * The most that a word may be worth to a document which has it, of which it is not known how long fields are.
     * @param {number} word
     * @param {number} id
     */
    _atMost(word, id) {
      /** @type {number[]} */
      const least = [];
      this.sources.forEach((source) => source.lean && source.lengthen(id, least));
      return Math.min(this._bounds[word], this.sources[word].idf * this.sources[word].atMost(id, least));
    }

    /**
     * The most that lists which are not read may say that a word is worth to a document.
     * @param {number} word
     * @param {Known | undefined} known what others say of it
     */
    _unread(word, known) {
      if (!known) {
        return this._open[word];
      }
      let most = this._beside[word].get(known.list);
      if (most === undefined) {
        most = this.sources[word].idf * this.sources[word].boundBeside(known.list);
        this._beside[word].set(known.list, most);
      }
      return most;
    }

    /** @param {number} limit */
    _rank(limit) {
      this._bounds = this.sources.map((source) => source.idf * source.bounding);
      this._open = this.sources.map((source) => source.idf * source.bound);
      this._beside = this.sources.map(() => new Map());
      this._others = this.sources.map((source) => source.idf * source.boundOf(false));
      /** @type {Scored[]} */
      const sure = [];
      /** @type {Unsure[]} */
      const unsure = [];
      let others = 0; // the most that a document may be worth of which something is not known
      const near = this._nearness.most;
      const flat = this._flat();
      if (flat) {
        this._rankFlat(flat, sure, unsure, limit);
      } else {
        for (const id of this._candidates()) {
          const state = this._standing(id);
          if (!state.may) {
            continue;
          }
          if (isSure(state)) {
            sure.push({ id, low: state.low, high: state.low + near, exact: near === 0 });
          } else {
            others = Math.max(others, state.high + near);
          }
        }
      }
      const unseen = this._standing(-1);
      if (unseen.may && !this._looksAtAll) {
        others = Math.max(others, unseen.high + near);
      }
      const { hits, ended } = this._best(sure, limit);
      const last = hits[Math.min(limit, hits.length) - 1];
      others = Math.min(this._ceiling, Math.max(others, this._most(unsure, hits.length >= limit ? last.low : 0)));
      const enough = hits.length >= limit && last.low >= others;
      const all = others === 0 && (ended || !this._row);
      // Of some more may come to be known that lifts them among the best.
      const open = hits.some((hit, at) => !hit.exact && (at < limit || hit.high > last.low));
      return { hits, settled: (enough || others === 0) && !open, total: this._total(hits, sure), all };
    }

    /**
     * How many documents are known to match.
     * @param {Scored[]} hits
     * @param {Scored[]} sure
     */
    _total(hits, sure) {
      const known = this._flat() ? this._sure : sure.length;
      return this._row ? hits.length : known;
    }

    /** Words that a document must have, whatever else is asked. */
    _required() {
      const must = this.query.root.children.filter(({ kind, negated }) => kind === "word" && !negated);
      return this.relaxed ? [] : must.map(({ word }) => this.sources[word]);
    }

    /** The numbers of the query's words, where all must be there and nothing else is asked. */
    _flat() {
      const { children } = this.query.root;
      const plain = children.every(({ kind, negated }) => kind === "word" && !negated);
      if (!plain || this.relaxed || this.orders) {
        return undefined;
      }
      return children.map(({ word }) => word);
    }

    /**
     * The same as for any query, where all words must be there: without a thought for documents that
     * lack one which is known whole.
     * @param {number[]} words their numbers
     * @param {Scored[]} sure
     * @param {Unsure[]} unsure of which something is not known
     * @param {number} limit
     */
    _rankFlat(words, sure, unsure, limit) {
      const sources = words.map((word) => this.sources[word]);
      const bounds = words.map((word) => this._bounds[word]);
      const lean = sources.map((source) => source.lean);
      const whole = sources.filter((_, at) => bounds[at] <= 0).sort((a, b) => a.known.size - b.known.size);
      const first = whole.length ? [whole[0]] : sources;
      const unread = sources.map((source) => source.boundOf(true) > 0);
      const nearOf = this._nearness.mostOf(sources);
      /** @type {number[]} */
      const ids = [];
      /** @type {number[]} */
      const lows = [];
      /** @type {number[]} */
      const nears = [];
      first.forEach((from, number) => {
        from.known.forEach((_, id) => {
          for (let before = 0; before < number; before++) {
            if (first[before].known.has(id)) {
              return;
            }
          }
          let [low, high, all, texts] = [0, 0, true, 0];
          for (let at = 0; at < sources.length; at++) {
            const settled = !lean[at] || sources[at].settle(id, (field) => this._lengthOf(id, field));
            const known = sources[at].known.get(id);
            const told = sources[at].told.has(id);
            const bound = !settled ? this._atMost(words[at], id) : told ? this._others[words[at]] : this._unread(words[at], known);
            if (!known && bound <= 0) {
              return;
            }
            const worth = known ? sources[at].idf * known.worth : 0;
            all &&= known !== undefined && worth >= bound;
            low += worth;
            high += Math.max(worth, bound);
            texts |= Number((unread[at] && !told) || !settled || (known !== undefined && isText(known.list))) << at;
          }
          if (!all) {
            unsure.push({ id, high, near: nearOf(texts) });
            return;
          }
          ids.push(id);
          lows.push(low);
          nears.push(nearOf(texts));
        });
      });
      // Nearness cannot bring those below among the best.
      const enough = limit < lows.length ? Float64Array.from(lows).sort()[lows.length - limit] : 0;
      lows.forEach((low, at) => {
        if (low + nears[at] >= enough || this._row) {
          sure.push({ id: ids[at], low, high: low + nears[at], exact: nears[at] === 0 });
        }
      });
      this._sure = ids.length;
    }

    /**
     * The most that one of these may be worth, not in full where that is more than `enough`.
     * @param {Unsure[]} unsure
     * @param {number} enough
     */
    _most(unsure, enough) {
      const { unread } = this._nearness;
      let most = 0;
      for (const { id, high, near } of unsure) {
        let all = high + near;
        if (all > enough && this._row?.in(id) === false) {
          continue;
        }
        if (all > enough && high <= enough) {
          const { value, final } = this._nearness.of(id, unread);
          all = final ? high + value : all;
        }
        most = Math.max(most, all);
        if (most > enough) {
          break;
        }
      }
      return most;
    }

    /**
     * Of what is sure, the best with their nearness; the others' is not looked at. Of a phrase, those that may have it.
     * @param {Scored[]} sure
     * @param {number} limit
     * @returns {{ hits: Scored[], ended: boolean }} and whether all were looked at
     */
    _best(sure, limit) {
      const { unread } = this._nearness;
      sure.sort((a, b) => b.high - a.high || a.id - b.id);
      /** @type {Scored[]} */
      const best = [];
      for (const hit of sure) {
        if (best.length >= limit && hit.high < best[limit - 1].low) {
          return { hits: best, ended: false };
        }
        const has = this._row?.in(hit.id);
        if (has === false) {
          continue;
        }
        if (this._row) {
          hit.exact = has === true;
        } else if (!hit.exact) {
          const { value, final } = this._nearness.of(hit.id, unread);
          hit.low += value;
          hit.exact = final;
        }
        insert(best, hit);
      }
      return { hits: best, ended: true };
    }

    /**
     * Why a document matches, word by word.
     * @param {number} id
     * @returns {Way[]}
     */
    ways(id) {
      const ways = this.sources.filter(({ word }) => !word.excluded).map((source) => source.way(id));
      return this._row ? [this._row.way(id)] : /** @type {Way[]} */ (ways.filter(Boolean));
    }

    get _looksAtAll() {
      return this._wordless || (this.relaxed && this.orders !== undefined);
    }

    /** @returns {Iterable<number>} */
    _candidates() {
      if (this.orders && this._looksAtAll) {
        return this.orders.keys();
      }
      const [first, ...rest] = this.sources.filter(({ word }) => !word.excluded);
      if (!rest.length) {
        return first?.known.keys() ?? [];
      }
      const all = new Set(first.known.keys());
      rest.forEach(({ known }) => known.forEach((_, id) => all.add(id)));
      return all;
    }

    /**
     * What is known of a document, or of one that was not met yet.
     * @param {number} id
     */
    _standing(id) {
      const state = this._logic.of(id);
      return this._either?.narrowed(id, state, this._either.words.map((word) => this._word(word, id))) ?? state;
    }

    /**
     * @param {number} word
     * @param {number} id
     * @returns {Standing}
     */
    _word(word, id) {
      const source = this.sources[word];
      const has = id >= 0 && source.lean && !source.settle(id, (field) => this._lengthOf(id, field)); // what that is worth is not known
      const known = source.known.get(id);
      let bound = this._bounds[word];
      if (has) {
        bound = this._atMost(word, id);
      } else if (id >= 0) {
        bound = source.told.has(id) ? this._others[word] : this._unread(word, known);
      }
      const low = known ? source.idf * known.worth : 0;
      return { low, high: Math.max(low, bound), sure: !!known || has, may: !!known || bound > 0 };
    }

    /**
     * How many words a field of a document has, where any word of the query tells it.
     * @param {number} id
     * @param {number} field
     * @returns {number | undefined}
     */
    _lengthOf(id, field) {
      for (const { known } of this.sources) {
        const use = known.get(id)?.uses.find((each) => each.field === field);
        if (use) {
          return use.words;
        }
      }
    }
  }

  /**
   * Whether nothing more is to be known of a document but how near words are in it.
   * @param {Standing} state
   */
  const isSure = ({ may, sure, low, high }) => !may || (sure && high - low < 1e-12);

  /**
   * @param {Scored[]} best
   * @param {Scored} hit
   */
  function insert(best, hit) {
    let [low, high] = [0, best.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (best[middle].low >= hit.low) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    best.splice(low, 0, hit);
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Search });
})();
