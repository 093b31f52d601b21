// All pictures of a listing, scrolled as one: below the pictures that the page itself hangs the
// others follow, of which only those in sight are in the page. How long it all is, and where each
// year lies, is known from `page/scroll.json` before any of them is read; the pictures come in
// shards. `page.js` runs this once a visitor goes there; without it, and from `file://`, the pages' own
// links lead to the same pictures.
//
// A shard is laid out by itself (`rows.js`), so where it lies follows from the sums of the shapes
// before it, and little moves when it arrives.
"use strict";

(() => {
  const { Rail, Rows, Tiles } = Picturerail;
  const AT_ONCE = 3; // shards asked for at a time
  const KEPT = 30; // shards that stay in memory
  const FRAME_MS = 24; // a frame that takes longer was too full: fewer rows are hung in the next
  const MOST_ROWS = 6; // in one frame
  const SETTLED_MS = 90; // a picture is fetched when its row stayed in sight for so long
  const RESTED_MS = 300; // what can wait is done when nothing moved for so long

  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const site = new URL("../", script.src);
  const field = /** @type {HTMLElement} */ (document.getElementById("scroll"));
  const hung = /** @type {HTMLElement} */ (document.querySelector("main .grid"));
  const main = /** @type {HTMLElement} */ (document.getElementById("content"));
  const monthNames = (field.dataset.months ?? "").split(" ");

  /** @type {ScrollRoot} */
  let root;
  /** @type {ScrollShard[]} */
  let shards = [];
  const page = { width: 0, row: 220, gap: 6 };
  let rail = /** @type {ScrollRail | undefined} */ (undefined);
  let loading = 0;
  let clock = 0;
  /** @type {Set<ScrollShard>} */
  const inPage = new Set(); // those that have an element
  /** @type {Set<ScrollShard>} */
  const held = new Set(); // those whose pictures are in memory

  // ---- where everything lies ----

  /** Take the measures that the style sheet sets, and lay everything out for them. */
  function measure() {
    const style = getComputedStyle(document.documentElement);
    page.row = parseFloat(style.getPropertyValue("--row")) || page.row;
    page.gap = parseFloat(style.getPropertyValue("--gap")) || page.gap;
    page.width = field.clientWidth;
    for (const shard of shards) {
      shard.rows = shard.pictures ? Rows.of(shard.pictures, page) : undefined;
      shard.height = shard.rows ? Rows.bottom(shard.rows, page) : Rows.guess(shard, page);
      drop(shard);
    }
    covered = bar();
    place();
  }

  /** Put the shards below each other. */
  function place() {
    let top = 0;
    for (const shard of shards) {
      if (shard.element && shard.top !== top) {
        shard.element.style.top = `${top}px`;
      }
      shard.top = top;
      top += shard.height;
    }
    field.style.height = `${top}px`;
    label();
  }

  /** The window's upper edge, seen from the field's. */
  function edge() {
    return -field.getBoundingClientRect().top;
  }

  /**
   * The shard at a height of the field.
   * @param {number} y
   */
  function at(y) {
    let low = 0;
    let high = shards.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (shards[middle].top <= y) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  // ---- what is in sight ----

  let asked = 0;
  function soon() {
    asked ||= requestAnimationFrame(render);
  }

  let rowsAFrame = 2;
  let before = 0; // when the last frame was whose rows did not all hang

  /** @param {number} now as `requestAnimationFrame` tells it */
  function render(now) {
    asked = 0;
    if (before) {
      const late = now - before > FRAME_MS;
      rowsAFrame = late ? Math.max(1, rowsAFrame >> 1) : Math.min(MOST_ROWS, rowsAFrame + 1);
    }
    if (main.hidden || !shards.length) {
      return;
    }
    // All is read before anything is written: else the browser lays the page out twice a frame.
    const y = edge();
    const share = scrollY / Math.max(1, document.documentElement.scrollHeight - innerHeight);
    const from = y - innerHeight;
    const to = from + 3 * innerHeight;
    const first = at(from);
    const last = to < 0 ? -1 : at(to);
    const focused = document.activeElement;
    for (const shard of inPage) {
      if ((shard.top + shard.height < from || shard.top > to) && !shard.element?.contains(focused)) {
        drop(shard);
      }
    }
    let left = rowsAFrame;
    for (let number = first; number <= last; number++) {
      const shard = shards[number];
      shard.used = ++clock;
      if (!shard.element) {
        hang(shard);
      }
      if (shard.rows) {
        left = fill(shard, from - shard.top, to - shard.top, left);
      }
    }
    ask(first, last);
    mark(y, share);
    before = left < 0 ? now : 0;
    if (before) {
      soon();
    }
  }

  /**
   * Put an empty shard into the page, where it comes in the order of reading.
   * @param {ScrollShard} shard
   */
  function hang(shard) {
    shard.element = document.createElement("div");
    shard.element.className = shard.rows ? "shard read" : "shard";
    shard.element.style.top = `${shard.top}px`;
    shard.element.style.height = `${shard.height - page.gap}px`;
    const below = [...inPage].filter((each) => each.top > shard.top).sort((a, b) => a.top - b.top)[0];
    field.insertBefore(shard.element, below?.element ?? null);
    inPage.add(shard);
  }

  /** @param {ScrollShard} shard */
  function drop(shard) {
    shard.element?.remove();
    shard.element = undefined;
    shard.shown.clear();
    inPage.delete(shard);
  }

  /**
   * Hang the rows between two heights of a shard, and take others down.
   * @param {ScrollShard} shard
   * @param {number} from
   * @param {number} to
   * @param {number} left how many rows may still be hung in this frame
   * @returns {number} how many may be hung still; less than none if there are more
   */
  function fill(shard, from, to, left) {
    const rows = /** @type {ScrollRow[]} */ (shard.rows);
    for (const [number, element] of shard.shown) {
      const { top, height } = rows[number];
      if ((top + height < from || top > to) && !element.contains(document.activeElement)) {
        element.remove();
        shard.shown.delete(number);
      }
    }
    const middle = (from + to) / 2;
    const wanted = rows
      .map((each, number) => ({ number, away: Math.abs(each.top - middle) }))
      .filter(({ number }) => rows[number].top + rows[number].height >= from && rows[number].top <= to)
      .filter(({ number }) => !shard.shown.has(number))
      .sort((a, b) => a.away - b.away);
    for (const { number } of wanted) {
      if (--left < 0) {
        return left;
      }
      const element = line(shard, rows[number]);
      shard.shown.set(number, element);
      const next = [...shard.shown.keys()].filter((other) => other > number).sort((a, b) => a - b)[0];
      shard.element?.insertBefore(element, shard.shown.get(next) ?? null);
    }
    return left;
  }

  /**
   * @param {ScrollShard} shard
   * @param {ScrollRow} about
   */
  function line(shard, about) {
    const pictures = /** @type {ScrollPicture[]} */ (shard.pictures);
    const element = document.createElement("div");
    element.className = "line";
    element.style.top = `${about.top}px`;
    element.style.height = `${about.height}px`;
    for (let number = about.first; number < about.end; number++) {
      element.append(Tiles.make(pictures[number], about.height, root, site));
    }
    waiting.push({ element, since: performance.now() });
    fetching ||= setTimeout(fetchNext, SETTLED_MS);
    return element;
  }

  /** @type {{ element: HTMLElement, since: number }[]} */
  const waiting = []; // rows whose pictures are not asked for yet
  let fetching = 0;

  /** Fetch the pictures of one row that stayed in sight, and leave the others to later tasks. */
  function fetchNext() {
    fetching = 0;
    let wait = 0;
    while (waiting.length && !wait) {
      const { element, since } = waiting[0];
      wait = Math.max(0, since + SETTLED_MS - performance.now());
      if (!wait) {
        waiting.shift();
        if (element.isConnected) {
          Tiles.fetch(element);
          break;
        }
      }
    }
    if (waiting.length) {
      fetching = setTimeout(fetchNext, wait);
    }
  }

  // ---- reading shards ----

  /**
   * Read the shards in sight, the nearest first; forget those not seen for long.
   * @param {number} first
   * @param {number} last
   */
  function ask(first, last) {
    for (let number = first; number <= last && loading < AT_ONCE; number++) {
      if (!shards[number].pictures && !shards[number].asked) {
        void read(number);
      }
    }
    if (held.size > KEPT + inPage.size) {
      const unused = [...held].filter((shard) => !shard.element).sort((a, b) => b.used - a.used);
      for (const shard of unused.slice(KEPT)) {
        shard.pictures = undefined; // its height stays
        shard.rows = undefined;
        held.delete(shard);
      }
    }
  }

  /** @param {number} number */
  async function read(number) {
    const shard = shards[number];
    shard.asked = true;
    loading++;
    try {
      const answer = await fetch(new URL(shard.name, base));
      if (!answer.ok) {
        throw new Error(`${shard.name}: ${answer.status}`);
      }
      take(shard, await answer.json());
    } catch {
      await new Promise((done) => setTimeout(done, 2000)); // and then again, if still in sight
    } finally {
      shard.asked = false;
      loading--;
      soon();
    }
  }

  /**
   * Lay out a shard that arrived; what is looked at stays where it is.
   * @param {ScrollShard} shard
   * @param {ScrollPicture[]} pictures
   */
  function take(shard, pictures) {
    const y = edge();
    const above = shard.top + shard.height <= y;
    const inside = !above && shard.top < y ? (y - shard.top) / shard.height : 0;
    const before = shard.height;
    shard.pictures = pictures;
    held.add(shard);
    shard.rows = Rows.of(pictures, page);
    shard.height = Rows.bottom(shard.rows, page);
    if (shard.element) {
      shard.element.style.height = `${shard.height - page.gap}px`;
      shard.element.classList.add("read");
    }
    place();
    const moved = above ? shard.height - before : inside * (shard.height - before);
    if (Math.abs(moved) >= 1) {
      scrollBy({ top: moved, behavior: "instant" });
    }
  }

  // ---- years, and the place that is looked at ----

  /**
   * The month at a height of the field, as 201907; of the pictures hung above it, the first.
   * @param {number} y
   */
  function monthAt(y) {
    if (y < 0) {
      return root.front[0][0];
    }
    const shard = shards[at(y)];
    const about = shard.rows?.find((each) => each.top + each.height > y - shard.top + 1);
    if (about) {
      let after = about.end; // a row is named by its last picture: a jump leads to its first
      const run = shard.runs.find(([, count]) => (after -= count) <= 0);
      return (run ?? shard.runs[shard.runs.length - 1])[0];
    }
    let share = ((y - shard.top) / shard.height) * shard.shapes;
    for (const [month, , shapes] of shard.runs) {
      share -= shapes / 1000;
      if (share <= 0) {
        return month;
      }
    }
    return shard.runs[shard.runs.length - 1][0];
  }

  /**
   * Where the first picture of a month, or of one beyond it, lies.
   * @param {number} month as 201907, or 201900 for the year's first that comes
   */
  function heightOf(month) {
    const down = root.order !== "oldest";
    const reached = (/** @type {number} */ one) =>
      down ? Math.floor(one / (month % 100 ? 1 : 100)) <= Math.floor(month / (month % 100 ? 1 : 100)) : one >= month;
    if (root.front.some(([one]) => reached(one))) {
      return hung.getBoundingClientRect().top - field.getBoundingClientRect().top;
    }
    for (const shard of shards) {
      let before = 0;
      let shapes = 0;
      for (const [one, count, wide] of shard.runs) {
        if (reached(one)) {
          const exact = shard.rows?.find((each) => each.end > before)?.top;
          return shard.top + (exact ?? (shapes / shard.shapes) * shard.height);
        }
        before += count;
        shapes += wide / 1000;
      }
    }
    return parseFloat(field.style.height);
  }

  /** @param {number} month */
  async function jump(month) {
    const to = () => scrollTo({ top: scrollY + field.getBoundingClientRect().top + heightOf(month) - bar(), behavior: "instant" });
    to();
    const number = at(heightOf(month) + 1);
    if (heightOf(month) >= 0 && !shards[number].pictures && !shards[number].asked) {
      await read(number);
      to(); // now that it is known to the row
    }
  }

  let covered = 8; // pixels of the window's upper edge, as last measured

  /** What covers the window's upper edge. */
  function bar() {
    const header = /** @type {HTMLElement} */ (document.querySelector("header.bar"));
    return getComputedStyle(header).position === "sticky" ? header.offsetHeight + 8 : 8;
  }

  /** @param {number} month */
  function nameOf(month) {
    return `${monthNames[(month % 100) - 1]} ${Math.floor(month / 100)}`;
  }

  /** Hang the scrubber: a listing by name has none. */
  function makeRail() {
    if (root.order !== "name") {
      const runs = [...root.front, ...shards.flatMap((shard) => shard.runs)];
      const years = new Set(runs.map(([month]) => Math.floor(month / 100)));
      rail = Rail.make([...years], field.dataset.years ?? "", visit);
    }
  }

  /**
   * Go to a year, so that the way back leads to where the visitor was.
   * @param {number} year
   */
  function visit(year) {
    keep();
    history.pushState(null, "", `#${year}`); // unlike following the link, this navigates nothing
    void jump(year * 100);
  }

  let labelling = 0;

  /** Put the years where they lie, soon: many shards may arrive at once. */
  function label() {
    labelling ||= setTimeout(() => whenIdle(putLabels), RESTED_MS);
  }

  /** Where each year's first picture lies, found in one pass. */
  function yearHeights() {
    /** @type {Map<number, number>} */
    const heights = new Map();
    const first = hung.getBoundingClientRect().top - field.getBoundingClientRect().top;
    root.front.forEach(([month]) => heights.set(Math.floor(month / 100), first));
    for (const shard of shards) {
      let before = 0;
      let shapes = 0;
      for (const [month, count, wide] of shard.runs) {
        const year = Math.floor(month / 100);
        if (!heights.has(year)) {
          const exact = shard.rows?.find((each) => each.end > before)?.top;
          heights.set(year, shard.top + (exact ?? (shapes / shard.shapes) * shard.height));
        }
        before += count;
        shapes += wide / 1000;
      }
    }
    return heights;
  }

  function putLabels() {
    labelling = 0;
    const whole = document.documentElement.scrollHeight;
    const above = scrollY + field.getBoundingClientRect().top;
    const heights = [...yearHeights()];
    rail?.label(new Map(heights.map(([year, height]) => [year, (above + height) / whole])));
  }

  let written = 0;

  /**
   * Show the month that is looked at, and keep the place for when the visitor comes back.
   * @param {number} y the window's upper edge, seen from the field's
   * @param {number} share of the page that lies above
   */
  function mark(y, share) {
    const month = rail ? monthAt(y + covered) : 0;
    rail?.move(share, month ? nameOf(month) : "");
    clearTimeout(written);
    written = setTimeout(() => whenIdle(keep), RESTED_MS);
  }

  /**
   * Do what can wait when the browser has nothing else to do.
   * @param {() => void} work
   */
  function whenIdle(work) {
    if ("requestIdleCallback" in globalThis) {
      requestIdleCallback(work, { timeout: 1000 });
    } else {
      work();
    }
  }

  /** Write the place into the history: which picture is at the window's upper edge. */
  function keep() {
    if (main.hidden || !shards.length) {
      return;
    }
    const y = edge() + bar();
    const shard = shards[at(y)];
    const about = y >= 0 ? shard.rows?.find((each) => each.top + each.height > y - shard.top) : undefined;
    const place = about && shard.pictures
      ? { shard: shard.name, id: shard.pictures[about.first][0], off: y - shard.top - about.top }
      : { top: scrollY };
    const month = y >= 0 && root.order !== "name" ? monthAt(y) : 0;
    const address = new URL(location.href);
    if (/^#?(\d{4}(-\d\d)?)?$/.test(address.hash)) {
      address.hash = month ? `#${Math.floor(month / 100)}-${String(month % 100).padStart(2, "0")}` : "";
    }
    history.replaceState({ ...history.state, place }, "", address.hash ? address : address.pathname + address.search);
  }

  /** Go to the place that the history tells, or the address. */
  async function restore() {
    const place = history.state?.place;
    const asks = /^#(\d{4})(?:-(\d\d))?$/.exec(location.hash);
    if (place?.id) {
      let number = shards.findIndex((shard) => shard.name === place.shard);
      if (number >= 0) {
        if (!shards[number].pictures) {
          await read(number);
        }
        const shard = shards[number];
        const which = shard.pictures?.findIndex(([id]) => id === place.id) ?? -1;
        const about = shard.rows?.find((each) => each.end > which);
        if (which >= 0 && about) {
          const y = scrollY + field.getBoundingClientRect().top + shard.top + about.top;
          scrollTo({ top: y + place.off - bar(), behavior: "instant" });
          return;
        }
      }
    }
    if (asks) {
      await jump(Number(asks[1]) * 100 + Number(asks[2] ?? 0));
    } else if (place) {
      scrollTo({ top: place.top, behavior: "instant" });
    }
  }

  // ---- beginning ----

  const base = new URL("./", new URL(field.dataset.root ?? "", document.baseURI));

  async function begin() {
    const answer = await fetch(new URL(field.dataset.root ?? "", document.baseURI), { cache: "no-cache" });
    if (!answer.ok) {
      return; // the pages' own links are there
    }
    root = await answer.json();
    if (root.version !== 3) {
      return;
    }
    shards = root.shards.map(([name, runs]) => ({
      name,
      runs,
      count: runs.reduce((sum, run) => sum + run[1], 0),
      shapes: runs.reduce((sum, run) => sum + run[2], 0) / 1000,
      top: 0,
      height: 0,
      used: 0,
      asked: false,
      shown: new Map(),
    }));
    document.documentElement.classList.add("scrolled");
    field.hidden = false;
    history.scrollRestoration = "manual";
    makeRail();
    measure();
    await restore();
    addEventListener("scroll", soon, { passive: true });
    addEventListener("pagehide", keep);
    addEventListener("popstate", () => requestAnimationFrame(() => !main.hidden && void restore()));
    addEventListener("hashchange", () => void restore());
    new ResizeObserver(() => {
      if (!main.hidden && field.clientWidth && field.clientWidth !== page.width) {
        const y = edge();
        const month = y < 0 ? 0 : monthAt(y + bar());
        measure();
        if (month) {
          void jump(month);
        }
      }
      soon();
    }).observe(field);
    soon();
    document.documentElement.dataset.scroll = "ready";
  }

  const start = () => void begin().catch(() => {});
  if (document.readyState === "complete") {
    start();
  } else {
    addEventListener("load", start);
  }
})();
