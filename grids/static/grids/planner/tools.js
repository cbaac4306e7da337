// The tools that draw lines (cut, new border line, carve out) and those that click grids (merge, lock).
import { fill, gettext } from "@geo/i18n.js";
import { fullName } from "./draft.js";
import { inShape } from "./topology.js";

const NEAR_PX = 4;

/** A line or an area of clicked corners; a double click, Shift+Enter or the button ends it. */
class Line {
  constructor(given) {
    Object.assign(this, { drags: false, least: 2, closed: false }, given);
    this.points = [];
  }

  get busy() {
    return this.points.length > 0;
  }

  start() {
    this.points = [];
  }

  stop() {
    this.cancel();
  }

  click(place) {
    const last = this.points.at(-1);
    if (last) {
      const [a, b] = [this.stage.pixel(last), this.stage.pixel(place)];
      if (Math.hypot(a[0] - b[0], a[1] - b[1]) < NEAR_PX) return;
    }
    this.points.push(place);
    this.#draw();
    this.hand.refresh();
  }

  move(place) {
    if (this.points.length) this.#draw(place);
  }

  #draw(next) {
    const points = next ? [...this.points, next] : this.points;
    const dots = this.points.map((point) => this.stage.feature(null, "Point", point));
    if (points.length < 2) this.stage.sketch("Point", points[0], dots);
    else if (this.closed && points.length > 2) this.stage.sketch("Polygon", [[...points, points[0]]], dots);
    else this.stage.sketch("LineString", points, dots);
  }

  back() {
    this.points.pop();
    if (this.points.length) this.#draw();
    else this.stage.sketch(null);
    this.hand.refresh();
  }

  cancel() {
    this.points = [];
    this.stage.sketch(null);
  }

  async finish() {
    if (this.points.length < this.least) return void this.say(gettext("Set at least two corners."));
    const { points } = this;
    this.points = [];
    await this.done(points);
    if (!this.points.length) this.stage.sketch(null);
    this.hand.refresh();
  }
}

export class Cut extends Line {
  constructor(given) {
    super({ ...given, id: "cut" });
  }

  words() {
    return gettext("Draw a line across a grid; it is cut along it. Double click ends the line.");
  }

  /** The grid that most of the line lies in; the chosen one where the line meets it. */
  #grid(points) {
    const met = new Map();
    for (let i = 1; i < points.length; i++) {
      for (let step = 0; step <= 20; step++) {
        const at = [0, 1].map((axis) => points[i - 1][axis] + ((points[i][axis] - points[i - 1][axis]) * step) / 20);
        for (const [number, shape] of this.draft.shapes) if (inShape(shape, at)) met.set(number, (met.get(number) ?? 0) + 1);
      }
    }
    if (met.has(this.stage.chosen)) return this.stage.chosen;
    return [...met].sort((a, b) => b[1] - a[1])[0]?.[0];
  }

  done(points) {
    const grid = this.#grid(points);
    if (!grid) return void this.say(gettext("The line crosses no grid."));
    return this.send("cut", { grid, line: { type: "LineString", coordinates: points }, ...this.snap() });
  }
}

export class Reshape extends Line {
  constructor(given) {
    super({ ...given, id: "reshape" });
  }

  words() {
    return gettext("Draw the new border from one place on the border of two grids to another.");
  }

  done(points) {
    const tolerance = Math.max(5, Math.round(this.stage.map.metres * 12));
    return this.send("reshape", { line: { type: "LineString", coordinates: points }, tolerance_m: tolerance, ...this.snap() });
  }
}

export class Carve extends Line {
  constructor(given) {
    super({ ...given, id: "carve", closed: true, least: 3 });
  }

  words() {
    return gettext("Draw round the ground of the new grid; it is carved out of those it lies in.");
  }

  async done(points) {
    const named = await this.ask();
    if (!named) return;
    await this.send("carve", { polygon: { type: "Polygon", coordinates: [[...points, points[0]]] }, ...named, ...this.snap() });
  }
}

class Click {
  constructor(given) {
    Object.assign(this, { drags: false }, given);
  }

  grid(place) {
    const block = this.draft.blockAt(place);
    return block ? this.draft.grids.get(block.grid) : null;
  }

  move(place) {
    const grid = this.grid(place);
    this.stage.map.element.style.cursor = grid ? "pointer" : "";
  }

  stop() {
    this.stage.map.element.style.cursor = "";
    this.cancel();
  }

  cancel() {}
}

export class Merge extends Click {
  constructor(given) {
    super({ ...given, id: "merge" });
    this.first = null;
  }

  get busy() {
    return this.first !== null;
  }

  words() {
    const first = this.draft.grids.get(this.first);
    return first ? fill(gettext("Click the grid that shall become part of %(grid)s."), { grid: fullName(first) })
      : gettext("Click the grid that stays, then the one that becomes part of it.");
  }

  click(place) {
    const grid = this.grid(place);
    if (!grid) return;
    if (this.first === null || this.first === grid.number) {
      this.first = grid.number;
      this.choose(grid.number);
      this.hand.refresh();
      return;
    }
    const into = this.first;
    this.first = null;
    this.hand.refresh();
    this.send("merge", { grids: [into, grid.number], into });
  }

  cancel() {
    this.first = null;
  }
}

export class Lock extends Click {
  constructor(given) {
    super({ ...given, id: "lock" });
  }

  words() {
    return gettext("Click a grid to lock it or to unlock it: nothing changes in a locked grid.");
  }

  click(place) {
    const grid = this.grid(place);
    if (grid) this.send("set", { grid: grid.number, locked: !grid.locked });
  }
}
