// What a visitor may be about to type: words and tags of the site that go on as the query ends; tags
// as they are written, other words as they are folded.
"use strict";

(() => {
  const { analyse } = globalThis.Picturerail;
  const MOST = 6;

  /**
   * Complete the last word of a query, the most frequent first.
   * @param {Postings} index
   * @param {string} text
   * @returns {Promise<Completion[]>}
   */
  async function complete(index, text) {
    const last = /[^\s"():]+$/u.exec(text)?.[0].replace(/^-/, "") ?? "";
    const terms = analyse(last);
    if (terms.length !== 1 || !/[\p{L}\p{N}]$/u.test(last)) {
      return [];
    }
    const before = text.slice(0, text.length - last.length);
    const afterColon = before.endsWith(":");
    const [words, tags] = await Promise.all([
      index.beginningWith(terms[0]),
      index.beginningWith(terms[0], "t"),
    ]);
    const several = afterColon ? [] : tags.filter((tag) => tag.text.includes(" "));
    const written = new Map(tags.map(({ text: folded, name }) => [folded, name]));
    return [...words, ...several]
      .filter((term) => term.text !== terms[0])
      .sort((a, b) => b.level - a.level || (a.key < b.key ? -1 : 1))
      .slice(0, MOST)
      .map((term) => {
        const shown = written.get(term.text) ?? term.text;
        return { shown, ...index.atLeast(term), query: before + (shown.includes(" ") ? `tag:"${shown}"` : shown) };
      });
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { complete });
})();
