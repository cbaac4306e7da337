// Whether anybody is there: what a page asks for by itself must not keep a session open.
let last = Date.now();
if (typeof document !== "undefined") {
  for (const name of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    document.addEventListener(name, () => { last = Date.now(); }, { capture: true, passive: true });
  }
}

/** When (ms) somebody last touched this page; a service worker is never touched. */
export const lastTouch = () => (typeof document === "undefined" ? 0 : last);

/** Goes with every request: nothing, or that nobody has been here for a minute. */
export const awayHeaders = () => (Date.now() - lastTouch() > 60e3 ? { "X-Wangge-Away": "1" } : {});
