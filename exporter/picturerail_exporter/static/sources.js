// Where a word of a query stands: the lists of terms that match it, read band by band, those first
// whose documents are worth the most.
"use strict";

(() => {
  const { distance, documentsOf, isNearer, weightOf, worth } = globalThis.Picturerail;
  const STOP_SHARE = 0.25;
  /** @type {Via[]} */
  const WAYS = ["exact", "phrase", "form", "prefix", "typo", "neighbour"]; // the nearest first

  /** A word of the query, and what is known so far of where it stands. */
  class WordSource {
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
      this.short = false; // whether a document was met whose lengths no other word tells
      /** Documents of which the records of another word tell whether and where they have it. @type {Set<number>} */
      this.told = new Set();
      /** How near to these other words it is there. @type {Map<Source, Map<number, number>>} */
      this.near = new Map();
      /** Of these words it is to be learnt beside this one, by the numbers of their stems. @type {Learning[]} */
      this.learning = [];
      this.bearing = 0; // documents that have it as such or in a form
      this.light = false;
    }

    /** Look up which terms there are. */
    async open() {
      const { index, word } = this;
      const [text] = word.terms;
      const [beginning, stems, near] = await Promise.all([
        word.prefixes ? index.beginningWith(text) : index.term(text, "w").then((term) => (term ? [term] : [])),
        word.forms ? this._forms(text) : undefined,
        Promise.all(word.near.map((key) => index.nearTags(key))),
      ]);
      const forms = stems?.terms ?? [];
      forms.forEach((term) => this._add(term, "form"));
      for (const term of beginning) {
        if (!forms.some((form) => form.key === term.key)) {
          this._add(term, term.text === text ? "exact" : "prefix");
        }
      }
      this.tags = nearest(near.flat());
      if (word.typos && !this.lists.length) {
        await this._addTypos(text);
      }
      if (!this._nearestVia() && this.tags.length) {
        await this._resolve(this.tags.length);
      }
      if (word.field) {
        await this.loadAll(); // how many have it there is not written down
      }
      const bearing = word.field ? this._bearing() : (stems?.bearing ?? (await this._documents("exact")));
      this.bearing = bearing;
      this.idf = this._idf(bearing || (await this._mostFrequent()));
    }

    /** @param {string} text */
    async _forms(text) {
      const root = this.index.language.stem(text);
      const group = await this.index.wordsOf(root);
      const words = (group ?? [root]).filter((each) => each !== text);
      const terms = await Promise.all(words.map((each) => this.index.term(each, "w")));
      const found = /** @type {Term[]} */ (terms.filter(Boolean));
      // Of a stem that is written down nowhere its only word is the stem itself.
      const only = found.length ? this.index.count(found[0]) : undefined;
      return { terms: found, bearing: await (group && group.length > 1 ? this.index.bearing(root) : only) };
    }

    /**
     * @param {Term} term
     * @param {Via} via
     * @param {Partial<List>} more
     */
    _add(term, via, more = {}) {
      const number = this.lists.length;
      const rest = { name: term.text, similarity: 1, edits: 0, bands: undefined, next: 0, ended: false, front: [], parts: [], lean: false, there: [] };
      this.lists.push({ term, via, number, ...rest, ...more });
    }

    /** @param {string} text */
    async _addTypos(text) {
      const length = Array.from(text).length;
      const edits = length < 4 || /[0-9]/.test(text) ? 0 : length < 8 ? 1 : 2;
      const words = edits ? await this.index.spellings(length, edits) : [];
      const typos = words
        .map((each) => ({ word: each, edits: distance(text, each, edits) }))
        .filter((each) => each.edits <= edits);
      const terms = await Promise.all(typos.map((typo) => this.index.term(typo.word, "w")));
      const found = terms.flatMap((term, at) => (term ? [{ term, edits: typos[at].edits }] : []));
      found.sort((a, b) => (a.term.key < b.term.key ? -1 : 1));
      found.forEach(({ term, edits: apart }) => this._add(term, "typo", { edits: apart }));
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

    /** @param {number} documents */
    _idf(documents) {
      const share = this.word.stop ? STOP_SHARE : 1;
      return share * Math.log1p((this.index.documents - documents + 0.5) / (documents + 0.5));
    }

    /** @param {Via} via */
    async _documents(via) {
      const counts = this.lists.filter((list) => list.via === via).map((list) => this._count(list));
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    }

    /**
     * How many documents of a list have the word.
     * @param {List} list
     */
    async _count(list) {
      return this.word.field ? this._inField(list) : this.index.count(list.term);
    }

    /**
     * How many documents of a list that is read whole have the word in the field that is asked.
     * @param {List} list
     */
    _inField(list) {
      let count = 0;
      for (const part of list.parts) {
        const counts = part.classes.map((uses) => this.weight(uses) > 0);
        count += part.codes.reduce((sum, code) => sum + Number(counts[code]), 0);
      }
      return count;
    }

    _nearestVia() {
      return WAYS.find((via) => this.lists.some((list) => list.via === via && (!this.word.field || this._inField(list))));
    }

    _bearing() {
      return [...this.known.values()].filter(({ list }) => list.via === "exact" || list.via === "form").length;
    }

    async _mostFrequent() {
      const via = this._nearestVia();
      const lists = this.lists.filter((list) => list.via === via);
      const level = Math.max(...lists.map(({ term }) => term.level));
      const likely = this.word.field ? lists : lists.filter(({ term }) => term.level === level);
      return Math.max(0, ...(await Promise.all(likely.map((list) => this._count(list)))));
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
      const { term, bands, next } = list;
      let most = 0;
      /** @param {FieldUse[][]} bounds */
      const over = (bounds) => {
        for (const uses of bounds) {
          const weight = this.weight(uses);
          most = Math.max(most, weight > 0 ? worth(list, weight) : 0);
        }
      };
      if (list.ended) {
        return 0;
      }
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

    /** The most that it may be worth to any document, read or not. */
    get most() {
      const all = this.lists.flatMap((list) => list.term.bounds.map((uses) => worth(list, this.weight(uses))));
      return Math.max(0, ...all);
    }

    /** The lists of the word and its other forms that are not read to their ends. */
    get unread() {
      return this.lists.filter((list) => isText(list) && !list.ended);
    }

    /**
     * Read on where the most may be found: about as much again as was read, or beside other words
     * first `least` documents, where there are so many, and then all, since where they lie all are: those of the
     * word and its other forms before others.
     * @param {number} least
     * @param {boolean} needed whether a document must have others of these words, too: of a list that has a rest the
     *   first ones are then no better than others, and all are in the rest; how long fields are the other word tells
     */
    async load(least, needed = false) {
      const { unread } = this;
      if (least && this._read) {
        await (unread.length ? Promise.all(unread.map((list) => this._readRest(list, needed))) : this.loadOthers());
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
        await (list ? this._readBand(list) : this._resolve(16));
      } while (this._read < wanted);
    }

    async loadWorth() {}

    reckon() {
      return { low: 0, high: 0 };
    }

    async loadAll() {
      await this._resolve(this.tags.length);
      await Promise.all(this.lists.map((list) => this._readOut(list)));
      await this.loadLengths();
    }

    /** Whether of some lists it is read which documents they have, and not how long fields are. */
    get lean() {
      return this.lists.some((list) => list.lean);
    }

    /** Read how long fields are, of all documents of such lists. */
    async loadLengths() {
      this.short = false;
      await Promise.all(
        this.lists.map(async (list) => {
          if (list.lean) {
            const { parts } = list;
            await this.index.complete(parts);
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
      if (this._settled.has(id) || this.told.has(id)) {
        return true;
      }
      for (const list of this.lists.filter(({ lean }) => lean)) {
        const held = this.known.get(id);
        const place = held?.list === list ? undefined : placeIn(list, id);
        const uses = place?.part.uses(place.at).map((use) => ({ ...use, words: lengthOf(use.field) ?? 0 })) ?? [];
        if (uses.some(({ words }) => !words)) {
          this.short = true;
          return false;
        }
        const one = uses.length ? this._kind(list, uses) : undefined;
        if (one && isNearer(one, held)) {
          this.known.set(id, one);
        }
      }
      this._settled.add(id);
      return true;
    }

    /**
     * What documents like this one have: the same for all.
     * @param {List} list
     * @param {FieldUse[]} uses
     */
    _kind(list, uses) {
      const name = [list.number, ...uses.flatMap(({ field, times, words }) => [field, times, words])].join();
      const kind = this._kinds.get(name) ?? { worth: worth(list, weightOf(this.index, uses, "")), list, uses };
      this._kinds.set(name, kind);
      return kind;
    }

    /** Read all but the lists of the word and its other forms. */
    async loadOthers() {
      await this._resolve(this.tags.length);
      await Promise.all(this.lists.filter((list) => !isText(list)).map((list) => this._readRest(list)));
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
      if (!list.term.rest) {
        await this._readOut(list);
      } else if (!list.ended) {
        const rest = await this.index.rest(list.term);
        const apart = rest.some((part) => part.lean);
        await (apart && !lean ? this.index.complete(rest) : undefined);
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
      for (const part of this.lists.flatMap(({ front, parts }) => [...front, ...parts])) {
        const at = part.find(id);
        const look = at < 0 ? undefined : part.look(at);
        if (look) {
          return look;
        }
      }
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
      const { fields } = this.index;
      for (const list of this.lists) {
        const place = isText(list) ? placeIn(list, id) : undefined;
        if (!place) {
          continue;
        }
        const positions = place.part.positions(place.at);
        place.part.uses(place.at).forEach(({ field }, at) => {
          if (!this.word.field || fields[field].name === this.word.field) {
            tell(field, positions[at]);
          }
        });
      }
    }
  }

  /** @param {List} list */
  const isText = (list) => list.via === "exact" || list.via === "form";

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

  /**
   * Of tags that several keys lead to, the nearest; the nearest tags first.
   * @param {NearTag[]} tags
   */
  function nearest(tags) {
    /** @type {Map<string, NearTag>} */
    const best = new Map();
    for (const tag of tags) {
      const held = best.get(tag.key);
      if (!held || tag.similarity > held.similarity) {
        best.set(tag.key, tag);
      }
    }
    return [...best.values()].sort((a, b) => b.similarity - a.similarity);
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { WordSource, isText });
})();
