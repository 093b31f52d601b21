// The search index as a browser reads it: only the files that a query needs, each once.
// SEARCH_INDEX.md, beside the exporter, draws them.
"use strict";

(() => {
  const { Bytes, Directory, Part, unpack, rowsOf, besideOf, besideApart, nearOf, binary, lookOf, languageOf } = globalThis.Picturerail;
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

  /**
   * A reader of the index. A file that is missing or damaged is noted in `problems` and read
   * as empty, so a search still shows what the other files give.
   */
  class Postings {
    /**
     * @param {Uint8Array} body of the root
     * @param {LoadBytes} load
     */
    constructor(body, load) {
      const bytes = new Bytes(body);
      /** @type {PostingsRoot} */
      const root = JSON.parse(bytes.text());
      this.documents = root.documents;
      this.fields = root.fields.map(([name, weight, words, holding]) => ({
        name,
        weight,
        average: holding ? words / holding : 1,
      }));
      this.root = root;
      this.language = languageOf(root.language);
      /** @type {Set<string>} */
      this.problems = new Set();
      this._load = load;
      /** @type {Map<string, Promise<Row[]>>} */
      this._files = new Map();
      /** @type {Map<number, number> | undefined} */
      this._orders = undefined; // of all documents, once they were asked for
      /** @type {Promise<Uint32Array[]> | undefined} */
      this._lengths = undefined; // of all documents by field, so too
      /** @type {WeakMap<Uint8Array, Part>} */
      this._parts = new WeakMap(); // by their rows' values: words are searched again as one types on
      /** @type {Map<string, number>} */
      this._frequent = new Map(); // how many documents have a term that has a rest
      /** @type {Set<string>} */
      this._alone = new Set(); // such words that no tag is near to
      for (const [key, value] of rowsOf(bytes.take(bytes.number()))) {
        const told = new Bytes(value);
        this._frequent.set(key, told.number());
        if (told.ended) {
          this._alone.add(key);
        }
      }
      this._directory = new Directory(bytes, (name) => this._read(name));
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
     * A term's front: the documents that are worth the most, by band, those of the first the most.
     * @param {Term} term
     * @returns {Promise<Part[][]>}
     */
    async front(term) {
      if (term.only) {
        return [[term.only]];
      }
      /** @type {Part[][]} */
      const bands = [];
      for (const row of await this._range(term.rest ? "front" : "postings", term.key)) {
        const band = row[0].charCodeAt(term.key.length);
        (bands[band] ??= []).push(this._part(row));
      }
      return bands.filter(Boolean); // one may be damaged
    }

    /**
     * A term's other documents, in parts.
     * @param {Term} term
     * @returns {Promise<Part[]>}
     */
    async rest(term) {
      const rows = term.rest ? await this._range("rest", term.key) : [];
      return rows.map((row) => this._part(row));
    }

    /**
     * Learn how long fields are where parts of terms do not tell it.
     * @param {Part[]} parts
     */
    async complete(parts) {
      const lean = parts.filter((part) => part.lean);
      const lengths = lean.length ? await this.lengths() : [];
      lean.forEach((part) => part.complete((id, field) => lengths[field][id]));
    }

    /** How many words each field has, by field and id; 0 of documents of a damaged file. */
    lengths() {
      return (this._lengths ??= this._readLengths());
    }

    async _readLengths() {
      const lengths = this.fields.map(() => new Uint32Array(this.root.last + 1));
      for (const { ids, words } of await this._told("lengths")) {
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
     * All documents of a frequent word that says little, in parts that tell no lengths or positions; of others
     * nothing.
     * @param {Term} term
     * @returns {Promise<Part[]>}
     */
    async presence(term) {
      const rows = term.rest ? await this._range("presence", term.key) : [];
      return rows.map((row) => this._part(row));
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
     * @returns {Promise<Row | undefined>}
     */
    together(stems) {
      return this._row("together", `${stems.join("\x01")}\0b`);
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
      const parts = [];
      for (let each = Math.max(1, length - edits); each <= length + edits; each++) {
        parts.push(this._range("spelling", String.fromCharCode(each)));
      }
      const rows = (await Promise.all(parts)).flat();
      return rows.map(([key]) => textOf(`${key.slice(1)}\0w`));
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
     * Which documents were taken in a time. That is looked up only where of many with ids next to each other some
     * were, and others were not.
     * @param {number} from in seconds since 1970
     * @param {number} before
     * @returns {Promise<(id: number) => boolean>}
     */
    async takenIn(from, before) {
      const size = this.root.times;
      const whole = new Set();
      /** @type {number[]} */
      const partly = [];
      for (const { block, first, last } of await this.times()) {
        if (from <= first && last < before) {
          whole.add(block);
        } else if (first < before && from <= last) {
          partly.push(block * size);
        }
      }
      const orders = await this.orders(partly);
      return (id) => {
        const order = orders.get(id);
        return whole.has(Math.floor(id / size)) || (order !== undefined && from <= order && order < before);
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

  /**
   * How frequent a term is, as the list of terms tells it.
   * @param {number} documents
   */
  function levelOf(documents) {
    const doublings = Math.log2(documents);
    return documents <= EXACT ? documents - 1 : Math.floor(doublings < MANY - 4 ? 4 + doublings : 2 * doublings - 2);
  }

  /** @param {number} number */
  const bigEndian = (number) => String.fromCharCode(...[24, 16, 8, 0].map((bits) => (number >>> bits) & 255));

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Postings });
})();
