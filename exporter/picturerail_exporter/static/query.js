// What a visitor asks for: the search engine's query language (QUERY.md there), rule for rule.
"use strict";

(() => {
  const { analyseQuery: analyse, overlap } = globalThis.Picturerail;
  const MOST_DEPTH = 64;
  const MOST_WORDS = 256;
  const DAY = 86400;
  /** @type {Record<string, string>} */
  const FIELDS = {
    tag: "tags", tags: "tags", name: "filename", filename: "filename", folder: "folder",
    camera: "camera", place: "place", caption: "caption", date: "date", lens: "lens",
  }; // prettier-ignore

  /**
   * @param {string} text
   * @returns {number | undefined}
   */
  function dayOf(text) {
    const [year, month, day] = text.split("-").map(Number);
    const date = new Date(Date.UTC(2000, (month || 1) - 1, day || 1));
    date.setUTCFullYear(year);
    const same = date.getUTCMonth() === (month || 1) - 1 && date.getUTCDate() === (day || 1);
    return same ? date.getTime() / 1000 : undefined;
  }

  /**
   * A year, month or day as the seconds from its beginning up to its end.
   * @param {string} text
   * @returns {[from: number, before: number] | undefined}
   */
  function oneTime(text) {
    const parts = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/.exec(text);
    const from = parts ? dayOf(text) : undefined;
    if (!parts || from === undefined || parts[2] === "00" || parts[3] === "00") {
      return undefined;
    }
    const [, year, month, day] = parts;
    if (day) {
      return [from, from + DAY];
    }
    const next = new Date(from * 1000);
    if (month) {
      next.setUTCMonth(Number(month));
    } else {
      next.setUTCFullYear(Number(year) + 1);
    }
    return [from, next.getTime() / 1000];
  }

  /**
   * @param {string} text
   * @returns {[from: number, before: number] | undefined}
   */
  function timesOf(text) {
    const dots = text.indexOf("..");
    if (dots < 0) {
      return oneTime(text);
    }
    const [first, last] = [text.slice(0, dots), text.slice(dots + 2)];
    const from = first ? oneTime(first)?.[0] : -Infinity;
    const before = last ? oneTime(last)?.[1] : Infinity;
    return (first || last) && from !== undefined && before !== undefined ? [from, before] : undefined;
  }

  class Parser {
    /**
     * @param {string} text
     * @param {string[]} fields
     * @param {Language} language
     */
    constructor(text, fields, language) {
      this.text = text;
      this.language = language;
      this.fields = fields;
      this.at = 0;
      this.excluded = false;
      this.field = "";
      this.chunks = 0;
      /** @type {QueryWord[]} */
      this.words = [];
    }

    /** @returns {Query} */
    parse() {
      const root = all(this.sequence(0));
      this.passOverStopWords(root);
      return this.united({ words: this.words.slice(0, MOST_WORDS), root, pairs: this.pairs(root) });
    }

    /**
     * The same where a word that is asked for again beside itself counts once; what stands beside it each time is
     * near it. Words that are passed over go.
     * @param {Query} query
     * @returns {Query}
     */
    united({ words, root, pairs }) {
      const first = words.map((_, word) => word); // the first one that is the same
      /** @type {QueryNode[]} */
      const once = [];
      for (const node of root.children) {
        const same = once.find((before) => this.isSame(before, node));
        if (same) {
          first[node.word] = same.word;
        } else {
          once.push(node);
        }
      }
      const used = wordsIn({ ...root, children: once });
      const left = words.filter((_, word) => used.has(word));
      const number = first.map((word) => left.indexOf(words[word]));
      const named = new Map(pairs.map(([a, b]) => [number[a], number[b]].sort((one, other) => one - other)).map((pair) => [pair.join(), pair]));
      const others = [...named.values()].filter(([a, b]) => a !== b);
      return { words: left, root: renumbered({ ...root, children: once }, number), pairs: /** @type {[number, number][]} */ (others) };
    }

    /**
     * Whether two nodes ask for the same; of a name that is cut into words each part belongs to its own.
     * @param {QueryNode} a
     * @param {QueryNode} b
     */
    isSame(a, b) {
      if (a.kind !== "word" || b.kind !== "word" || a.negated || b.negated || a.chunk !== b.chunk) {
        return false;
      }
      const [one, other] = [a, b].map(({ word }) => {
        const { terms, phrase, field, forms, near } = this.words[word];
        return JSON.stringify([terms, phrase, field, forms, near]);
      });
      return one === other;
    }

    /** @param {QueryNode} node */
    isStop(node) {
      return node.kind === "word" && this.words[node.word].stop;
    }

    /**
     * Pass over words that say little beside others that must be there. Where any is enough they mean themselves.
     * @param {QueryNode} node
     */
    passOverStopWords(node) {
      node.children.forEach((child) => this.passOverStopWords(child));
      const telling = node.children.some((child) => !child.negated && child.kind !== "times" && !this.isStop(child));
      if (telling && node.kind === "all") {
        node.children = node.children.filter((child) => !this.isStop(child));
      } else if (telling) {
        const stops = node.children.filter((child) => this.isStop(child));
        stops.forEach((child) => Object.assign(this.words[child.word], { prefixes: false, typos: false, near: [] }));
      }
    }

    /** @param {QueryNode} root */
    pairs(root) {
      /** @type {[number, number][]} */
      const pairs = [];
      let before = -1;
      for (const node of root.children) {
        const word = node.kind === "word" && !node.negated ? this.words[node.word] : undefined;
        if (!word || word.phrase || !word.forms) {
          continue;
        }
        if (before >= 0 && this.words[before].field === word.field) {
          pairs.push([before, node.word]);
        }
        before = node.word;
      }
      return pairs;
    }

    get ended() {
      return this.at >= this.text.length;
    }

    get here() {
      return this.text[this.at];
    }

    skipSpaces() {
      while (!this.ended && /[ \t\n\r\f\v]/.test(this.here)) {
        this.at++;
      }
    }

    /**
     * @param {number} depth
     * @returns {QueryNode[]}
     */
    sequence(depth) {
      /** @type {QueryNode[][]} */
      const clauses = [];
      let either = false;
      for (this.skipSpaces(); !this.ended; this.skipSpaces()) {
        if (this.here === ")") {
          this.at++;
          if (depth > 0) {
            return clauses.flat();
          }
          continue;
        }
        if (!either && clauses.length && this.takeOr()) {
          either = true;
          continue;
        }
        const clause = this.clause(depth);
        if (!clause.length) {
          continue;
        }
        const left = either && clauses.pop();
        clauses.push(left ? [eitherOf(joined(left), joined(clause))] : clause);
        either = false;
      }
      return clauses.flat();
    }

    takeOr() {
      if (!/^OR[ \t\n\r\f\v]+[^)\s]/.test(this.text.slice(this.at))) {
        return false;
      }
      this.at += 2;
      return true;
    }

    /**
     * @param {number} depth
     * @returns {QueryNode[]}
     */
    clause(depth) {
      const next = this.text[this.at + 1];
      if (this.here !== "-" || next === undefined || /[ \t\n\r\f\v]/.test(next)) {
        return this.operand(depth);
      }
      this.at++;
      const before = this.excluded;
      this.excluded = true;
      const nodes = this.operand(depth);
      this.excluded = before;
      if (!nodes.length) {
        return nodes;
      }
      let node = joined(nodes);
      if (node.negated) {
        node = all([node]);
      }
      return [{ ...node, negated: true, demanded: true }];
    }

    /**
     * @param {number} depth
     * @returns {QueryNode[]}
     */
    operand(depth) {
      if (this.here === '"') {
        return this.phrase();
      }
      if (this.here === "(") {
        this.at++;
        const nodes = depth < MOST_DEPTH ? this.sequence(depth + 1) : [];
        return nodes.length ? [joined(nodes)] : nodes;
      }
      return this.chunk(depth);
    }

    /** @returns {QueryNode[]} */
    phrase() {
      const begin = ++this.at;
      const end = this.text.indexOf('"', begin);
      this.at = end < 0 ? this.text.length : end + 1;
      const quoted = this.text.slice(begin, end < 0 ? undefined : end);
      const terms = analyse(quoted);
      return terms.length ? [this.leaf({ ...this.newWord(quoted, terms), phrase: true })] : [];
    }

    /**
     * @param {number} depth
     * @returns {QueryNode[]}
     */
    chunk(depth) {
      const rest = this.text.slice(this.at);
      const length = rest.search(/[ \t\n\r\f\v"()]/);
      let chunk = length < 0 ? rest : rest.slice(0, length);
      this.at += chunk.length;
      const times = chunk.includes("..") ? timesOf(chunk) : undefined;
      if (times) {
        return [timesNode(times)];
      }
      const colon = chunk.indexOf(":");
      if (colon <= 0 || this.field) {
        return this.wordsOf(chunk);
      }
      const name = chunk.slice(0, colon);
      const lower = name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
      const field = Object.hasOwn(FIELDS, lower) ? FIELDS[lower] : this.fields.find((each) => each === name);
      if (!field) {
        return this.wordsOf(chunk);
      }
      chunk = chunk.slice(colon + 1);
      if (!chunk && (this.ended || !'"('.includes(this.here))) {
        return this.wordsOf(name);
      }
      const date = field === "date" && chunk ? timesOf(chunk) : undefined;
      if (date) {
        return [timesNode(date)];
      }
      this.field = field;
      const nodes = chunk ? this.wordsOf(chunk) : this.operand(depth);
      this.field = "";
      return nodes.map((node) => ({ ...node, demanded: true }));
    }

    /**
     * @param {string} chunk
     * @returns {QueryNode[]}
     */
    wordsOf(chunk) {
      const terms = analyse(chunk);
      const star = chunk.endsWith("*");
      // A name with a number (IMG_2041) stays together where any word is enough.
      const name = terms.length > 1 && terms.some((term) => /[0-9]/.test(term));
      const together = name && !overlap(chunk) ? ++this.chunks : 0;
      return terms.map((term, at) => {
        const starred = star && at === terms.length - 1;
        const plain = !starred && !this.excluded;
        const near = plain && (!this.field || this.field === "tags");
        const leaf = this.leaf({
          ...this.newWord(terms.length > 1 ? term : chunk, [term]),
          prefixes: starred || !this.excluded,
          forms: plain,
          typos: plain,
          stop: plain && !this.field && this.language.isStopWord(term),
          near: near ? [term, ...(terms.length > 1 ? [terms.join(" ")] : [])] : [],
        });
        return { ...leaf, chunk: together };
      });
    }

    /**
     * @param {string} typed
     * @param {string[]} terms
     * @returns {QueryWord}
     */
    newWord(typed, terms) {
      const { field, excluded } = this;
      return {
        typed, terms, field, excluded,
        phrase: false, prefixes: false, forms: false, typos: false, stop: false, near: [],
      }; // prettier-ignore
    }

    /** @param {QueryWord} word */
    leaf(word) {
      this.words.push(word);
      return { ...all([]), kind: /** @type {const} */ ("word"), word: this.words.length - 1 };
    }
  }

  /**
   * @param {QueryNode[]} children
   * @returns {QueryNode}
   */
  function all(children) {
    const numbers = { word: -1, chunk: 0, from: 0, before: 0 };
    return { kind: "all", ...numbers, negated: false, demanded: false, children };
  }

  /**
   * @param {QueryNode} node
   * @param {number[]} number of words, by the old ones
   * @returns {QueryNode}
   */
  const renumbered = (node, number) => ({
    ...node,
    word: node.kind === "word" ? number[node.word] : node.word,
    children: node.children.map((child) => renumbered(child, number)),
  });

  /**
   * @param {QueryNode} node
   * @returns {Set<number>}
   */
  const wordsIn = ({ kind, word, children }) => new Set(kind === "word" ? [word] : children.flatMap((child) => [...wordsIn(child)]));

  /** @param {QueryNode[]} nodes */
  const joined = (nodes) => (nodes.length === 1 ? nodes[0] : all(nodes));

  /**
   * @param {QueryNode} first
   * @param {QueryNode} second
   * @returns {QueryNode}
   */
  function eitherOf(first, second) {
    const any = first.kind === "any" && !first.negated ? first : { ...all([first]), kind: /** @type {const} */ ("any") };
    any.children.push(second);
    return any;
  }

  /**
   * @param {[number, number]} times
   * @returns {QueryNode}
   */
  const timesNode = ([from, before]) => ({ ...all([]), kind: "times", demanded: true, from, before });

  /**
   * Read a query; every text is one.
   * @param {string} text
   * @param {string[]} fields that the index has
   * @param {Language} language of the texts
   * @returns {Query}
   */
  const parse = (text, fields, language) => new Parser(text, fields, language).parse();

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { parse });
})();
