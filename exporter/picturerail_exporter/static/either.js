// One or another of two frequent words: what has both, the best of it, is told beforehand (`together.js`), and what is
// told no document that is not has with both; so the beginnings of the words' lists are mostly enough.
"use strict";

(() => {
  const { BestTogether, isText } = globalThis.Picturerail;
  const FEW = 16; // other lists of a word and tags that it is near: more are not read for this

  class Either {
    /**
     * @param {number[]} words their numbers
     * @param {Lists[]} both of them
     * @param {BestTogether} told what is told of both
     * @param {Set<number>} ids of those documents
     * @param {number} most that any other may be worth that has both as such or in a form
     */
    constructor(words, both, told, ids, most) {
      this.words = words;
      this._both = both;
      this.told = told;
      this._ids = ids;
      this._most = most;
    }

    /**
     * @param {Postings} index
     * @param {QueryNode} root of a query
     * @param {Lists[]} sources of its words
     * @returns {Promise<Either | undefined>} nothing where something else is asked, or nothing is told
     */
    static async open(index, root, sources) {
      const [node, another] = root.children;
      const words = !another && node.kind === "any" && !node.negated ? node.children : [];
      if (words.length !== 2 || words.some(({ kind, negated }) => kind !== "word" || negated)) {
        return undefined;
      }
      const both = words.map(({ word }) => sources[word]);
      const few = both.every(({ word, lists, tags }) => word.forms && tags.length + lists.filter((list) => !isText(list)).length <= FEW);
      const told = few ? await BestTogether.open(index, both, [], "either") : undefined;
      if (!told) {
        return undefined;
      }
      await Promise.all(both.map((source) => source.loadOthers()));
      if (both.some(({ lean }) => lean)) {
        return undefined;
      }
      /** @type {Set<number>} */
      const ids = new Set();
      told.forEach((id, _, known) => {
        ids.add(id);
        told.sources.forEach((source, at) => {
          source.known.set(id, known[at]);
          source.told.add(id);
        });
      });
      return new Either(words.map(({ word }) => word), both, told, ids, await told.bound(0));
    }

    /**
     * What a document may be worth, as far as that follows from its not being told.
     * @param {number} id
     * @param {Standing} state
     * @param {Standing[]} each of the words in it
     * @returns {Standing}
     */
    narrowed(id, state, each) {
      if (this._ids.has(id)) {
        return state;
      }
      // How it has a word in another way is known; as such or in a form it has one of them, or is worth no more than
      // `most`, and where it is, has one.
      const others = each.map(({ low }, at) => (this._isText(at, id) ? 0 : low));
      const alone = Math.max(...each.map(({ high }, at) => high + others[1 - at]));
      const one = each.findIndex((_, at) => this._isText(at, id));
      const has = one >= 0 && each[one].low + others[1 - one] > this._most && each[one].high <= each[one].low;
      const high = has ? each[one].low + others[1 - one] : Math.min(state.high, Math.max(alone, this._most));
      return { ...state, high };
    }

    /**
     * Whether a document is known to have one of the words as such or in a form.
     * @param {number} at which
     * @param {number} id
     */
    _isText(at, id) {
      const known = this._both[at].known.get(id);
      return known !== undefined && isText(known.list);
    }
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Either });
})();
