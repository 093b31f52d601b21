// The scrubber beside what is scrolled: a year is a link, the rail itself is drawn along, and its
// thumb tells the month that is looked at. It knows nothing of pictures.
"use strict";

(() => {
  const LABEL = 25; // pixels between two years: a finger needs 24
  const SHOWN_MS = 1200; // how long it stays on a narrow screen after the last movement

  const Rail = {
    /**
     * Hang a rail into the page.
     * @param {number[]} years as they follow each other
     * @param {string} name what it is called
     * @param {(year: number) => void} jump what a year's link does
     * @returns {ScrollRail}
     */
    make(years, name, jump) {
      const rail = document.createElement("nav");
      rail.className = "rail";
      rail.setAttribute("aria-label", name);
      const links = years.map((year) => {
        const link = document.createElement("a");
        link.href = `#${year}`;
        link.textContent = String(year);
        return link;
      });
      const thumb = document.createElement("span");
      thumb.className = "thumb";
      thumb.setAttribute("aria-hidden", "true");
      rail.append(...links, thumb);
      document.body.append(rail);

      let high = rail.clientHeight;
      /** @type {Map<number, number>} */
      let lying = new Map();
      new ResizeObserver(() => {
        high = rail.clientHeight;
        put();
      }).observe(rail);
      function put() {
        let last = -LABEL;
        years.forEach((year, at) => {
          const y = Math.round((lying.get(year) ?? 0) * high);
          const close = y - last < LABEL; // they would stand in each other
          links[at].classList.toggle("close", close);
          links[at].style.translate = `0 ${y}px`;
          last = close ? last : y;
        });
      }
      const drawn = drawing(rail);
      rail.addEventListener("click", (event) => {
        const link = /** @type {HTMLElement} */ (event.target).closest("a");
        if (link && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
          event.preventDefault();
          if (!drawn()) {
            // The link answers first, as pressed and focused; then the page moves.
            requestAnimationFrame(() => setTimeout(jump, 0, Number(link.textContent)));
          }
        }
      });

      let told = "";
      let share = -1;
      let moved = 0;
      let hiding = 0;
      /** Let it go once nothing has moved for a while. */
      function rest() {
        const left = moved + SHOWN_MS - performance.now();
        hiding = left > 0 ? setTimeout(rest, left) : 0;
        rail.classList.toggle("moving", left > 0);
      }
      return {
        move(to, month) {
          if (to !== share) {
            share = to;
            thumb.style.translate = `0 ${(share * high).toFixed(1)}px`; // which lays nothing out
          }
          if (month !== told) {
            told = month;
            thumb.textContent = month;
          }
          moved = performance.now();
          if (!hiding) {
            rest();
          }
        },
        label(places) {
          lying = places;
          put();
        },
      };
    },
  };

  /**
   * Scroll the page as the rail is drawn along.
   * @param {HTMLElement} rail
   * @returns {() => boolean} whether it was, since it was last touched
   */
  function drawing(rail) {
    let drawn = false;
    rail.addEventListener("pointerdown", (down) => {
      drawn = false;
      const move = (/** @type {PointerEvent} */ event) => {
        if (!drawn && Math.abs(event.clientY - down.clientY) < 4) {
          return;
        }
        drawn = true;
        rail.classList.add("drawn");
        const box = rail.getBoundingClientRect();
        const share = Math.min(1, Math.max(0, (event.clientY - box.top) / box.height));
        const whole = document.documentElement.scrollHeight - innerHeight;
        scrollTo({ top: share * whole, behavior: "instant" });
      };
      const up = () => {
        rail.classList.remove("drawn");
        removeEventListener("pointermove", move);
        removeEventListener("pointerup", up);
        removeEventListener("pointercancel", up);
      };
      addEventListener("pointermove", move);
      addEventListener("pointerup", up);
      addEventListener("pointercancel", up);
    });
    return () => drawn;
  }

  globalThis.Picturerail = Object.assign(globalThis.Picturerail ?? {}, { Rail });
})();
