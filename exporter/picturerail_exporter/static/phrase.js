// Where a phrase of a query stands: documents in which its words stand side by side.
"use strict";

(() => {
  const { around, documentsOf, lookIn, worth, weightOf } = globalThis.Picturerail;

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
      /** Where it stands in documents of which none of its words tells how long fields are. @type {Map<number, FieldUse[]>} */
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
      const terms = await Promise.all(this.word.terms.map((text) => this.index.term(text, "w")));
      if (terms.every(Boolean)) {
        await this._match(/** @type {Term[]} */ (terms));
      }
      const documents = this.known.size + this._lean.size;
      this.bearing = this.reach = documents;
      this.idf = Math.log1p((this.index.documents - documents + 0.5) / (documents + 0.5));
    }

    /** @param {Term[]} terms */
    async _match(terms) {
      // The rarest first, so that only what may still match is kept of the others.
      const inOrder = [...new Set(terms.map((term) => term.key))]
        .map((key) => /** @type {Term} */ (terms.find((term) => term.key === key)))
        .sort((a, b) => a.level - b.level);
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
        const uses = sideBySide(places);
        const counts = uses.length && weightOf(this.index, uses, this.word.field) > 0;
        if (counts && uses.some(({ words }) => !words) && !this.word.excluded) {
          this._lean.set(id, uses);
        } else if (counts) {
          this._know(id, uses);
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
     * @param {FieldUse[]} uses
     */
    _know(id, uses) {
      this._lean.delete(id);
      this.known.set(id, { worth: worth(this._list, weightOf(this.index, uses, this.word.field)), list: this._list, uses });
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
      const shortest = this.word.terms.length; // a field has no fewer words
      const weights = [...this._lean.values()].map((uses) => weightOf(this.index, uses.map((use) => ({ ...use, words: shortest })), this.word.field));
      return Math.max(0, ...weights.map((weight) => worth(this._list, weight)));
    }

    lengthen() {}

    /**
     * @param {number} id
     * @param {number[]} least
     */
    atMost(id, least) {
      const uses = this._lean.get(id)?.map((use) => ({ ...use, words: Math.max(least[use.field] ?? 0, this.word.terms.length) }));
      return uses ? worth(this._list, weightOf(this.index, uses, this.word.field)) : (this.known.get(id)?.worth ?? 0);
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
      const uses = this._lean.get(id)?.map((use) => ({ ...use, words: lengthOf(use.field) ?? 0 })) ?? [];
      if (uses.some(({ words }) => !words)) {
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
      const name = this.word.terms.join(" ");
      return held && { query: name, word: name, via: "phrase", similarity: 1, score: this.idf * held.worth, tags: [] };
    }

    places() {}
  }

  /**
   * The uses of a phrase, by field, in a document that has all of its words.
   * @param {Place[]} places
   * @returns {FieldUse[]}
   */
  function sideBySide(places) {
    const [first, ...rest] = places;
    const told = /** @type {Place} */ (places.find(({ part }) => !part.lean) ?? first);
    const begins = first.part.positions(first.at);
    return first.part.uses(first.at).flatMap(({ field }, number) => {
      let side = begins[number];
      rest.forEach(({ part, at }, step) => {
        const which = side.length ? part.uses(at).findIndex((use) => use.field === field) : -1;
        const there = which < 0 ? new Uint32Array() : part.positions(at)[which];
        side = side.filter((position) => there.includes(position + step + 1));
      });
      const { words } = told.part.uses(told.at).find((use) => use.field === field) ?? { words: 0 };
      return side.length ? [{ field, words, times: side.length }] : [];
    });
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { PhraseSource });
})();
