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
      const names = covering(this._files[kind], first, last);
      if (!this._paged.has(kind)) {
        return names;
      }
      const pages = await Promise.all(names.map((name) => this._read(name)));
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

  /**
   * The names of those that may hold keys from one up to another.
   * @param {FileName[]} files
   * @param {string} first
   * @param {string} last
   */
  function covering(files, first, last) {
    const behind = files.findIndex(([start]) => start > first);
    const from = Math.max(0, (behind < 0 ? files.length : behind) - 1);
    return files.filter(([start], at) => at === from || (at > from && start <= last)).map(([, name]) => name);
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Directory });
})();
