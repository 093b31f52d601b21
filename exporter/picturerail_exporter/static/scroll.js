// All pictures of a listing, scrolled as one: below the pictures that the page itself hangs the
// others follow, of which only those in sight are in the page. How long it all is, and where each
// year lies, is known from `page/scroll.json` before any of them is read; the pictures come in
// shards. Without this script, and from `file://`, the pages' own links lead to the same pictures.
//
// A shard is laid out by itself (`rows.js`), so where it lies follows from the sums of the shapes
// before it, and little moves when it arrives.
"use strict";

(() => {
  const { Rows, Tiles } = Picturerail;
  const AT_ONCE = 3; // shards asked for at a time
  const KEPT = 30; // shards that stay in memory
  const ROWS_PER_FRAME = 4; // so that a slow machine still answers between frames
  const SETTLED_MS = 90; // a picture is fetched when its row stayed in sight for so long
  const LABEL = 22; // pixels between two years of the scrubber

  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const site = new URL("../", script.src);
  const field = /** @type {HTMLElement} */ (document.getElementById("scroll"));
  const hung = /** @type {HTMLElement} */ (document.querySelector("main .grid"));
  const main = /** @type {HTMLElement} */ (document.getElementById("content"));
  if (location.protocol === "file:") {
    return;
  }
  const monthNames = (field.dataset.months ?? "").split(" ");

  /** @type {ScrollRoot} */
  let root;
  /** @type {ScrollShard[]} */
  let shards = [];
  const page = { width: 0, row: 220, gap: 6 };
  let rail = /** @type {HTMLElement | undefined} */ (undefined);
  let thumb = /** @type {HTMLElement | undefined} */ (undefined);
  let loading = 0;
  let clock = 0;

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
      shard.element?.remove();
      shard.element = undefined;
      shard.shown.clear();
    }
    place();
  }

  /** Put the shards below each other. */
  function place() {
    let top = 0;
    for (const shard of shards) {
      shard.top = top;
      top += shard.height;
      if (shard.element) {
        shard.element.style.top = `${shard.top}px`;
      }
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

  function render() {
    asked = 0;
    if (main.hidden || !shards.length) {
      return;
    }
    const from = edge() - innerHeight;
    const to = from + 3 * innerHeight;
    const first = at(from);
    const last = to < 0 ? -1 : at(to);
    let left = ROWS_PER_FRAME;
    shards.forEach((shard, number) => {
      if (number < first || number > last) {
        shard.element?.contains(document.activeElement) || drop(shard);
      }
    });
    for (let number = first; number <= last; number++) {
      const shard = shards[number];
      shard.used = ++clock;
      if (!shard.element) {
        shard.element = document.createElement("div");
        shard.element.className = "shard";
        shard.element.style.top = `${shard.top}px`;
        shard.element.style.height = `${shard.height - page.gap}px`;
        field.insertBefore(shard.element, shards.slice(number + 1).find((each) => each.element)?.element ?? null);
      }
      if (shard.rows) {
        left = fill(shard, from - shard.top, to - shard.top, left);
      }
    }
    ask(first, last);
    mark();
    if (left <= 0) {
      soon();
    }
  }

  /** @param {ScrollShard} shard */
  function drop(shard) {
    shard.element?.remove();
    shard.element = undefined;
    shard.shown.clear();
  }

  /**
   * Hang the rows between two heights of a shard, and take others down.
   * @param {ScrollShard} shard
   * @param {number} from
   * @param {number} to
   * @param {number} left how many rows may still be hung in this frame
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
      if (left-- <= 0) {
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
    setTimeout(() => element.isConnected && Tiles.fetch(element), SETTLED_MS);
    return element;
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
    const held = shards.filter((shard) => shard.pictures && !shard.element);
    held.sort((a, b) => b.used - a.used);
    for (const shard of held.slice(KEPT)) {
      shard.pictures = undefined; // its rows stay, and so its height
      shard.rows = undefined;
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

  /** What covers the window's upper edge. */
  function bar() {
    const header = /** @type {HTMLElement} */ (document.querySelector("header.bar"));
    return getComputedStyle(header).position === "sticky" ? header.offsetHeight + 8 : 8;
  }

  /** @param {number} month */
  function nameOf(month) {
    return `${monthNames[(month % 100) - 1]} ${Math.floor(month / 100)}`;
  }

  /** Make the scrubber: a year is a link, the rail itself is drawn along. */
  function makeRail() {
    if (root.order === "name") {
      return;
    }
    rail = document.createElement("nav");
    rail.className = "rail";
    rail.setAttribute("aria-label", field.dataset.years ?? "");
    const runs = [...root.front, ...shards.flatMap((shard) => shard.runs)];
    const years = new Set(runs.map(([month]) => Math.floor(month / 100)));
    for (const year of years) {
      const link = document.createElement("a");
      link.href = `#${year}`;
      link.textContent = String(year);
      rail.append(link);
    }
    thumb = document.createElement("span");
    thumb.className = "thumb";
    thumb.setAttribute("aria-hidden", "true");
    rail.append(thumb);
    document.body.append(rail);
    rail.addEventListener("pointerdown", drag);
    rail.addEventListener("click", (event) => {
      const link = /** @type {HTMLElement} */ (event.target).closest("a");
      if (link && !dragged) {
        void jump(Number(link.textContent) * 100);
      }
    });
  }

  let dragged = false;

  /** @param {PointerEvent} down */
  function drag(down) {
    const along = /** @type {HTMLElement} */ (rail);
    dragged = false;
    const start = down.clientY;
    const move = (/** @type {PointerEvent} */ event) => {
      if (!dragged && Math.abs(event.clientY - start) < 4) {
        return;
      }
      dragged = true;
      along.classList.add("drawn");
      const box = along.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (event.clientY - box.top) / box.height));
      scrollTo({ top: share * (document.documentElement.scrollHeight - innerHeight), behavior: "instant" });
    };
    const up = () => {
      along.classList.remove("drawn");
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", up);
      removeEventListener("pointercancel", up);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", up);
    addEventListener("pointercancel", up);
  }

  let labelling = 0;

  /** Put the years where they lie, soon: many shards may arrive at once. */
  function label() {
    labelling ||= setTimeout(putLabels, 60);
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

  /** Those that would stand in each other are left out of sight. */
  function putLabels() {
    labelling = 0;
    if (!rail) {
      return;
    }
    const whole = document.documentElement.scrollHeight;
    const above = scrollY + field.getBoundingClientRect().top;
    const high = rail.clientHeight;
    const heights = yearHeights();
    let last = -LABEL;
    for (const link of rail.querySelectorAll("a")) {
      const y = ((above + (heights.get(Number(link.textContent)) ?? 0)) / whole) * high;
      const close = y - last < LABEL;
      link.classList.toggle("close", close);
      link.style.top = `${y}px`;
      last = close ? last : y;
    }
  }

  let written = 0;
  let hide = 0;

  /** Show the month that is looked at, and keep the place for when the visitor comes back. */
  function mark() {
    if (rail && thumb) {
      const share = scrollY / Math.max(1, document.documentElement.scrollHeight - innerHeight);
      thumb.style.top = `${share * 100}%`;
      const month = monthAt(edge() + bar());
      if (month) {
        thumb.textContent = nameOf(month);
      }
      rail.classList.add("moving");
      clearTimeout(hide);
      hide = setTimeout(() => rail?.classList.remove("moving"), 1200);
    }
    clearTimeout(written);
    written = setTimeout(keep, 250);
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
    if (root.version !== 1) {
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

  addEventListener("load", () => void begin().catch(() => {}));
})();
