// Strokes on their way to the server: one after the other, kept until answered, sent again under the same key.
import { NoAnswer, newKey } from "@geo/http.js";

const AGAIN_MS = 4000;

export class Queue extends EventTarget {
  /** `take(change)` gets each answer; `refuse(stroke, error)` what the server would not do. */
  constructor(draft, { take, refuse }) {
    super();
    Object.assign(this, { draft, take, refuse, waiting: [], busy: false, lost: false });
    this.store = `planner.queue.${draft.id}`;
    window.addEventListener("online", () => this.send());
    try {
      this.waiting = JSON.parse(localStorage.getItem(this.store)) ?? [];
    } catch { /* nothing was left */ }
  }

  #keep() {
    try {
      if (this.waiting.length) localStorage.setItem(this.store, JSON.stringify(this.waiting));
      else localStorage.removeItem(this.store);
    } catch { /* private windows keep nothing; the stroke still waits on this page */ }
    this.dispatchEvent(new Event("change"));
  }

  get size() {
    return this.waiting.length;
  }

  /** @returns {Promise<boolean>} whether it was done */
  push(op, params, { blocks = [] } = {}) {
    return this.#push({ op, params, blocks });
  }

  step(which, number) {
    return this.#push({ which, number, blocks: [] });
  }

  #push(stroke) {
    const whole = { ...stroke, key: newKey(), base: this.draft.revision, user: document.body.dataset.user };
    return new Promise((resolve) => {
      this.resolvers ??= new Map();
      this.resolvers.set(whole.key, resolve);
      this.waiting.push(whole);
      this.#keep();
      this.send();
    });
  }

  #finish(stroke, done) {
    this.waiting = this.waiting.filter((one) => one !== stroke);
    this.#keep();
    this.resolvers?.get(stroke.key)?.(done);
    this.resolvers?.delete(stroke.key);
  }

  /** Takes the waiting strokes off: somebody gave them up. */
  drop() {
    for (const stroke of [...this.waiting]) this.#finish(stroke, false);
    this.lost = false;
    this.dispatchEvent(new Event("change"));
  }

  async send() {
    if (this.busy || !this.waiting.length) return;
    this.busy = true;
    clearTimeout(this.timer);
    while (this.waiting.length) {
      const [stroke] = this.waiting;
      // What another person left in this browser is not sent under this name.
      if (stroke.user !== document.body.dataset.user) {
        this.#finish(stroke, false);
        continue;
      }
      // What the planner saw when drawing; own strokes since then are no conflict to the server.
      const { base } = stroke;
      try {
        const change = stroke.which
          ? await this.draft.step(stroke.which, { number: stroke.number, base, key: stroke.key })
          : await this.draft.stroke(stroke.op, stroke.params, { base, key: stroke.key });
        this.lost = false;
        await this.take(change, stroke);
        this.#finish(stroke, true);
      } catch (error) {
        if (error instanceof NoAnswer || [429, 502, 503, 504].includes(error.status)) {
          this.lost = true;
          this.timer = setTimeout(() => this.send(), AGAIN_MS);
          break;
        }
        this.lost = false;
        this.#finish(stroke, false);
        this.refuse(stroke, error);
      }
    }
    this.busy = false;
    this.dispatchEvent(new Event("change"));
  }
}
