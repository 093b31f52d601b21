// The precomputed index as a browser reads it: only the files that a query needs, each once.
// What is in them is written down in the exporter's `browser_index.py`.
"use strict";

(() => {
  const { stem } = globalThis.Picturerail;
  const VERSION = 2;

  /**
   * A reader of the index. A file that is missing or damaged is noted in `problems` and read
   * as empty, so a search still shows what the other files give.
   */
  class Postings {
    /**
     * @param {PostingsRoot} root
     * @param {LoadJson} load
     */
    constructor(root, load) {
      /** @type {number} */
      this.documents = root.documents;
      /** @type {PostingsRoot["fields"]} */
      this.fields = root.fields;
      /** @type {Set<string>} */
      this.problems = new Set();
      this._root = root;
      this._load = load;
      /** @type {Map<string, Promise<[any, any][]>>} */
      this._files = new Map();
    }

    /**
     * Open the index.
     * @param {LoadJson} load fetches a file of the index by its name and parses it
     * @returns {Promise<Postings>} rejected where there is no index, or one of another version
     */
    static async open(load) {
      const root = await load("root.json");
      if (root?.version !== VERSION || !Array.isArray(root.fields) || !root.files) {
        throw new Error("search/root.json is not an index of this version");
      }
      return new Postings(root, load);
    }

    /**
     * All terms that begin with a word, the word itself included.
     * @param {string} word
     * @returns {Promise<Term[]>}
     */
    async beginningWith(word) {
      const entries = await this._range("terms", word, true);
      return entries.map(([term, fields]) => ({ term, fields }));
    }

    /**
     * One term.
     * @param {string} word
     * @returns {Promise<Term | undefined>}
     */
    async term(word) {
      const [entry] = await this._range("terms", word, false);
      return entry && { term: entry[0], fields: entry[1] };
    }

    /**
     * The terms that are other forms of a word.
     * @param {string} word
     * @returns {Promise<Term[]>}
     */
    async forms(word) {
      const root = stem(word);
      const [entry] = await this._range("stems", root, false);
      /** @type {string[]} */
      const words = entry ? entry[1] : [root];
      const found = await Promise.all(
        words.filter((other) => other !== word).map((other) => this.term(other)),
      );
      return /** @type {Term[]} */ (found.filter(Boolean));
    }

    /**
     * The tags that a word is near to, by name, each with the documents that bear it.
     * @param {string} word
     * @returns {Promise<NearTag[]>}
     */
    async nearTags(word) {
      const [entry] = await this._range("neighbours", word, false);
      /** @type {[string, number][]} */
      const near = entry ? entry[1] : [];
      return Promise.all(
        near.map(async ([key, similarity]) => {
          const [found] = await this._range("tags", key, false);
          const [name, numbers] = found ? found[1] : [key, []];
          return { name, similarity, lengths: lengths(numbers) };
        }),
      );
    }

    /**
     * What results show of documents; those of a damaged file are left out.
     * @param {number[]} ids
     * @returns {Promise<Map<number, Shown>>}
     */
    async shown(ids) {
      const entries = await this._ofIds("documents", this._root.documentsPerBlock, ids);
      /** @type {Map<number, Shown>} */
      const all = new Map();
      for (const [id, [filename, path, width, height, shape, placeholder, alt]] of entries) {
        all.set(id, { filename, path, width, height, shape, placeholder, alt });
      }
      return all;
    }

    /**
     * Documents' places in time.
     * @param {number[]} ids
     * @returns {Promise<Map<number, number>>}
     */
    async orders(ids) {
      return new Map(await this._ofIds("orders", this._root.ordersPerBlock, ids));
    }

    /**
     * The entries of a key, or of all keys that begin with it.
     * @param {"terms" | "stems" | "tags" | "neighbours"} kind
     * @param {string} key
     * @param {boolean} prefix
     * @returns {Promise<[string, any][]>}
     */
    async _range(kind, key, prefix) {
      /** @param {string} other */
      const wanted = (other) => (prefix ? other.startsWith(key) : other === key);
      const files = this._root.files[kind];
      let first = files.findIndex(([start]) => start > key);
      first = Math.max(0, (first < 0 ? files.length : first) - 1);
      const names = files
        .slice(first)
        .filter(([start], at) => at === 0 || wanted(start))
        .map(([, name]) => name);
      const parts = await Promise.all(names.map((name) => this._file(name)));
      return parts.flat().filter(([other]) => wanted(other));
    }

    /**
     * The entries of ids.
     * @param {"documents" | "orders"} kind
     * @param {number} perBlock
     * @param {number[]} ids
     * @returns {Promise<[number, any][]>}
     */
    async _ofIds(kind, perBlock, ids) {
      const wanted = new Set(ids);
      const blocks = new Set(ids.map((id) => Math.floor(id / perBlock)));
      const names = this._root.files[kind].filter(([block]) => blocks.has(block));
      const parts = await Promise.all(names.map(([, name]) => this._file(name)));
      return parts.flat().filter(([id]) => wanted.has(id));
    }

    /**
     * @param {string} name
     * @returns {Promise<[any, any][]>}
     */
    _file(name) {
      const held = this._files.get(name);
      if (held) {
        return held;
      }
      const file = this._read(name);
      this._files.set(name, file);
      return file;
    }

    /**
     * @param {string} name
     * @returns {Promise<[any, any][]>}
     */
    async _read(name) {
      try {
        const entries = await this._load(name);
        if (Array.isArray(entries) && entries.every((entry) => entry?.length === 2)) {
          return entries;
        }
      } catch {
        this._files.delete(name); // the next search tries again
      }
      this.problems.add(name);
      return [];
    }
  }

  /**
   * Unpack a tag's documents, each with the length of its field of tags.
   * @param {number[]} numbers
   * @returns {Map<number, number>}
   */
  function lengths(numbers) {
    /** @type {Map<number, number>} */
    const documents = new Map();
    let id = 0;
    for (let at = 0; at < numbers.length; at += 2) {
      id += numbers[at];
      documents.set(id, numbers[at + 1]);
    }
    return documents;
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Postings });
})();
