// Where a phrase of a query stands: documents in which its words stand side by side.
"use strict";

(() => {
  const { around, documentsOf, idfOf, lookIn, placeIn, worth, weightOf } = globalThis.Picturerail;

  // How words stand to one whose lists tell it: next to it, but none after it; one after it; or both.
  const [BEFORE, AFTER, BOTH] = [4, 5, 6];
  const FEW = 32; // documents of the rarest word: of others only these are then read

  /** Words that must stand side by side. */
  class PhraseSource {
    /**
     * @param {Postings} index
     * @param {QueryWord} word
     */
    constructor(index, word) {
      this.index = index;
      this.word = word;
      this.idf = 0;
      this.known = documentsOf(index);
      /** Its words, the rarest first, and all documents of each. @type {{ term: Term, parts: Part[] }[]} */
      this._read = [];
      this._list = /** @type {List} */ ({ via: "phrase", number: 0, name: word.terms.join(" "), similarity: 1 });
      this.bound = 0;
      this.unread = [];
      this.frontless = false;
      /** @type {Where | undefined} */
      this.where = undefined; // of a phrase all is known from the beginning, since it tells what it is worth
      /** Of each of its words, as they come first, what it counts. @type {number[]} */
      this._idfs = [];
      /** Where these stand in documents of which none of them tells how long all fields are. @type {Map<number, FieldUse[][]>} */
      this._lean = new Map();
      this.short = false;
      this.bearing = this.reach = 0;
      /** @type {List[]} */
      this.main = [];
      /** @type {Set<number>} */
      this.told = new Set();
      /** @type {Map<Source, Map<number, number>>} */
      this.near = new Map();
      /** @type {List[]} */
      this.lists = [];
    }

    async open() {
      const { index, word } = this;
      const terms = await Promise.all([...new Set(word.terms)].map((text) => index.term(text, "w")));
      if (!terms.every(Boolean)) {
        return;
      }
      const each = /** @type {Term[]} */ (terms);
      if (!word.excluded) {
        this._idfs = (await Promise.all(each.map((term) => index.count(term)))).map((count) => idfOf(index.documents, count));
      }
      this.idf = this._idfs.reduce((sum, idf) => sum + idf, 0);
      await this._match(each);
      this.bearing = this.reach = this.known.size + this._lean.size;
    }

    /** @param {Term[]} terms each once */
    async _match(terms) {
      // The rarest first, so that only what may still match is kept of the others.
      const inOrder = [...terms].sort((a, b) => a.level - b.level);
      /** @type {Part[][]} */
      const parts = [];
      /** @type {Where | undefined} */
      let where;
      if (this.index.atLeast(inOrder[0]).documents <= FEW) {
        parts.push(await this._documents(inOrder[0]));
        where = around(parts[0].flatMap((part) => Array.from(part.open().ids)));
      }
      parts.push(...(await Promise.all(inOrder.slice(parts.length).map((term) => this._documents(term, where)))));
      this._read = inOrder.map((term, number) => ({ term, parts: parts[number] }));
      /** @type {Map<string, Map<number, Place>>} */
      const found = new Map();
      /** @type {Map<number, Place> | undefined} */
      let kept;
      inOrder.forEach((term, number) => {
        const before = kept;
        kept = new Map();
        for (const part of parts[number]) {
          part.open();
          for (let at = 0; at < part.count; at++) {
            if (!before || before.has(part.ids[at])) {
              kept.set(part.ids[at], { part, at });
            }
          }
        }
        found.set(term.key, kept);
      });
      for (const id of kept?.keys() ?? []) {
        const places = terms.map((term) => /** @type {Place} */ (found.get(term.key)?.get(id)));
        const row = this.word.terms.map((text) => places[terms.findIndex((term) => term.text === text)]);
        if (weightOf(this.index, sideBySide(row), this.word.field) > 0) {
          const uses = usesOf(places);
          const lean = uses.flat().some(({ words }) => !words) && !this.word.excluded;
          if (lean) {
            this._lean.set(id, uses);
          } else {
            this._know(id, uses);
          }
        }
      }
    }

    /**
     * All documents of a term, or those parts that documents may be in which may have the phrase.
     * @param {Term} term
     * @param {Where} [where] these are
     */
    async _documents(term, where) {
      return term.rest ? this.index.rest(term, where) : (await this.index.front(term, where)).flat();
    }

    /**
     * @param {number} id
     * @param {FieldUse[][]} uses of each word
     */
    _know(id, uses) {
      this._lean.delete(id);
      this.known.set(id, { worth: this._worth(uses), list: this._list, uses: uses.flat() });
    }

    /**
     * What it is worth: as much as its words.
     * @param {FieldUse[][]} uses of each of them
     */
    _worth(uses) {
      const worths = this._idfs.map((idf, at) => idf * worth(this._list, weightOf(this.index, uses[at], this.word.field)));
      return this.idf && worths.reduce((sum, each) => sum + each, 0) / this.idf;
    }

    /**
     * The same where fields have so many words at least.
     * @param {FieldUse[][]} uses
     * @param {number[]} least by field
     */
    _atMost(uses, least) {
      return this._worth(uses.map((of) => of.map((use) => ({ ...use, words: Math.max(use.words, least[use.field] ?? 0, use.times) }))));
    }

    async load() {}
    async loadAll() {
      await this.loadLengths();
    }
    async loadPresence() {
      [...this._lean].forEach(([id, uses]) => this._know(id, uses));
    }
    async loadFronts() {}
    async loadOthers() {}
    reopen() {}
    async teach() {}
    learn() {}

    get lean() {
      return this._lean.size > 0;
    }

    get bounding() {
      return Math.max(0, ...[...this._lean.values()].map((uses) => this._atMost(uses, [])));
    }

    lengthen() {}

    /**
     * @param {number} id
     * @param {number[]} least
     */
    atMost(id, least) {
      const uses = this._lean.get(id);
      return uses ? this._atMost(uses, least) : (this.known.get(id)?.worth ?? 0);
    }

    /** Documents of which it is known that they have it, and not what it is worth. */
    get leanIds() {
      return [...this._lean.keys()];
    }

    async loadLengths() {
      if (this.lean) {
        const lengths = await this.index.lengths();
        this.short = false;
        for (const id of [...this._lean.keys()]) {
          this.settle(id, (field) => lengths[field][id]);
        }
        this._lean.clear(); // where a file is damaged
      }
    }

    /**
     * @param {number} id
     * @param {(field: number) => number | undefined} lengthOf
     */
    settle(id, lengthOf) {
      const uses = (this._lean.get(id) ?? []).map((of) => of.map((use) => ({ ...use, words: use.words || (lengthOf(use.field) ?? 0) })));
      if (uses.flat().some(({ words }) => !words)) {
        this.short = true;
        return false;
      }
      if (uses.length) {
        this._know(id, uses);
      }
      return true;
    }

    boundOf() {
      return 0;
    }

    boundBeside() {
      return 0;
    }

    weight() {
      return 0;
    }

    /** @param {number} id */
    look(id) {
      return lookIn(this._read.flatMap(({ parts }) => parts), id);
    }

    /**
     * @param {number} id
     * @returns {Way | undefined}
     */
    way(id) {
      const held = this.known.get(id);
      return held && wayOf(this.word, this.idf * held.worth);
    }

    places() {}
  }

  /** The words of a query that is a phrase and nothing else, each read like any other, which must stand side by side. */
  class Sequence {
    /**
     * @param {QueryWord} word
     * @param {Lists[]} sources its words
     */
    constructor(word, sources) {
      this.word = word;
      this.sources = sources;
    }

    /**
     * A query's words, where it is such a phrase: each by itself.
     * @param {Query} query
     * @returns {Query | undefined}
     */
    static of({ words: [word], root }) {
      const [node, another] = root.children;
      const alone = !another && node.kind === "word" && !node.negated && word.phrase && !word.field;
      if (!alone || word.terms.length < 2 || new Set(word.terms).size < word.terms.length) {
        return undefined;
      }
      const words = word.terms.map((term) => ({ ...word, terms: [term], phrase: false }));
      return { words, root: { ...root, children: words.map((_, at) => ({ ...node, word: at })) }, pairs: [] };
    }

    /**
     * Whether they stand side by side in a document that has all of them.
     * @param {number} id
     * @returns {boolean | undefined} nothing where that is not known yet
     */
    in(id) {
      const { sources } = this;
      const places = sources.map(({ lists: [list] }) => list && placeIn(list, id));
      if (places.every(Boolean)) {
        return sideBySide(/** @type {Place[]} */ (places)).length > 0;
      }
      const next = sources.slice(1).map((source, before) => isNext(sources[before], source, id));
      if (next.includes(false)) {
        return false;
      }
      // Where a word stands once, what is on its sides is so at the same place.
      const once = sources.slice(1, -1).every(({ known }) => timesIn(known.get(id)?.uses ?? []) === 1);
      if (once && !next.includes(undefined)) {
        return true;
      }
      return sources.some(({ unread }, at) => !places[at] && unread.length) ? undefined : false;
    }

    /**
     * Why a document has the phrase.
     * @param {number} id
     */
    way(id) {
      return wayOf(this.word, this.sources.reduce((sum, { idf, known }) => sum + idf * (known.get(id)?.worth ?? 0), 0));
    }
  }

  /**
   * @param {QueryWord} word a phrase
   * @param {number} score
   * @returns {Way}
   */
  function wayOf({ terms }, score) {
    const name = terms.join(" ");
    return { query: name, word: name, via: "phrase", similarity: 1, score, tags: [] };
  }

  /**
   * Whether one word is the next after another somewhere in a document, as far as either's lists tell it of both.
   * @param {Lists} before
   * @param {Lists} after
   * @param {number} id
   */
  function isNext(before, after, id) {
    const [ahead, behind] = [after.near.get(before)?.get(id), before.near.get(after)?.get(id)];
    const near = ahead ?? behind;
    if (near === undefined) {
      return undefined;
    }
    const next = near === BOTH || near === (ahead === undefined ? BEFORE : AFTER);
    // It may be another word of the stem that stands there.
    return next && (ahead === undefined ? before : after).unclear.has(id) ? undefined : next;
  }

  /** @param {FieldUse[]} uses */
  const timesIn = (uses) => uses.reduce((sum, { times }) => sum + times, 0);

  /**
   * Where words stand in a document, one by one; how long fields are any of them may tell.
   * @param {Place[]} places
   * @returns {FieldUse[][]}
   */
  function usesOf(places) {
    const all = places.map(({ part, at }) => part.uses(at));
    const words = new Map(all.flat().filter((use) => use.words).map((use) => [use.field, use.words]));
    return all.map((uses) => uses.map((use) => ({ ...use, words: use.words || (words.get(use.field) ?? 0) })));
  }

  /**
   * The uses of a phrase, by field, in a document that has all of its words.
   * @param {Place[]} places
   * @returns {FieldUse[]}
   */
  function sideBySide(places) {
    const [first, ...rest] = places;
    const begins = first.part.positions(first.at);
    return first.part.uses(first.at).flatMap(({ field, words }, number) => {
      let side = begins[number];
      rest.forEach(({ part, at }, step) => {
        const which = side.length ? part.uses(at).findIndex((use) => use.field === field) : -1;
        const there = which < 0 ? new Uint32Array() : part.positions(at)[which];
        side = side.filter((position) => there.includes(position + step + 1));
      });
      return side.length ? [{ field, words, times: side.length }] : [];
    });
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { PhraseSource, Sequence });
})();
