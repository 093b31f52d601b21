// What is known of documents, by their ids: as a Map, but of ids that lie close together in plain
// numbers, since of frequent words tens of thousands are looked at.
"use strict";

(() => {
  const SPARSE = 16; // ids for each document, where a Map is the smaller

  class Documents {
    /** @param {number} last id that there may be */
    constructor(last) {
      this.size = 0;
      /** @type {Known[]} */
      this._kinds = [];
      /** @type {Map<Known, number>} */
      this._numbers = new Map();
      this._places = new Uint32Array(last + 1); // in `_kinds`, from 1 on
    }

    /**
     * @param {number} id
     * @returns {Known | undefined}
     */
    get(id) {
      const place = this._places[id];
      return place ? this._kinds[place - 1] : undefined;
    }

    /** @param {number} id */
    has(id) {
      return this._places[id] > 0;
    }

    /**
     * @param {number} id
     * @param {Known} known one of a few, of which each is given many times
     */
    set(id, known) {
      let place = this._numbers.get(known);
      if (!place) {
        place = this._kinds.push(known);
        this._numbers.set(known, place);
      }
      this.size += this._places[id] ? 0 : 1;
      this._places[id] = place;
    }

    /** @param {(known: Known, id: number) => void} tell */
    forEach(tell) {
      const { _places, _kinds } = this;
      for (let id = 0; id < _places.length; id++) {
        if (_places[id]) {
          tell(_kinds[_places[id] - 1], id);
        }
      }
    }

    *keys() {
      for (let id = 0; id < this._places.length; id++) {
        if (this._places[id]) {
          yield id;
        }
      }
    }

    *values() {
      for (const id of this.keys()) {
        yield /** @type {Known} */ (this.get(id));
      }
    }
  }

  /**
   * A place for what is known of an index's documents.
   * @param {Postings} index
   * @returns {KnownDocuments}
   */
  const documentsOf = ({ documents, root }) =>
    root.last > SPARSE * documents ? new Map() : new Documents(root.last);

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { documentsOf });
})();
