// What is read next where the best documents of a search are not known yet: what is short first, and last what is
// long and of use to few.
"use strict";

(() => {
  const SEVERAL = 1000; // documents of a word that are read at once beside other words
  const FRONT = 400; // the documents of a long list that its front tells, those that are worth the most
  const ENOUGH = 30; // of these may be all that is to be found
  const FEW = 5; // where fewer of them have the other words, too, they are of no use
  const LONG = 4000; // documents of a list that is divided
  const SOME = 32; // documents of a word: where no more have it, of others' divided lists only these are read

  const { around } = globalThis.Picturerail;

  class Reading {
    /**
     * @param {Postings} index
     * @param {Source[]} sources of the query's words
     */
    constructor(index, sources) {
      this.index = index;
      this.sources = sources;
      /** Words that others' records tell of. @type {Set<Source>} */
      this._toldBeside = new Set();
      /** Pairs of which it is not looked up yet where they are near each other. @type {PairWorth[]} */
      this._unknown = [];
      /** Words whose own lists are not to be read for now. @type {Set<Source>} */
      this._spared = new Set();
    }

    /** Let each word learn what the records of others tell of it. */
    async learn() {
      const { root, language } = this.index;
      for (const source of this.sources) {
        const { word } = source;
        const alone = !word.prefixes && !word.phrase;
        const stem = word.field || !(word.forms || alone) ? undefined : language.stem(word.terms[0]);
        const number = root.beside.stems.findIndex(([each]) => each === stem);
        if (number >= 0) {
          this._toldBeside.add(source);
          const others = this.sources.filter((other) => other !== source);
          await Promise.all(others.map((other) => other.teach({ source, stem: number })));
        }
      }
    }

    /**
     * Read for now no lists of words of which that of another tells all that matters; how near these are to one
     * another it does not tell.
     * @param {Source[]} required words which a document must have
     * @param {Nearness} nearness
     */
    spare(required, { pairs }) {
      const telling = required.filter((source) => this._tellsLengths(source) && !this._toldBeside.has(source));
      const spared = this._toldBeside;
      if (telling.length && spared.size) {
        const unknown = pairs.filter(({ a, b }) => !telling.includes(a) && !telling.includes(b));
        this._unknown = unknown.filter(({ a, b }) => spared.has(a) || spared.has(b));
        this._spared = new Set(spared);
      }
    }

    /**
     * Whether another word's lists tell what matters of this one.
     * @param {Source} source
     */
    spares(source) {
      return this._spared.has(source);
    }

    /** Read from now on the lists of any word: documents may lack some. */
    spareNone() {
      this._spared.clear();
    }

    /**
     * Read on.
     * @param {Source[]} required words which a document must have
     * @param {Nearness} nearness
     * @param {() => Promise<boolean>} few learns how long fields are of those documents alone that may be among the
     *   best, if these are few
     */
    async on(required, nearness, few) {
      await Promise.all(this._unknown.splice(0).map((pair) => nearness.lookUp(pair)));
      const open = this.sources.filter((source) => source.bound > 0 && !this._spared.has(source));
      const texts = open.filter(({ unread }) => unread.length);
      const stuck = this._stuck(required);
      const frontless = this._inFronts(required) < FEW ? [] : stuck.filter((source) => source.frontless);
      if (texts.length || (open.length && !stuck.length)) {
        await this._load(texts, open, required);
      } else if (frontless.length) {
        await Promise.all(frontless.map((source) => source.loadFronts()));
      } else if (open.length) {
        await this._load(texts, open, required);
      } else if (stuck.length && (await few())) {
        // What is not known now is worth too little.
      } else if (stuck.length) {
        const [first] = stuck; // it tells others of the same documents, too
        await Promise.all((required.length ? [first] : stuck).map((source) => source.loadLengths()));
      } else {
        await this._loadSpared();
      }
    }

    /**
     * Read on in each list where what is not read yet is worth the most, and the least of others.
     * @param {Source[]} texts words whose own lists or those of other forms are not read
     * @param {Source[]} open these, and those of which others are not
     * @param {Source[]} required
     */
    async _load(texts, open, required) {
      const wanted = this.sources.filter((source) => !source.word.excluded && source.bounding + source.known.size > 0);
      const least = wanted.length > 1 ? SEVERAL : 0;
      const needed = this._needsRests(required);
      // Once those are read other ways to have a word may turn out to be worth too little.
      const now = needed && texts.length ? texts : open;
      const first = this._rareFirst(open, required);
      const those = first.length ? first : now;
      await Promise.all(those.map((source) => (source.word.excluded ? source.loadPresence() : source.load(least, needed))));
    }

    /**
     * What is read before others' long lists, where few documents have a word which all must have: once these are
     * known, others' are read only where they are.
     * @param {Source[]} open words of which not all is read
     * @param {Source[]} required
     */
    _rareFirst(open, required) {
      const long = required.length > 1 && open.some(({ unread }) => unread.some(({ term }) => this.index.atLeast(term).documents > LONG));
      const rare = long ? required.filter(({ reach, word }) => reach <= SOME && !word.phrase) : [];
      const whole = rare.find(({ bounding }) => bounding <= 0);
      if (whole && whole.known.size <= SOME) {
        const where = around([...whole.known.keys()]);
        open.forEach((source) => (source.where = where));
      }
      return whole ? [] : open.filter((source) => rare.includes(source));
    }

    /**
     * Whether all of long lists is to be read, and not what is worth the most: of several words that seldom has the
     * others, too; of one that is asked twice it does, and where no list tells how long fields are it does.
     * @param {Source[]} required
     */
    _needsRests(required) {
      const words = distinct(required);
      return words.length > 1 && (words.some((source) => this._tellsLengths(source)) || this._inFronts(required) < ENOUGH);
    }

    /** @param {Source} source */
    _tellsLengths(source) {
      const { upTo } = this.index.root.beside;
      return !source.word.phrase && (!upTo || source.reach <= upTo);
    }

    /**
     * How many of the documents that a long list's front tells are likely to have the other words, too.
     * @param {Source[]} required
     */
    _inFronts(required) {
      const words = distinct(required).sort((a, b) => a.reach - b.reach);
      const rarest = words.find(({ main }) => main.some(({ term }) => term.rest));
      const others = words.filter((source) => source !== rarest);
      return others.reduce((product, { reach }) => (product * reach) / this.index.documents, FRONT);
    }

    /**
     * Words of which more is to be known than which documents have them, those of the shortest lists first: no other
     * word tells how long fields are.
     * @param {Source[]} required
     */
    _stuck(required) {
      const lean = this.sources.filter((source) => source.lean).sort((a, b) => a.reach - b.reach);
      const short = lean.filter((source) => source.short);
      return required.every((source) => source.lean) ? lean : short;
    }

    /** Read on in what was not to be read: first what no other word's list tells of them. */
    async _loadSpared() {
      const others = [...this._spared].filter((source) => !source.word.excluded && source.boundOf(false) > 0);
      await Promise.all(others.map((source) => source.loadOthers()));
      if (!others.length) {
        this._spared.clear();
      }
    }
  }

  /**
   * Words, each once.
   * @param {Source[]} sources
   */
  const distinct = (sources) => [...new Map(sources.map((source) => [source.word.terms.join(" "), source])).values()];

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Reading });
})();
