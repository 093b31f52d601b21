// What differs from language to language: which words are forms of one, and which say little.
"use strict";

(() => {
  const { stemEnglish, stemGerman } = globalThis.Picturerail;

  // Words that say so little that a picture need not bear them; the engine's, folded.
  const ENGLISH =
    "a about after all also an and any are as at be been but by can could did do does for " +
    "from had has have he her his how i if in into is it its may me my no nor not of off on " +
    "or our she should so some such than that the their them then there these they this " +
    "those to us was we were what when where which while who whom why will with would you " +
    "your";
  const GERMAN =
    "aber alle als also am an auch auf aus bei beim bin bis bist da dann das dass dein dem " +
    "den denn der des dich die dies diese dieser dieses dir doch du durch ein eine einem " +
    "einen einer eines er es etwas euch fur hab habe haben hat hatte hatten ich ihm ihn ihr " +
    "ihre im in ins ist ja kein keine man mein mich mir mit nach nicht noch nun nur ob oder " +
    "ohne sein seine sich sie sind so uber um und uns unser unter vom von vor war waren " +
    "warum was weil welche wenn wer werden wie wir wird wo zu zum zur";

  /** @type {Record<string, Language>} */
  const LANGUAGES = {
    english: language(stemEnglish, ENGLISH),
    german: language(stemGerman, GERMAN),
    none: language((word) => word, ""),
  };

  /**
   * @param {(word: string) => string} stem
   * @param {string} stopWords
   * @returns {Language}
   */
  function language(stem, stopWords) {
    const words = new Set(stopWords.split(" "));
    return { stem, isStopWord: (word) => words.has(word) };
  }

  /** @param {string} name */
  const languageOf = (name) => LANGUAGES[name] ?? LANGUAGES.none;

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { languageOf });
})();
