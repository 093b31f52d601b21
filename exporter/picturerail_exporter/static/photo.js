// A picture's page as a viewer: keys, swipes, zoom, and its neighbours fetched ahead. The page is
// the viewer, so a picture's address can be shared, "back" is right, and all of it works without
// this script but for zoom and keys.
"use strict";

(() => {
  const SWIPE = 56; // pixels of a finger's way that turn the page
  const TAP_MS = 320; // between the two taps of a double tap

  const fromRight = document.documentElement.dir === "rtl";
  const stage = /** @type {HTMLElement} */ (document.querySelector(".stage"));
  const picture = /** @type {HTMLImageElement} */ (stage.querySelector(".picture"));
  const keys = /** @type {HTMLDialogElement} */ (document.getElementById("keys"));
  const zoomer = /** @type {HTMLButtonElement} */ (document.getElementById("zoom"));

  // Around a picture that is smaller than its stage, or through it, the placeholder would still show.
  function arrived() {
    stage.querySelector(".placeholder")?.remove();
  }
  if (picture.complete && picture.naturalWidth) {
    arrived();
  } else {
    picture.addEventListener("load", arrived, { once: true });
  }

  /** @param {"prev" | "next"} to */
  function neighbour(to) {
    return /** @type {HTMLLinkElement | null} */ (document.querySelector(`link[rel="${to}"]`));
  }

  /** @param {"prev" | "next"} to */
  function turn(to) {
    const link = neighbour(to);
    if (link) {
      // In place of this page: "back" leads to the grid, not through every picture seen.
      location.replace(link.href);
    }
  }

  /**
   * Show the picture's own pixels, or all of it again. A point of it stays where it is.
   * @param {number} x of the window
   * @param {number} y of the window
   */
  function zoom(x, y) {
    const before = picture.getBoundingClientRect();
    const across = (x - before.left) / before.width;
    const down = (y - before.top) / before.height;
    const zoomed = stage.classList.toggle("zoomed");
    zoomer.setAttribute("aria-pressed", String(zoomed));
    if (zoomed) {
      const now = picture.getBoundingClientRect();
      stage.scrollBy(now.left + across * now.width - x, now.top + down * now.height - y);
    }
  }

  function zoomToMiddle() {
    const box = picture.getBoundingClientRect();
    zoom(box.left + box.width / 2, box.top + box.height / 2);
  }

  /** @type {Map<string, () => void>} */
  const DOES = new Map([
    ["ArrowLeft", () => turn(fromRight ? "next" : "prev")],
    ["ArrowRight", () => turn(fromRight ? "prev" : "next")],
    ["z", zoomToMiddle],
    ["f", () => void (document.fullscreenElement ? document.exitFullscreen() : stage.requestFullscreen())],
    ["i", () => document.getElementById("about")?.scrollIntoView()],
    ["?", () => (keys.open ? keys.close() : keys.showModal())],
  ]);

  document.addEventListener("keydown", (event) => {
    const does = DOES.get(event.key);
    const busy = event.altKey || event.ctrlKey || event.metaKey;
    const typing = event.target instanceof HTMLInputElement;
    const searching = document.getElementById("results")?.hidden === false;
    const zoomedIn = stage.classList.contains("zoomed") && event.key.startsWith("Arrow");
    if (!does || busy || typing || searching || zoomedIn || (keys.open && event.key !== "?")) {
      return;
    }
    event.preventDefault();
    does();
  });

  zoomer.addEventListener("click", zoomToMiddle);
  document.getElementById("help")?.addEventListener("click", () => keys.showModal());
  stage.addEventListener("dblclick", (event) => zoom(event.clientX, event.clientY));

  /** @type {{ id: number, x: number, y: number } | undefined} */
  let finger;
  let fingers = 0;
  let tapped = -TAP_MS;

  stage.addEventListener("touchstart", (event) => {
    fingers = Math.max(fingers, event.touches.length);
    const touch = event.changedTouches[0];
    finger = { id: touch.identifier, x: touch.clientX, y: touch.clientY };
  }, { passive: true });

  stage.addEventListener("touchend", (event) => {
    const touch = Array.from(event.changedTouches).find((one) => one.identifier === finger?.id);
    const alone = fingers === 1;
    if (event.touches.length) {
      return;
    }
    fingers = 0;
    if (!touch || !finger || !alone) {
      return;
    }
    const across = touch.clientX - finger.x;
    const down = touch.clientY - finger.y;
    const enlarged = stage.classList.contains("zoomed") || (visualViewport?.scale ?? 1) > 1.05;
    if (!enlarged && Math.abs(across) > SWIPE && Math.abs(across) > 1.5 * Math.abs(down)) {
      const forward = (across < 0) !== fromRight;
      turn(forward ? "next" : "prev");
    } else if (Math.hypot(across, down) < 12) {
      if (event.timeStamp - tapped < TAP_MS) {
        event.preventDefault(); // no double click follows
        zoom(touch.clientX, touch.clientY);
        tapped = -TAP_MS;
      } else {
        tapped = event.timeStamp;
      }
    }
  });

  // What comes next is fetched while this picture is looked at, unless data is dear.
  addEventListener("load", () => {
    const connection = /** @type {any} */ (navigator).connection;
    if (!connection?.saveData) {
      for (const to of /** @type {const} */ (["next", "prev"])) {
        const source = neighbour(to)?.dataset.picture;
        if (source) {
          // In the format that the browser chose for this picture: each is there in all of them.
          const format = /\.\w+$/.exec(picture.currentSrc)?.[0] ?? ".webp";
          new Image().src = new URL(source.replace(/\.\w+$/, format), document.baseURI).href;
        }
      }
    }
  });
})();
