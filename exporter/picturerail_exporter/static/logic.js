// Whether a document matches a query, and what it is worth, by what is known of the query's words.
"use strict";

(() => {
  /** What is asked. */
  class Logic {
    /**
     * @param {QueryNode} root
     * @param {(word: number, id: number) => Standing} word tells what is known of a word in a document
     */
    constructor(root, word) {
      this.root = root;
      this.word = word;
      this.relaxed = false; // whether any of the parts is enough
      /** Whether pictures were taken in times that are asked, 0, or else. @type {Map<QueryNode, (id: number) => number | undefined>} */
      this.times = new Map();
      /** When all pictures were taken, where any may match. @type {Map<number, number> | undefined} */
      this.orders = undefined;
    }

    /**
     * What is known of a document; of -1, of one that was not met yet.
     * @param {number} id
     * @returns {Standing}
     */
    of(id) {
      return this.relaxed ? this._relaxed(this.root, id) : this._all(this.root.children, id);
    }

    /** Whether documents match that bear no word of the query. */
    get wordless() {
      return this._needsAll(this.root);
    }

    /** The times that are asked. */
    get timesAsked() {
      return timesIn(this.root);
    }

    /** Whether there are parts of which any may be enough. */
    get canRelax() {
      return units(this.root).length > 1;
    }

    /**
     * @param {QueryNode} node
     * @param {number} id
     * @returns {Standing}
     */
    _of(node, id) {
      switch (node.kind) {
        case "word":
          return this.word(node.word, id);
        case "all":
          return this._all(node.children, id);
        case "any":
          return this._any(node.children.map((child) => this._maybeNot(child, id)));
        default: {
          const inside = this.times.get(node)?.(id) === 0;
          return { low: 0, high: 0, sure: inside, may: inside || id < 0 };
        }
      }
    }

    /**
     * @param {QueryNode} node
     * @param {number} id
     * @returns {Standing}
     */
    _maybeNot(node, id) {
      const state = this._of(node, id);
      return node.negated ? { low: 0, high: 0, sure: !state.may, may: !state.sure } : state;
    }

    /**
     * Whether documents match that bear no word of the query.
     * @param {QueryNode} node
     * @returns {boolean}
     */
    _needsAll(node) {
      if (node.kind === "any") {
        return node.children.some((child) => child.negated || this._needsAll(child));
      }
      const needless = node.kind === "all" && node.children.every((child) => child.negated || this._needsAll(child));
      return needless || node.kind === "times";
    }

    /**
     * @param {QueryNode[]} children
     * @param {number} id
     * @returns {Standing}
     */
    _all(children, id) {
      let [low, high, sure, may] = [0, 0, true, true];
      for (const child of children) {
        const state = this._maybeNot(child, id);
        low += state.low;
        high += state.high;
        sure &&= state.sure;
        may &&= state.may;
      }
      return { low, high, sure, may };
    }

    /**
     * @param {Standing[]} states
     * @returns {Standing}
     */
    _any(states) {
      const some = { low: 0, high: 0, sure: false, may: false };
      for (const state of states) {
        some.low += state.sure ? state.low : 0;
        some.high += state.may ? state.high : 0;
        some.sure ||= state.sure;
        some.may ||= state.may;
      }
      return some;
    }

    /**
     * @param {QueryNode} root
     * @param {number} id
     * @returns {Standing}
     */
    _relaxed(root, id) {
      const rest = root.children.filter((child) => child.demanded);
      const any = this._any(units(root).map((unit) => this._all(unit, id)));
      const all = this._all(rest, id);
      return {
        low: any.low + all.low,
        high: any.high + all.high,
        sure: any.sure && all.sure,
        may: any.may && all.may,
      };
    }
  }

  /**
   * Of what is asked for the parts of which any may be enough.
   * @param {QueryNode} root
   */
  function units(root) {
    /** @type {QueryNode[][]} */
    const all = [];
    let before = 0;
    for (const child of root.children) {
      if (!child.demanded) {
        if (child.chunk && child.chunk === before) {
          all[all.length - 1].push(child);
        } else {
          all.push([child]);
        }
        before = child.chunk;
      }
    }
    return all;
  }

  /**
   * @param {QueryNode} node
   * @returns {QueryNode[]}
   */
  const timesIn = (node) => (node.kind === "times" ? [node] : node.children.flatMap(timesIn));

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Logic });
})();
