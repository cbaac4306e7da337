// B: blocks go from grid to grid, by clicking, painting, a lasso, a whole estate, one building, or arrow keys.
import { fill, gettext, ngettext } from "@geo/i18n.js";
import { fullName } from "./draft.js";

const STEP_PX = 5;

export class HandOver {
  constructor({ hand, stage, draft, send, say, choose }) {
    Object.assign(this, { id: "hand_over", drags: true, hand, stage, draft, send, say, choose, mode: "paint" });
    this.painted = new Set();
    this.track = null;
    this.onto = null; // the block that the keyboard stands on
  }

  start() {
    this.onto = null;
  }

  stop() {
    this.cancel();
    this.stage.cursor(null);
    this.onto = null;
  }

  get busy() {
    return this.painted.size > 0 || this.track !== null;
  }

  get target() {
    return this.isNew ? "new" : this.stage.chosen;
  }

  set target(value) {
    this.isNew = value === "new";
    if (!this.isNew) this.choose(value);
    this.hand.refresh();
  }

  words() {
    if (!this.target) return gettext("Click the grid that shall receive, or choose it in the table.");
    const name = this.isNew ? gettext("a new grid") : fullName(this.draft.grids.get(this.target));
    const how = {
      paint: gettext("Click blocks or drag over them; they go to %(grid)s."),
      lasso: gettext("Draw round the blocks; they go to %(grid)s."),
      building: gettext("Click a building; it goes to %(grid)s with the ground around it."),
      estate: gettext("Click an estate; all of it goes to %(grid)s."),
    }[this.mode];
    return fill(how, { grid: name });
  }

  #block(place) {
    const [feature] = this.stage.source("blocks").getFeaturesAtCoordinate(this.stage.coordinate(place));
    return feature ? this.draft.blocks.get(feature.getId()) : undefined;
  }

  /** Whether a block can go; says why not. */
  #can(block, { quietly = false } = {}) {
    const from = this.draft.grids.get(block.grid);
    if (block.grid === this.target) {
      if (!quietly) this.say(gettext("This block is in that grid already."));
      return false;
    }
    if (from?.locked) {
      if (!quietly) this.say(fill(gettext("%(grid)s is locked."), { grid: fullName(from) }));
      return false;
    }
    const to = this.draft.grids.get(this.target);
    if (to?.locked) {
      if (!quietly) this.say(fill(gettext("%(grid)s is locked."), { grid: fullName(to) }));
      return false;
    }
    return true;
  }

  down(place, event) {
    if (!this.target || event.originalEvent.altKey) {
      const block = this.#block(place);
      if (block) this.target = block.grid;
      this.swallow = true;
      return true;
    }
    this.swallow = false;
    this.last = event.pixel;
    if (this.mode === "lasso") this.track = [place];
    else if (this.mode === "paint") this.#paint(place, false);
    return true;
  }

  #paint(place, quietly = true) {
    const block = this.#block(place);
    if (!block || this.painted.has(block.id) || !this.#can(block, { quietly })) return;
    this.painted.add(block.id);
    this.stage.pick(this.painted);
  }

  drag(place, event) {
    if (this.swallow) return;
    if (this.mode === "lasso") {
      this.track.push(place);
      this.stage.sketch("Polygon", [[...this.track, this.track[0]]]);
      return;
    }
    if (this.mode !== "paint") return;
    const [x0, y0] = this.last;
    const [x1, y1] = event.pixel;
    const steps = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0) / STEP_PX));
    const { ol } = this.stage.map;
    for (let i = 1; i <= steps; i++) {
      const at = ol.getCoordinateFromPixel([x0 + ((x1 - x0) * i) / steps, y0 + ((y1 - y0) * i) / steps]);
      this.#paint(this.stage.place(at));
    }
    this.last = event.pixel;
  }

  up(place) {
    if (this.swallow) return;
    if (this.mode === "lasso") {
      const ring = this.track;
      this.track = null;
      this.stage.sketch(null);
      if (ring.length > 3) this.#send({ lasso: { type: "Polygon", coordinates: [[...ring, ring[0]]] } });
      return;
    }
    if (this.mode === "building") return void this.#send({ building: place });
    if (this.mode === "estate") {
      const block = this.#block(place);
      if (block?.estate) this.#send({ estate: block.estate });
      else this.say(gettext("No estate lies here."));
      return;
    }
    this.#sendPainted();
  }

  #sendPainted() {
    const blocks = [...this.painted];
    this.painted = new Set();
    if (blocks.length) this.#send({ blocks }, blocks);
    else this.stage.pick([]);
  }

  async #send(params, blocks = []) {
    const target = this.target;
    const done = await this.send("hand_over", { to: target, ...params }, { blocks });
    this.stage.pick(this.painted);
    // The next block goes to the grid that this one made.
    if (done && target === "new") {
      const made = Math.max(...this.draft.active().map((grid) => grid.number));
      this.target = made;
    }
  }

  cancel() {
    this.painted = new Set();
    this.track = null;
    this.stage.pick([]);
    this.stage.sketch(null);
  }

  // --- by keyboard: arrows walk from block to block, space gathers, Enter hands over --------------------------
  arrow([dx, dy]) {
    const here = this.draft.blocks.get(this.onto) ?? this.draft.blockAt(this.stage.map.center());
    if (!here) return void this.say(gettext("No block is in the middle of the map."));
    if (this.onto === null || !this.draft.blocks.has(this.onto)) return this.#stand(here);
    const [x, y] = here.middle;
    let best = null;
    for (const [id] of this.draft.topology.neighbours(here.id)) {
      const block = this.draft.blocks.get(id);
      const [bx, by] = [(block.middle[0] - x) * Math.cos((y * Math.PI) / 180), block.middle[1] - y];
      const along = (bx * dx + by * dy) / Math.hypot(bx, by);
      if (along > 0.35 && (!best || along > best.along)) best = { along, block };
    }
    if (best) this.#stand(best.block);
    else this.say(gettext("No block lies further that way."));
  }

  #stand(block) {
    this.onto = block.id;
    this.stage.cursor(block.polygon);
    this.stage.map.flyTo(block.middle, { quietly: true });
    const grid = this.draft.grids.get(block.grid);
    const homes = block.figures?.households;
    this.say([fill(gettext("Block of %(grid)s"), { grid: fullName(grid) }), block.estate && gettext("part of an estate"),
      homes !== undefined && `${homes} ${gettext("homes")}`].filter(Boolean).join(" · "));
  }

  toggle() {
    if (!this.draft.blocks.has(this.onto)) return;
    if (this.painted.has(this.onto)) this.painted.delete(this.onto);
    else if (this.target && this.#can(this.draft.blocks.get(this.onto))) this.painted.add(this.onto);
    this.stage.pick(this.painted);
    this.say(fill(ngettext("%(n)s block gathered", "%(n)s blocks gathered", this.painted.size), { n: this.painted.size }));
  }

  enter(place) {
    const block = this.draft.blocks.get(this.onto) ?? this.draft.blockAt(place);
    if (!block) return;
    if (!this.target) {
      this.target = block.grid;
      return;
    }
    if (!this.painted.size && this.#can(block)) this.painted.add(block.id);
    this.#sendPainted();
  }
}
