// Which terms the search index has, and what it says of each.
// SEARCH_INDEX.md, beside the exporter, draws them.
"use strict";

(() => {
  const { Bytes, Part, Told, unpack, rowsOf, besideOf, besideApart, nearOf, wordsOf, binary, languageOf } = globalThis.Picturerail;
  const EXACT = 7; // up to this a term's level tells how many documents it has
  const MANY = 10; // from this level on two are a doubling
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();

  /**
   * @param {string} text
   * @param {string} kind
   */
  const keyOf = (text, kind) => `${binary(encoder.encode(text))}\0${kind}`;

  /** @param {string} key */
  const textOf = (key) =>
    decoder.decode(Uint8Array.from(key.slice(0, -2), (character) => character.charCodeAt(0)));

  /** A reader of the index: which terms there are, and what is said of each. */
  class Postings extends Told {
    /**
     * @param {Uint8Array} body of the root
     * @param {LoadBytes} load
     */
    constructor(body, load) {
      const bytes = new Bytes(body);
      const root = JSON.parse(bytes.text());
      const frequent = rowsOf(bytes.take(bytes.number()));
      super(root, bytes, load);
      this.language = languageOf(root.language);
      /** @type {WeakMap<Uint8Array, Part>} */
      this._parts = new WeakMap(); // by their rows' values: words are searched again as one types on
      /** @type {Map<string, number>} */
      this._frequent = new Map(); // how many documents have a term that has a rest
      /** @type {Set<string>} */
      this._alone = new Set(); // such words that no tag is near to
      for (const [key, value] of frequent) {
        const told = new Bytes(value);
        this._frequent.set(key, told.number());
        if (told.ended) {
          this._alone.add(key);
        }
      }
    }

    /**
     * Open the index.
     * @param {LoadBytes} load fetches a file of the index by its name
     * @returns {Promise<Postings>} rejected where there is no index, or one of another version
     */
    static async open(load) {
      return new Postings(await unpack(await load("root.bin")), load);
    }

    /**
     * A word or tag.
     * @param {string} text
     * @param {"w" | "t"} kind
     * @returns {Promise<Term | undefined>}
     */
    async term(text, kind) {
      const key = keyOf(text, kind);
      const row = await this._row("terms", key);
      return row && this._term(row);
    }

    /**
     * All words or tags that begin with a text, itself included.
     * @param {string} text
     * @param {"w" | "t"} kind
     * @returns {Promise<Term[]>}
     */
    async beginningWith(text, kind = "w") {
      const rows = await this._range("terms", binary(encoder.encode(text)));
      return rows.filter(([key]) => key.endsWith(`\0${kind}`)).map((row) => this._term(row));
    }

    /**
     * The words of a stem, where these are not the stem alone.
     * @param {string} stem
     * @returns {Promise<string[] | undefined>}
     */
    async wordsOf(stem) {
      const row = await this._row("terms", keyOf(stem, "s"));
      if (row) {
        const bytes = new Bytes(row[1]);
        return Array.from({ length: bytes.number() }, () => bytes.text());
      }
    }

    /**
     * How many documents have any word of a stem that has several.
     * @param {string} stem
     */
    async bearing(stem) {
      const key = keyOf(stem, "s");
      const frequent = this._frequent.get(key);
      const row = frequent ? undefined : await this._row("postings", key);
      return row ? new Bytes(row[1]).number() : (frequent ?? 0);
    }

    /**
     * How many documents a term has.
     * @param {Term} term
     */
    async count(term) {
      const frequent = this._frequent.get(term.key);
      return frequent ?? (await this.front(term)).flat().reduce((sum, { count }) => sum + count, 0);
    }

    /**
     * How many documents a term has, as far as that is known without reading them.
     * @param {Term} term
     */
    atLeast({ key, level, only }) {
      const frequent = only ? only.count : this._frequent.get(key);
      const least = level < EXACT ? level + 1 : Math.ceil(2 ** (level < MANY ? level - 4 : (level + 2) / 2));
      return { documents: frequent ?? least, exact: frequent !== undefined || level < EXACT };
    }

    /**
     * The tags that a word is near to, the nearest first.
     * @param {string} word
     * @returns {Promise<NearTag[]>}
     */
    async nearTags(word) {
      const own = keyOf(word, "w");
      const kind = this._frequent.has(own) ? "front" : "postings";
      const row = this._alone.has(own) ? undefined : await this._row(kind, keyOf(word, "n"));
      if (!row) {
        return [];
      }
      const bytes = new Bytes(row[1]);
      return Array.from({ length: bytes.number() }, () => {
        const key = bytes.text();
        const name = bytes.text() || key;
        const raw = bytes.take(4);
        const similarity = new DataView(raw.buffer, raw.byteOffset).getFloat32(0, true);
        return { key, name, similarity };
      });
    }

    /**
     * The documents that are nearest to the meaning of a word, space by space.
     * @param {string} word
     * @returns {Promise<Near[][]>}
     */
    async meaning(word) {
      const row = await this._row("meaning", binary(encoder.encode(word)));
      const bytes = new Bytes(row?.[1] ?? new Uint8Array());
      const spaces = [];
      while (!bytes.ended) {
        const count = bytes.number();
        spaces.push(Array.from({ length: count }, () => ({ id: bytes.number(), similarity: bytes.take(1)[0] / 255 })));
      }
      return spaces;
    }

    /**
     * A term's front: the documents that are worth the most, by band, those of the first the most; or of a list without
     * a rest those parts that documents may be in which may match.
     * @param {Term} term
     * @param {Where} [where] these are
     * @returns {Promise<Part[][]>}
     */
    async front(term, where) {
      if (term.only) {
        return [[term.only]];
      }
      /** @type {Part[][]} */
      const bands = [];
      for (const part of await this._records(term.rest ? "front" : "postings", term, where)) {
        (bands[part.key.charCodeAt(term.key.length)] ??= []).push(part);
      }
      return bands.filter(Boolean); // one may be damaged
    }

    /**
     * A term's other documents, in parts: all of them, or those parts that documents may be in which may match.
     * @param {Term} term
     * @param {Where} [where] these are
     * @returns {Promise<Part[]>}
     */
    async rest(term, where) {
      return term.rest ? this._records("rest", term, where) : [];
    }

    /**
     * @param {IndexKind} kind
     * @param {Term} term
     * @param {Where} [where]
     */
    async _records(kind, { key }, where) {
      const names = await (where ? this._directory.having(kind, key, where) : this._directory.beginning(kind, key));
      const rows = (await Promise.all(names.map((name) => this._read(name)))).flat();
      return rows.filter((row) => row[0].startsWith(key)).map((row) => this._part(row));
    }

    /**
     * Learn how long fields are where parts of terms do not tell it.
     * @param {Part[]} parts
     * @param {Where} [where] documents are that may match: of others it does not matter
     */
    async complete(parts, where) {
      const lean = parts.filter((part) => part.lean);
      const lengths = lean.length ? await this.lengths(where) : [];
      lean.forEach((part) => part.complete((id, field) => lengths[field][id]));
    }

    /**
     * Read what parts of a term tell apart of a very frequent stem of the root.
     * @param {Part[]} parts
     * @param {number} stem its number
     */
    async tellApart(parts, stem) {
      const { beside, fields } = this.root;
      /** @type {Map<string, Part>} */
      const apart = new Map();
      for (const part of parts) {
        if (part.apart && !this.besideOf(part, stem)) {
          const kind = part.key.indexOf("\0") + 2; // what tells the term's kind ends there
          apart.set(`${part.key.slice(0, kind)}${String.fromCharCode(stem)}${part.key.slice(kind)}b`, part);
        }
      }
      const names = await this._directory.holding("beside", apart.keys());
      const files = await Promise.all(names.map((name) => this._read(name)));
      for (const [key, value] of files.flat()) {
        const part = apart.get(key);
        part?.tell(stem, besideApart(value, part.open(), beside.stems[stem][1], fields.length));
      }
    }

    /**
     * What a term's part tells of a very frequent stem of the root; nothing where it tells nothing, or not yet.
     * @param {Part} part
     * @param {number} stem its number
     */
    besideOf(part, stem) {
      const { beside, fields } = this.root;
      return part.beside(stem, (told) => besideOf(told, part, beside.stems, fields.length));
    }

    /**
     * Which documents of a term are near words of a very frequent stem, and how near, as far as its parts tell it.
     * @param {Term} term
     * @param {number} stem its number
     * @returns {Promise<Map<number, number> | undefined>} nothing where some part tells nothing
     */
    async nearTo(term, stem) {
      const parts = term.rest ? await this.rest(term) : (await this.front(term)).flat();
      await this.tellApart(parts, stem);
      const told = parts.map((part) => part.nearness(this.root.beside.stems.length)?.[stem] ?? this.besideOf(part, stem)?.near);
      return told.every(Boolean) ? new Map(told.flatMap((of) => [.../** @type {Map<number, number>} */ (of)])) : undefined;
    }

    /**
     * What is told beforehand of the best documents that have some words together.
     * @param {string[]} stems two or three of `root.together`, as `binary`, in the order of `two`
     * @param {string} kind "b": of all such; of two, "f" or "r": where the second of them, ascending, is the next word
     *   after the first, or the first after the second; "o": where their nearness does not count
     * @returns {Promise<Row | undefined>}
     */
    together(stems, kind) {
      return this._row("together", `${stems.join("\x01")}\0${kind}`);
    }

    /**
     * Which documents have words of two stems near each other, and how near: 4 for the next word, 1 for the fourth.
     * @param {string} owner which it lies with, as `binary`
     * @param {string} other
     * @returns {Promise<Map<number, number>>}
     */
    async near(owner, other) {
      const rows = await this._range("rest", `${owner}\0a${other}\0`);
      return new Map(rows.flatMap(([, value]) => nearOf(value)));
    }

    /**
     * Words of about this length that somebody may have meant.
     * @param {number} length
     * @param {number} edits
     * @returns {Promise<string[]>}
     */
    async spellings(length, edits) {
      const [first, last] = [Math.max(1, length - edits), length + edits];
      const names = await this._directory.covering("spelling", String.fromCharCode(first), `${String.fromCharCode(last)}\uffff`);
      const rows = (await Promise.all(names.map((name) => this._read(name)))).flat();
      const words = rows.flatMap(([, list]) => wordsOf(list));
      return words.filter((word) => first <= word.length && word.length <= last).map((word) => word.join(""));
    }

    /**
     * @param {Row} row
     * @returns {Part}
     */
    _part([key, value, looks]) {
      const part = this._parts.get(value) ?? new Part(value, looks, key);
      this._parts.set(value, part);
      return part;
    }

    /**
     * @param {Row} row
     * @returns {Term}
     */
    _term([key, value]) {
      const bytes = new Bytes(value);
      const text = textOf(key);
      const name = (key.endsWith("t") && bytes.text()) || text;
      const level = bytes.number();
      if (!level) {
        const record = bytes.take(bytes.number());
        const only = new Part(record, value.subarray(bytes.at));
        return { key, text, name, level: levelOf(only.count), bounds: only.classes, rest: undefined, only };
      }
      const bounds = bytes.classes();
      const rest = bytes.ended || !this._frequent.has(key) ? undefined : bytes.classes();
      return { key, text, name, level, bounds, rest, only: undefined };
    }

    /**
     * @param {IndexKind} kind
     * @param {string} key
     * @returns {Promise<Row | undefined>}
     */
    async _row(kind, key) {
      const [name] = await this._directory.covering(kind, key, key);
      const rows = name ? await this._read(name) : [];
      let low = 0;
      let high = rows.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (rows[middle][0] < key) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      return rows[low]?.[0] === key ? rows[low] : undefined;
    }

    /**
     * The rows whose keys begin so.
     * @param {IndexKind} kind
     * @param {string} beginning
     * @returns {Promise<Row[]>}
     */
    async _range(kind, beginning) {
      const names = await this._directory.beginning(kind, beginning);
      const parts = await Promise.all(names.map((name) => this._read(name)));
      return parts.flat().filter(([key]) => key.startsWith(beginning));
    }
  }

  /**
   * How frequent a term is, as the list of terms tells it.
   * @param {number} documents
   */
  function levelOf(documents) {
    const doublings = Math.log2(documents);
    return documents <= EXACT ? documents - 1 : Math.floor(doublings < MANY - 4 ? 4 + doublings : 2 * doublings - 2);
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Postings });
})();
