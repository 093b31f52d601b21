// Scripts that are sent alone, since few searches need them.
"use strict";

(() => {
  /**
   * All that searches, with such a script.
   * @param {"facets.js" | "phrase.js" | "either.js"} name
   * @param {keyof typeof globalThis.Picturerail} what it brings
   */
  function withScript(name, what) {
    if (!globalThis.Picturerail[what]) {
      importScripts(name);
    }
    return globalThis.Picturerail;
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { withScript });
})();
