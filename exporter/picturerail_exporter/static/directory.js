// Which files of the index hold rows of a kind, by what their first keys begin with: the root tells it, of kinds with
// many files through pages, so that it stays short.
// SEARCH_INDEX.md, beside the exporter, draws them.
"use strict";

(() => {
  /** @typedef {[first: string, name: string]} FileName */
  const { Bytes } = globalThis.Picturerail;
  /** @type {IndexKind[]} */
  const KINDS = ["terms", "postings", "front", "rest", "beside", "together", "spelling", "meaning", "pictures", "looks", "lengths", "values", "facts", "orders", "times"];
  const NAME_BYTES = 6;
  const BEHIND = "\uffff"; // behind every byte

  class Directory {
    /**
     * @param {IndexBytes} bytes of the root, where it begins
     * @param {(name: string) => Promise<Row[]>} read
     */
    constructor(bytes, read) {
      this._read = read;
      const firsts = new Bytes(bytes.take(bytes.number()));
      /** Of each kind its files, or the pages that tell them. @type {Record<string, FileName[]>} */
      this._files = {};
      /** @type {Set<string>} */
      this._paged = new Set();
      /** What pages tell that were read: of many keys each asks. @type {WeakMap<Uint8Array, FileName[]>} */
      this._pages = new WeakMap();
      for (const kind of KINDS) {
        const count = firsts.number();
        this._files[kind] = filesOf(firsts, bytes, count >>> 1);
        if (count & 1) {
          this._paged.add(kind);
        }
      }
    }

    /**
     * The files that may hold keys from one up to another.
     * @param {IndexKind} kind
     * @param {string} first
     * @param {string} last
     */
    async covering(kind, first, last) {
      return namesOf(await this._covering(kind, first, last));
    }

    /**
     * @param {IndexKind} kind
     * @param {string} first
     * @param {string} last
     */
    async _covering(kind, first, last) {
      const files = covering(this._files[kind], first, last);
      if (!this._paged.has(kind)) {
        return files;
      }
      const pages = await Promise.all(files.map(([, name]) => this._read(name)));
      return covering(pages.flat().flatMap(([, page]) => this._toldBy(page)), first, last);
    }

    /** @param {Uint8Array} page */
    _toldBy(page) {
      const bytes = new Bytes(page);
      const files = this._pages.get(page) ?? filesOf(bytes, bytes, bytes.number());
      this._pages.set(page, files);
      return files;
    }

    /**
     * The files that may hold keys that begin so; all where nothing is told.
     * @param {IndexKind} kind
     */
    beginning(kind, text = "") {
      return this.covering(kind, text, text + BEHIND);
    }

    /**
     * Those files of a term's records that may hold documents which may match.
     * @param {IndexKind} kind
     * @param {string} term its key
     * @param {Where} where these are
     */
    async having(kind, term, where) {
      const files = await this._covering(kind, term, term + BEHIND);
      const begins = files.map(([start]) => placeIn(start, term));
      const needed = files.filter((_, at) => {
        const [from, to] = [begins[at], begins[at + 1]];
        if (!to || from.band + 1 < to.band) {
          return true; // it has all of a band, or it is not told which ones
        }
        return from.band < to.band ? where(from.id, Infinity) || where(0, to.id) : where(from.id, to.id);
      });
      return namesOf(needed);
    }

    /**
     * The files that may hold rows with these keys.
     * @param {IndexKind} kind
     * @param {Iterable<string>} keys
     */
    async holding(kind, keys) {
      const names = await Promise.all(Array.from(keys, (key) => this.covering(kind, key, key)));
      return Array.from(new Set(names.flat()));
    }
  }

  /**
   * Files of a kind.
   * @param {IndexBytes} firsts
   * @param {IndexBytes} names may be the same: these come behind all keys
   * @param {number} count
   * @returns {FileName[]}
   */
  function filesOf(firsts, names, count) {
    let first = "";
    const keys = Array.from({ length: count }, () => (first = firsts.key(first)));
    return keys.map((key) => {
      const digest = Array.from(names.take(NAME_BYTES), (byte) => byte.toString(16).padStart(2, "0"));
      return [key, `${digest.join("")}.bin`];
    });
  }

  /** @param {FileName[]} files */
  const namesOf = (files) => files.map(([, name]) => name);

  /**
   * The band and the id that a term's first record in a file begins with.
   * @param {string} start what the file's first key begins with: all of it where the file before has records of the term
   * @param {string} term its key
   */
  function placeIn(start, term) {
    const [band = 0, ...id] = start.startsWith(term) ? Array.from(start.slice(term.length), (byte) => byte.charCodeAt(0)) : [];
    return { band, id: id.reduce((number, byte) => number * 256 + byte, 0) };
  }

  /**
   * Those that may hold keys from one up to another.
   * @param {FileName[]} files
   * @param {string} first
   * @param {string} last
   */
  function covering(files, first, last) {
    const behind = files.findIndex(([start]) => start > first);
    const from = Math.max(0, (behind < 0 ? files.length : behind) - 1);
    return files.filter(([start], at) => at === from || (at > from && start <= last));
  }

  /**
   * Where these documents are.
   * @param {number[]} ids
   * @returns {Where}
   */
  const around = (ids) => (from, to) => ids.some((id) => from <= id && id < to);

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Directory, around });
})();
