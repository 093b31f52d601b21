// The lists of terms that match a word of a query, and what these say of documents: read band by band, those first
// whose documents are worth the most.
"use strict";

(() => {
  const { documentsOf, isNearer, weightOf, worth } = globalThis.Picturerail;

  /** Lists, and what is known so far of which documents have them. */
  class Lists {
    /**
     * @param {Postings} index
     * @param {QueryWord} word
     */
    constructor(index, word) {
      this.index = index;
      this.word = word;
      this.idf = 0;
      /** @type {List[]} */
      this.lists = [];
      /** @type {NearTag[]} */
      this.tags = []; // tags whose lists are not looked up yet, the nearest first
      this.known = documentsOf(index);
      /** @type {Map<FieldUse[], number>} */
      this._weights = new Map();
      this._read = 0; // documents, over all lists
      /** @type {Map<string, Known>} */
      this._kinds = new Map();
      /** @type {Set<number>} */
      this._settled = new Set();
      /** How many words fields have at least in documents of a class. @type {Map<FieldUse[], number[]>} */
      this._least = new Map();
      this.short = false; // whether a document was met whose lengths no other word tells
      /** Documents of which the records of another word tell whether and where they have it. @type {Set<number>} */
      this.told = new Set();
      /** How near to these other words it is there. @type {Map<Source, Map<number, number>>} */
      this.near = new Map();
      /** Documents that have other words of its stem, too, by what others told. @type {Set<number>} */
      this.unclear = new Set();
      /** Of these words it is to be learnt beside this one, by the numbers of their stems. @type {Learning[]} */
      this.learning = [];
      /** Where documents are that may match; anywhere if it is not told. @type {Where | undefined} */
      this.where = undefined;
      this.bearing = 0; // documents that have it as such or in a form
      this.reach = 0; // the same, or where there are none, those of the most frequent other list
    }

    /** Look up which lists there are: of a word of a query (`sources.js`). */
    async open() {}

    /**
     * @param {Term} term
     * @param {Via} via
     * @param {Partial<List>} more
     */
    _add(term, via, more = {}) {
      const number = this.lists.length;
      const rest = { name: term.text, similarity: 1, edits: 0, bands: undefined, next: 0, ended: false, front: [], parts: [], lean: false, partial: false };
      this.lists.push({ term, via, number, ...rest, ...more });
    }

    /** @param {number} count of the nearest tags whose lists are to be looked up */
    async _resolve(count) {
      const tags = this.tags.splice(0, count);
      const terms = await Promise.all(tags.map((tag) => this.index.term(tag.key, "t")));
      tags.forEach(({ name, similarity }, at) => {
        const term = terms[at];
        if (term) {
          this._add(term, "neighbour", { name, similarity });
        }
      });
    }

    /** @param {FieldUse[]} uses */
    weight(uses) {
      let weight = this._weights.get(uses);
      if (weight === undefined) {
        weight = weightOf(this.index, uses, this.word.field);
        this._weights.set(uses, weight);
      }
      return weight;
    }

    /**
     * The most that a document of a list may be worth that is not read yet; 0 when all are.
     * @param {List} list
     */
    _bound(list) {
      return list.ended ? 0 : this._boundBehind(list);
    }

    /**
     * The same whether or not it is known which documents these are.
     * @param {List} list
     */
    _boundBehind(list) {
      const { term, bands, next } = list;
      let most = 0;
      /** @param {FieldUse[][]} bounds */
      const over = (bounds) => {
        for (const uses of bounds) {
          const weight = this.weight(uses);
          most = Math.max(most, weight > 0 ? worth(list, weight) : 0);
        }
      };
      if (!bands) {
        over(term.bounds);
      } else {
        // Weights below the bands' order may be higher: the averages are others there.
        bands.slice(next).forEach((band) => band.forEach(({ classes }) => over(classes)));
        over(term.rest ?? []);
      }
      return most;
    }

    /** The most that what is not read yet may be worth, to any document. */
    get bound() {
      return Math.max(this.boundOf(true), this.boundOf(false));
    }

    /**
     * The same of the word and its other forms alone, or of all else.
     * @param {boolean} text
     */
    boundOf(text) {
      const near = !text && this.tags.length ? 0.1 * this.tags[0].similarity : 0;
      return Math.max(near, ...this.lists.filter((list) => isText(list) === text).map((list) => this._bound(list)));
    }

    /**
     * The most that what is not read yet may be worth to a document of a list, which is in that once.
     * @param {List} list
     */
    boundBeside(list) {
      const near = this.tags.length ? 0.1 * this.tags[0].similarity : 0;
      return Math.max(near, ...this.lists.map((each) => (each === list ? 0 : this._bound(each))));
    }

    /** The most that it may be worth to a document of which it is not known. */
    get bounding() {
      const lean = this.lists.filter((list) => list.lean).map((list) => this._boundBehind(list));
      return Math.max(this.bound, ...lean);
    }

    /** The lists of the word and its other forms, where there are any; else all. */
    get main() {
      const texts = this.lists.filter(isText);
      return texts.length ? texts : this.lists;
    }

    /** Those of them that are not read to their ends. */
    get unread() {
      return this.main.filter((list) => !list.ended);
    }

    /**
     * Read on where the most may be found: about as much again as was read. Beside other words first `least` documents,
     * where there are so many before lists' rests, and then all, since where they lie all are: those of the word and
     * its other forms before others; how long fields are other words may tell.
     * @param {number} least
     * @param {boolean} [needed] whether a document must have others of these words, too: of a list that has a rest the
     *   first ones are then no better than others, and all are in the rest
     */
    async load(least, needed = false) {
      const { unread } = this;
      if (least && (this._read || this.where)) {
        await (unread.length ? Promise.all(unread.map((list) => this._readRest(list, true))) : this.loadOthers());
        return;
      }
      const long = needed ? unread.filter(({ term }) => term.rest) : [];
      if (long.length) {
        await Promise.all(long.map((list) => this._readRest(list, true)));
        return;
      }
      const wanted = Math.max(least, 2 * this._read);
      do {
        const most = this.bound;
        if (most <= 0) {
          return;
        }
        const list = this.lists.find((each) => this._bound(each) >= most);
        if (least && this._read && list?.term.rest && isFrontRead(list)) {
          return;
        }
        await (list ? this._readBand(list) : this._resolve(16));
      } while (this._read < wanted);
    }

    async loadAll() {
      await this._resolve(this.tags.length);
      await Promise.all(this.lists.map((list) => this._readOut(list)));
      await this.loadLengths();
    }

    /** Read which documents have it. */
    async _readWhole() {
      await this._resolve(this.tags.length);
      await Promise.all(this.lists.map((list) => this._readRest(list, true)));
    }

    /** Read which documents have it, where what it is worth to them does not matter. */
    async loadPresence() {
      await this._readWhole();
      for (const list of this.lists.filter(({ lean }) => lean)) {
        list.lean = false;
        list.parts.forEach((part) => this._take(list, part));
      }
    }

    /** Whether of some lists it is read which documents they have, and not which of these are worth the most. */
    get frontless() {
      return this.lists.some((list) => list.lean && !isFrontRead(list));
    }

    /** Read which documents of such lists are worth the most. */
    async loadFronts() {
      await Promise.all(
        this.lists.map(async (list) => {
          if (list.lean) {
            list.bands ??= await this.index.front(list.term);
            const parts = list.bands.slice(list.next).flat();
            list.next = list.bands.length;
            list.front.push(...parts);
            parts.forEach((part) => this._take(list, part.open()));
          }
        }),
      );
    }

    /** Whether of some lists it is read which documents they have, and not how long fields are. */
    get lean() {
      return this.lists.some((list) => list.lean);
    }

    async loadLengths() {
      this.short = false;
      await Promise.all(
        this.lists.map(async (list) => {
          if (list.lean) {
            const { parts } = list;
            await this.index.complete(parts, this.where);
            [list.lean, list.parts] = [false, []];
            await this._takeParts(list, parts);
          }
        }),
      );
    }

    /**
     * Learn what a document of such lists is worth, from lengths that other words tell.
     * @param {number} id
     * @param {(field: number) => number | undefined} lengthOf
     * @returns {boolean} whether that is all that is to be known of it
     */
    settle(id, lengthOf) {
      if (this._settled.has(id)) {
        return true;
      }
      for (const { list, uses: lean } of this._leanUses(id)) {
        const uses = lean.map((use) => ({ ...use, words: lengthOf(use.field) ?? 0 }));
        if (uses.some(({ words }) => !words)) {
          this.short = true;
          return false;
        }
        const one = this._kind(list, uses);
        if (isNearer(one, this.known.get(id))) {
          this.known.set(id, one);
        }
      }
      this._settled.add(id);
      return true;
    }

    /**
     * Take over how many words the fields of a document of lean lists have at least: in fewer the word would be worth
     * more there than it is in any that is not known.
     * @param {number} id
     * @param {number[]} least by field
     */
    lengthen(id, least) {
      for (const { uses, list } of this._leanUses(id)) {
        this._leastWords(list, uses).forEach((words, at) => {
          least[uses[at].field] = Math.max(words, least[uses[at].field] ?? 0);
        });
      }
    }

    /** Documents of lean lists. */
    get leanIds() {
      const lean = this.lists.filter((list) => list.lean);
      return lean.flatMap(({ parts }) => parts.flatMap(({ ids }) => Array.from(ids)));
    }

    /**
     * The most that it may be worth to a document of lean lists.
     * @param {number} id
     * @param {number[]} least words of its fields
     */
    atMost(id, least) {
      let most = Math.max(this.bound, this.known.get(id)?.worth ?? 0);
      for (const { uses, list } of this._leanUses(id)) {
        const shortest = uses.map((use) => ({ ...use, words: least[use.field] }));
        const weight = weightOf(this.index, shortest, this.word.field);
        most = Math.max(most, weight > 0 ? worth(list, weight) : 0);
      }
      return most;
    }

    /**
     * What lean lists say of a document that are not known to be worth what they are, as it is in the front of one.
     * @param {number} id
     */
    _leanUses(id) {
      /** @type {{ list: List, uses: FieldUse[] }[]} */
      const found = [];
      const told = this.told.has(id);
      for (const list of this.lists) {
        const asked = list.lean && !(told && isText(list)) && !list.front.some((part) => part.find(id) >= 0);
        const place = asked ? placeIn(list, id) : undefined;
        const uses = place?.part.uses(place.at) ?? [];
        if (uses.some(({ field }) => this._counts(field))) {
          found.push({ list, uses: this.word.field ? uses.filter(({ field }) => this._counts(field)) : uses });
        }
      }
      return found;
    }

    /**
     * @param {List} list
     * @param {FieldUse[]} uses
     */
    _leastWords(list, uses) {
      let least = this._least.get(uses);
      if (!least) {
        const bounds = (isFrontRead(list) && list.term.rest) || list.term.bounds;
        /** Of each bound that may be one of these the words of their fields. */
        const covering = bounds
          .map((bound) => uses.map(({ field, times }) => bound.find((each) => each.field === field && each.times >= times)?.words ?? 0))
          .filter((words) => words.every(Boolean));
        least = uses.map(({ times }, at) => Math.max(times, covering.length ? Math.min(...covering.map((words) => words[at])) : 0));
        this._least.set(uses, least);
      }
      return least;
    }

    /**
     * Whether a field is that which is asked, if one is.
     * @param {number} field
     */
    _counts(field) {
      return !this.word.field || this.index.fields[field].name === this.word.field;
    }

    /**
     * What documents like this one have: the same for all.
     * @param {List} list
     * @param {FieldUse[]} uses
     */
    _kind(list, uses) {
      const name = [list.number, ...uses.flatMap(({ field, times, words }) => [field, times, words])].join();
      const kind = this._kinds.get(name) ?? { worth: worth(list, this.weight(uses)), list, uses };
      this._kinds.set(name, kind);
      return kind;
    }

    /** Read all but the lists of the word and its other forms. */
    async loadOthers() {
      await this._resolve(this.tags.length);
      await Promise.all(this.lists.filter((list) => !isText(list)).map((list) => this._readRest(list, true)));
    }

    /**
     * Read anew what of long lists was read only where some documents are: others may match, too.
     * @param {Where} [where] these are
     */
    reopen(where) {
      this.where = where;
      for (const list of this.lists.filter(({ partial }) => partial)) {
        Object.assign(list, { partial: false, ended: false, lean: false, parts: list.front, front: [] });
      }
    }

    /** @param {List} list */
    async _readOut(list) {
      while (!list.ended) {
        await this._readBand(list);
      }
    }

    /**
     * Read a list's next band, or after the last of them its rest.
     * @param {List} list
     */
    async _readBand(list) {
      list.bands ??= await this.index.front(list.term);
      const { length } = list.bands; // 0 where the file is damaged
      if (list.next < length) {
        await this._takeParts(list, list.bands[list.next++]);
        list.ended = list.next >= length && !list.term.rest;
      } else if (list.term.rest) {
        await this._readRest(list);
      } else {
        list.ended = true;
      }
    }

    /**
     * Read all documents of a list: its rest holds all; of one without, its bands.
     * @param {List} list
     * @param {boolean} lean without lengths of fields, where these lie apart
     */
    async _readRest(list, lean = false) {
      const { index, where } = this;
      const { term } = list;
      if (!term.rest && (!where || list.bands)) {
        await this._readOut(list);
      } else if (!list.ended) {
        const rest = term.rest ? await index.rest(term, where) : (await index.front(term, where)).flat();
        list.partial = where !== undefined;
        const apart = rest.some((part) => part.lean);
        await (apart && !lean ? index.complete(rest, where) : undefined);
        list.ended = true;
        list.front = list.parts;
        list.parts = [];
        if (apart && lean) {
          list.lean = true;
          list.parts = rest.map((part) => part.open());
        } else {
          await this._takeParts(list, rest);
        }
      }
    }

    /**
     * @param {List} list
     * @param {Part[]} parts
     */
    async _takeParts(list, parts) {
      await Promise.all(this.learning.map(({ stem }) => this.index.tellApart(parts, stem)));
      for (const part of parts) {
        this._take(list, part.open());
        this._read += part.count;
        list.parts.push(part);
        this.learning.forEach((learning) => this._tell(learning, list, part));
      }
    }

    /**
     * Let another word learn from now on what the records of this one tell of it, and what those told that are read.
     * @param {Learning} learning
     */
    async teach(learning) {
      this.learning.push(learning);
      await Promise.all(
        this.lists.map(async (list) => {
          await this.index.tellApart(list.parts, learning.stem);
          list.parts.forEach((part) => this._tell(learning, list, part));
        }),
      );
    }

    /**
     * @param {Learning} learning
     * @param {List} list
     * @param {Part} part of it
     */
    _tell({ source, stem }, list, part) {
      const beside = this.index.besideOf(part, stem);
      if (beside) {
        source.learn(this, beside, part.ids, isText(list));
      }
    }

    /**
     * @param {List} list
     * @param {Listed} part of it
     */
    _take(list, part) {
      const known = part.classes.map((uses) => {
        const weight = this.weight(uses);
        return weight > 0 ? { worth: worth(list, weight), list, uses } : undefined;
      });
      const first = !this.known.size; // a list has a document once
      for (let at = 0; at < part.count; at++) {
        const one = known[part.codes[at]];
        if (one && (first || isNearer(one, this.known.get(part.ids[at])))) {
          this.known.set(part.ids[at], one);
        }
      }
    }

    /**
     * Take over what a record of another word tells of this one.
     * @param {Source} from
     * @param {BesideStem} told
     * @param {Float64Array} ids of all documents of the record
     * @param {boolean} text whether it is one of the word itself or another form, so that nearness counts
     */
    learn(from, { words, near }, ids, text) {
      for (const list of this.lists) {
        const part = isText(list) ? words.get(list.term.text) : undefined;
        if (part) {
          this._take(list, part);
        }
      }
      const others = [...words].filter(([word]) => !this.lists.some(({ term }) => term.text === word));
      others.forEach(([, { ids: those }]) => those.forEach((id) => this.unclear.add(id)));
      ids.forEach((id) => this.told.add(id));
      const known = this.near.get(from) ?? new Map();
      near.forEach((nearness, id) => known.set(id, Math.max(text ? nearness : 0, known.get(id) ?? 0)));
      this.near.set(from, known);
    }

    /**
     * @param {number} id
     * @returns {Look | undefined}
     */
    look(id) {
      return lookIn(this.lists.flatMap(({ front, parts }) => [...front, ...parts]), id);
    }

    /**
     * Why a document has the word.
     * @param {number} id
     * @returns {Way | undefined}
     */
    way(id) {
      const held = this.known.get(id);
      if (!held) {
        return undefined;
      }
      const { via, name, similarity } = held.list;
      const near = this.lists.filter((list) => list.via === "neighbour" && placeIn(list, id));
      near.sort((a, b) => b.similarity - a.similarity);
      const tags = via === "neighbour" ? near.map((list) => list.name) : [];
      return { query: this.word.terms[0], word: name, via, similarity, score: this.idf * held.worth, tags };
    }

    /**
     * Where the word or a form of it stands in a document, by field.
     * @param {number} id
     * @param {(field: number, positions: Uint32Array) => void} tell
     */
    places(id, tell) {
      for (const list of this.lists) {
        const place = isText(list) ? placeIn(list, id) : undefined;
        if (!place) {
          continue;
        }
        const positions = place.part.positions(place.at);
        place.part.uses(place.at).forEach(({ field }, at) => {
          if (this._counts(field)) {
            tell(field, positions[at]);
          }
        });
      }
    }
  }

  /**
   * Whether all of a list's bands were read that lie before its rest.
   * @param {List} list
   */
  const isFrontRead = ({ bands, next }) => bands !== undefined && next >= bands.length;

  /** @param {List} list */
  const isText = (list) => list.via === "exact" || list.via === "form";

  /**
   * What a document looks like, where one of these parts tells it.
   * @param {Part[]} parts
   * @param {number} id
   * @returns {Look | undefined}
   */
  function lookIn(parts, id) {
    for (const part of parts) {
      const at = part.find(id);
      const look = at < 0 ? undefined : part.look(at);
      if (look) {
        return look;
      }
    }
  }

  /**
   * Where a document stands in a list, as far as that is read.
   * @param {List} list
   * @param {number} id
   * @returns {Place | undefined}
   */
  function placeIn(list, id) {
    for (const part of [...list.parts, ...list.front]) {
      const at = part.find(id);
      if (at >= 0) {
        return { part, at };
      }
    }
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Lists, isText, lookIn, placeIn });
})();
