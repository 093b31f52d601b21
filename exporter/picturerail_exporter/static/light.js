// A word of a query that says little and need not be there beside others: "the". In most collections
// it is in half of all documents, and worth next to nothing. So which documents have it is read, and what it is
// worth to one reckoned from the lengths of its fields, as far as another word of the query has told them.
"use strict";

(() => {
  const { WordSource, isNearer, worth, weightOf } = globalThis.Picturerail;
  const ENDLESS = 1e9; // words of a field

  class LightSource extends WordSource {
    /**
     * @param {Postings} index
     * @param {QueryWord} word
     */
    constructor(index, word) {
      super(index, word);
      this.light = true;
      this._there = false; // whether it is known which documents have it
      /** @type {Set<number>} */
      this._reckoned = new Set();
    }

    /** @override */
    get bound() {
      return this._there ? 0 : super.bound;
    }

    /** @override */
    async load() {
      await this.loadAll();
    }

    /** @override */
    async loadAll() {
      await Promise.all(this.lists.map((list) => this._learn(list)));
      this._there = true;
    }

    /** @override */
    async loadWorth() {
      await super.loadAll();
    }

    /** @param {List} list */
    async _learn(list) {
      list.there = (await this.index.presence(list.term)).map((part) => part.open());
      while (!list.there.length && !list.ended) {
        await this._readBand(list);
      }
    }

    /**
     * @param {number} id
     * @param {(field: number) => number | undefined} lengthOf
     * @override
     */
    reckon(id, lengthOf) {
      const held = this.known.get(id);
      let [best, low, high] = [held, held?.worth ?? 0, held?.worth ?? 0];
      if (this._reckoned.has(id)) {
        return { low, high };
      }
      for (const list of this.lists.filter(({ ended }) => !ended)) {
        for (const part of list.there) {
          const at = part.find(id);
          if (at < 0) {
            continue;
          }
          const uses = part.uses(at).map((use) => ({ ...use, words: lengthOf(use.field) ?? 0 }));
          if (uses.every(({ words }) => words > 0)) {
            const one = this._kind(list, uses);
            best = isNearer(one, best) ? one : best;
            low = Math.max(low, one.worth);
            high = Math.max(high, one.worth);
          } else {
            low = Math.max(low, this._worth(list, uses, () => ENDLESS));
            high = Math.max(high, this._worth(list, uses, ({ times }) => times));
          }
        }
      }
      if (low === high) {
        this._reckoned.add(id);
        if (best && best !== held) {
          this.known.set(id, best);
        }
      }
      return { low, high };
    }

    /**
     * @param {List} list
     * @param {FieldUse[]} uses
     * @param {(use: FieldUse) => number} wordsOf a field whose length is not known
     */
    _worth(list, uses, wordsOf) {
      const full = uses.map((use) => ({ ...use, words: use.words || wordsOf(use) }));
      return worth(list, weightOf(this.index, full, ""));
    }
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { LightSource });
})();
