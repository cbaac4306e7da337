// V: a vertex or an edge of a border is dragged, and all its grids move; or a new line is drawn between two grids.
import Feature from "ol/Feature.js";
import Point from "ol/geom/Point.js";
import { gettext } from "@geo/i18n.js";

const MOST_HANDLES = 900;

export class Border {
  constructor({ hand, stage, draft, send, say, snap }) {
    Object.assign(this, { id: "border", drags: true, hand, stage, draft, send, say, snap, held: null });
    stage.map.on("move", () => this.#current() && this.#handles());
    draft.on("change", () => this.#current() && this.#read());
    stage.map.ol.getView().on("change:center", () => {
      if (this.#current() && this.held?.byKey) this.#preview(this.stage.map.center());
    });
  }

  #current() {
    return this.hand.tool === this;
  }

  get busy() {
    return this.held !== null;
  }

  words() {
    if (this.held?.byKey) return gettext("Arrows move the corner, Enter sets it down, Esc lets go.");
    return gettext("Drag a corner or an edge of a border; Shift bends the edge instead. The outline of a community stays.");
  }

  start() {
    this.#read();
  }

  stop() {
    this.stage.fill("handles", []);
    this.stage.sketch(null);
  }

  /** The borders as they are: nodes with their edges, and the edges one may take. */
  #read() {
    const { topology } = this.draft;
    this.edges = this.draft.borders();
    this.nodes = new Map();
    for (const one of this.edges) {
      for (const node of one.ends) {
        const known = this.nodes.get(node) ?? { node, fixed: false, degree: 0, grids: new Set() };
        known.fixed ||= one.fixed;
        known.degree += 1;
        for (const grid of one.grids) known.grids.add(grid);
        this.nodes.set(node, known);
      }
    }
    for (const known of this.nodes.values()) known.at = topology.points[known.node];
    this.#handles();
  }

  #inSight() {
    const [w, s, e, n] = this.stage.map.extent();
    return [...this.nodes.values()].filter(({ at: [x, y] }) => x > w && x < e && y > s && y < n);
  }

  #handles() {
    // Of the outline only the places where two grids meet on it: those tell why a border ends there.
    let shown = this.#inSight().filter((one) => !one.fixed || one.degree > 2);
    // Far out only the places where three grids meet; the rest would be a string of pearls.
    if (shown.length > MOST_HANDLES) shown = shown.filter((one) => one.degree > 2 && !one.fixed).slice(0, MOST_HANDLES);
    this.stage.fill("handles", shown.map((one) => {
      const feature = new Feature({ geometry: new Point(this.stage.coordinate(one.at)), fixed: one.fixed, hot: false });
      feature.setId(one.node);
      return feature;
    }));
  }

  /** What lies under a pixel: {node} or {edge, ends, grids, free}, within the reach of a finger or a mouse. */
  #under(pixel, reach) {
    let best = null;
    for (const one of this.#inSight()) {
      if (one.fixed) continue;
      const [x, y] = this.stage.pixel(one.at);
      const far = Math.hypot(x - pixel[0], y - pixel[1]);
      if (far <= reach && (!best || far < best.far)) best = { far, node: one.node, at: one.at };
    }
    if (best) return best;
    const { points } = this.draft.topology;
    for (const one of this.edges) {
      if (one.fixed) continue;
      const [a, b] = one.ends.map((node) => this.stage.pixel(points[node]));
      const length = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1;
      const share = ((pixel[0] - a[0]) * (b[0] - a[0]) + (pixel[1] - a[1]) * (b[1] - a[1])) / length ** 2;
      if (share < 0 || share > 1) continue;
      const far = Math.hypot(a[0] + share * (b[0] - a[0]) - pixel[0], a[1] + share * (b[1] - a[1]) - pixel[1]);
      if (far <= reach * 0.7 && (!best || far < best.far)) {
        best = { far, edge: one.edge, ends: one.ends, free: one.ends.every((node) => !this.nodes.get(node).fixed) };
      }
    }
    return best;
  }

  static #reach = (event) => (event?.originalEvent?.pointerType === "touch" ? 26 : 13);

  move(_place, event) {
    if (this.held) return;
    const found = this.#under(event.pixel, Border.#reach(event));
    this.stage.map.element.style.cursor = found ? (found.edge ? "move" : "grab") : "";
    this.#heat(found?.node);
  }

  #heat(node) {
    if (node === this.hot) return;
    const source = this.stage.source("handles");
    if (this.hot !== undefined) source.getFeatureById(this.hot)?.set("hot", false);
    if (node !== undefined) source.getFeatureById(node)?.set("hot", true);
    this.hot = node;
  }

  down(place, event) {
    const found = this.#under(event.pixel, Border.#reach(event));
    if (!found) return false;
    this.#hold(found, place, event.originalEvent.shiftKey);
    return true;
  }

  #hold(found, place, bends = false) {
    const { topology } = this.draft;
    const { points } = topology;
    this.held = { ...found, from: place, bends: Boolean(found.edge) && (bends || !found.free) };
    if (found.edge) {
      const [a, b] = found.ends;
      this.held.a = points[a];
      this.held.b = points[b];
      this.held.around = this.held.bends ? null : found.ends.map((node) => topology.around(node).filter((one) => !found.ends.includes(one)).map((one) => points[one]));
    } else this.held.around = topology.around(found.node).map((one) => points[one]);
    this.#heat(found.node);
  }

  #preview(place) {
    const { held, stage } = this;
    held.to = place;
    const line = (points) => stage.feature(null, "LineString", points);
    if (!held.edge) {
      stage.sketch("Point", place, held.around.map((point) => line([point, place])));
      return;
    }
    if (held.bends) return void stage.sketch("LineString", [held.a, place, held.b]);
    const shift = (point) => [point[0] + place[0] - held.from[0], point[1] + place[1] - held.from[1]];
    const [a, b] = [shift(held.a), shift(held.b)];
    stage.sketch("LineString", [a, b], held.around.flatMap((points, index) => points.map((point) => line([point, index ? b : a]))));
  }

  drag(place) {
    if (this.held) this.#preview(place);
  }

  up(place) {
    const { held } = this;
    if (!held?.to) return this.cancel();
    this.held = null;
    this.#drop(held, place);
  }

  async #drop(held, place) {
    const snap = this.snap();
    if (held.edge && held.bends) await this.send("reshape", { line: { type: "LineString", coordinates: [held.a, place, held.b] }, ...snap });
    else {
      const shift = (point) => [point[0] + place[0] - held.from[0], point[1] + place[1] - held.from[1]];
      const moves = held.edge ? [held.a, held.b].map((from) => ({ from, to: shift(from) })) : [{ from: held.at, to: place }];
      await this.send("move_vertices", { moves, ...snap });
    }
    this.stage.sketch(null);
    this.hand.refresh();
  }

  cancel() {
    this.held = null;
    this.stage.sketch(null);
  }

  // --- by keyboard: Enter takes the corner nearest to the cross, arrows move the map under it ------------------
  enter(place) {
    if (this.held) {
      const { held } = this;
      this.held = null;
      if (held.to) this.#drop(held, place);
      else this.cancel();
      this.hand.refresh();
      return;
    }
    const size = this.stage.map.ol.getSize();
    const found = this.#under([size[0] / 2, size[1] / 2], 60);
    if (!found || found.edge) return void this.say(gettext("No corner of a border is near the middle of the map."));
    this.stage.map.ol.getView().setCenter(this.stage.coordinate(found.at));
    this.#hold(found, found.at);
    this.held.byKey = true;
    this.say(this.words());
    this.hand.refresh();
  }
}

