// The search index as a browser reads it: only the files that a query needs, each once; and what these say of pictures
// one by one.
// SEARCH_INDEX.md, beside the exporter, draws them.
"use strict";

(() => {
  const { Directory, unpack, rowsOf, lookOf } = globalThis.Picturerail;
  const decoder = new TextDecoder();

  /**
   * An opened index. A file that is missing or damaged is noted in `problems` and read
   * as empty, so a search still shows what the other files give.
   */
  class Told {
    /**
     * @param {PostingsRoot} root
     * @param {IndexBytes} bytes of the root's file, where the directory begins
     * @param {LoadBytes} load
     */
    constructor(root, bytes, load) {
      this.root = root;
      this.documents = root.documents;
      this.fields = root.fields.map(([name, weight, words, holding]) => ({
        name,
        weight,
        average: holding ? words / holding : 1,
      }));
      /** @type {Set<string>} */
      this.problems = new Set();
      this._load = load;
      /** @type {Map<string, Promise<Row[]>>} */
      this._files = new Map();
      /** @type {Map<number, number> | undefined} */
      this._orders = undefined; // of all documents, once they were asked for
      /** @type {Promise<Uint32Array[]> | undefined} */
      this._lengths = undefined; // of all documents by field, so too
      this._directory = new Directory(bytes, (name) => this._read(name));
    }

    /**
     * How many words each field has, by field and id; 0 of documents of a damaged file.
     * @param {Where} [where] documents are of which it matters, if not of all
     */
    lengths(where) {
      return where ? this._readLengths(where) : (this._lengths ??= this._readLengths());
    }

    /** @param {Where} [where] */
    async _readLengths(where) {
      const { last, lengths: size } = this.root;
      const lengths = this.fields.map(() => new Uint32Array(last + 1));
      const begins = Array.from({ length: Math.ceil((last + 1) / size) }, (_, block) => block * size);
      for (const { ids, words } of await this._told("lengths", where && begins.filter((begin) => where(begin, begin + size)))) {
        tellLengths(summed(ids), words, (id, field, count) => (lengths[field][id] = count));
      }
      if (this.problems.size) {
        this._lengths = undefined; // the next search tries again
      }
      return lengths;
    }

    /**
     * How many words each field has of these documents, by their ids.
     * @param {number[]} ids
     * @returns {Promise<Map<number, number[]>>}
     */
    async lengthsOf(ids) {
      const lengths = new Map(ids.map((id) => [id, /** @type {number[]} */ ([])]));
      for (const told of await this._told("lengths", ids)) {
        tellLengths(summed(told.ids), told.words, (id, field, count) => {
          const of = lengths.get(id);
          if (of) {
            of[field] = count;
          }
        });
      }
      return lengths;
    }

    /**
     * The names of documents' files, and what is said of them to those who cannot see them; those of a
     * damaged file are left out.
     * @param {number[]} ids
     * @returns {Promise<Map<number, Shown>>}
     */
    async pictures(ids) {
      const wanted = new Set(ids);
      /** @type {Map<number, Shown>} */
      const found = new Map();
      for (const { ids: steps, names, texts } of await this._told("pictures", ids)) {
        summed(steps).forEach((id, at) => wanted.has(id) && found.set(id, { filename: names[at], alt: texts[at] }));
      }
      return found;
    }

    /**
     * What documents look like of which no posting tells it; those of a damaged file are left out.
     * @param {number[]} ids
     * @returns {Promise<Map<number, Look>>}
     */
    async looks(ids) {
      const wanted = new Set(ids);
      /** @type {Map<number, Look>} */
      const found = new Map();
      for (const told of await this._told("looks", ids)) {
        const bytes = Uint8Array.from(told.looks.match(/../g), (/** @type {string} */ byte) => parseInt(byte, 16));
        summed(told.ids).forEach((id, at) => wanted.has(id) && found.set(id, lookOf(bytes, at, told.ids.length)));
      }
      return found;
    }

    /**
     * What many documents in a row share, of all.
     * @returns {Promise<Facts[]>} one for each block
     */
    async facts() {
      return (await this._told("facts")).map((told) => ({ ...told, ids: summed(told.ids) }));
    }

    /**
     * The tags of these documents, or of all.
     * @param {number[]} [ids]
     * @returns {Promise<Values[]>} one for each block
     */
    async values(ids) {
      return (await this._told("values", ids)).map((told) => ({ ...told, ids: summed(told.ids) }));
    }

    /**
     * Documents' places in time, in seconds since 1970: of these documents, or of all.
     * @param {number[]} [ids]
     * @returns {Promise<Map<number, number>>}
     */
    async orders(ids) {
      if (!ids && this._orders) {
        return this._orders;
      }
      /** @type {Map<number, number>} */
      const orders = new Map();
      for (const block of await this._told("orders", ids)) {
        const taken = summed(block.orders);
        summed(block.ids).forEach((id, at) => orders.set(id, taken[at]));
      }
      if (!ids && !this.problems.size) {
        this._orders = orders;
      }
      return orders;
    }

    /**
     * When the first and the last of each block of documents were taken.
     * @returns {Promise<{ block: number, first: number, last: number }[]>}
     */
    times() {
      return this._told("times");
    }

    /**
     * Something that follows from when documents were taken. That is looked up only where it differs within a block.
     * @template T
     * @param {(order: number) => T} of the same for all times between two for which it is the same
     * @returns {Promise<{ of: (id: number) => T | undefined, where: (value: T) => Where }>} of a document; and where there
     *   may be such of which it is this
     */
    async byTime(of) {
      const size = this.root.times;
      /** @type {Map<number, T>} */
      const same = new Map();
      /** @type {number[]} */
      const others = [];
      for (const { block, first, last } of await this.times()) {
        if (of(first) === of(last)) {
          same.set(block, of(first));
        } else {
          others.push(block * size);
        }
      }
      const orders = await this.orders(others);
      return {
        of: (id) => {
          const order = orders.get(id);
          return order === undefined ? same.get(Math.floor(id / size)) : of(order);
        },
        where: (value) => (from, to) => {
          const end = Math.min(to - 1, this.root.last);
          for (let block = Math.floor(from / size); block * size <= end; block++) {
            if ((same.get(block) ?? value) === value) {
              return true;
            }
          }
          return false;
        },
      };
    }

    /**
     * How many files must be fetched to know this of documents.
     * @param {BlockKind} kind
     * @param {number[]} ids
     */
    async missing(kind, ids) {
      const names = await this._directory.holding(kind, this._blocks(kind, ids));
      return names.filter((name) => !this._files.has(name)).length;
    }

    /**
     * The rows that tell something of these documents, by their keys.
     * @param {BlockKind} kind
     * @param {number[]} ids
     */
    _blocks(kind, ids) {
      const size = this.root[kind];
      return new Set(Array.from(new Set(ids.map((id) => Math.floor(id / size))), bigEndian));
    }

    /**
     * @param {BlockKind} kind
     * @param {number[]} [ids]
     * @returns {Promise<any[]>}
     */
    async _told(kind, ids) {
      const blocks = ids && this._blocks(kind, ids);
      const names = await (blocks ? this._directory.holding(kind, blocks) : this._directory.beginning(kind));
      const parts = await Promise.all(names.map((name) => this._read(name)));
      const rows = parts.flat().filter(([key]) => !blocks || blocks.has(key));
      return rows.map(([, value]) => JSON.parse(decoder.decode(value)));
    }

    /**
     * @param {string} name
     * @returns {Promise<Row[]>}
     */
    _read(name) {
      const held = this._files.get(name);
      if (held) {
        return held;
      }
      const file = this._fetch(name);
      this._files.set(name, file);
      return file;
    }

    /**
     * @param {string} name
     * @returns {Promise<Row[]>}
     */
    async _fetch(name) {
      try {
        return rowsOf(await unpack(await this._load(name)));
      } catch {
        this._files.delete(name); // the next search tries again
        this.problems.add(name);
        return [];
      }
    }
  }

  /**
   * Numbers that are each told by the distance to the one before.
   * @param {number[]} steps
   */
  function summed(steps) {
    let value = 0;
    return steps.map((step) => (value += step));
  }

  /**
   * Tell how many words each field has of the documents of a block.
   * @param {number[]} ids
   * @param {string[]} words by field
   * @param {(id: number, field: number, count: number) => void} tell
   */
  function tellLengths(ids, words, tell) {
    words.forEach((of, field) => {
      const digits = of.length / ids.length; // none where no document has the field
      for (let at = 0; digits && at < ids.length; at++) {
        tell(ids[at], field, parseInt(of.slice(at * digits, (at + 1) * digits), 16));
      }
    });
  }

  /** @param {number} number */
  const bigEndian = (number) => String.fromCharCode(...[24, 16, 8, 0].map((bits) => (number >>> bits) & 255));

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Told });
})();
