// What differs from language to language: which words are forms of one, and which say little. A site has
// the script of its texts' language alone, which adds it here.
"use strict";

(() => {
  /** @type {Record<string, Language>} */
  const languages = { none: { stem: (word) => word, isStopWord: () => false } };

  /**
   * Make a language known.
   * @param {string} name as the index has it
   * @param {(word: string) => string} stem
   * @param {string} stopWords folded, with spaces between
   */
  function addLanguage(name, stem, stopWords) {
    const words = new Set(stopWords.split(" "));
    languages[name] = { stem, isStopWord: (word) => words.has(word) };
  }

  /**
   * A language by its name; of one that is not known each word is a form of itself alone. So it is for a
   * moment where a site's language changes and a browser still holds the script of the other.
   * @param {string} name
   */
  const languageOf = (name) => languages[name] ?? languages.none;

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { addLanguage, languageOf });
})();
