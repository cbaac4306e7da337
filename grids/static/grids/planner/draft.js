// A draft in the browser: its grids, blocks and figures, kept up by the changes that each stroke answers with.
import { getJSON, newKey, request } from "@geo/http.js";
import { Topology, boxOf, inShape, interior } from "./topology.js";

export const plansURL = (id = "") => `/api/plans/${id === "" ? "" : `${id}/`}`;

// Told apart also by those who see colours differently; neighbours seldom get the same one.
const PALETTE = ["#3b7ea1", "#c27a2c", "#5a8f4e", "#9a5b8f", "#b8574a", "#4f6db0", "#8a7a2e", "#3f938a", "#a0637a", "#6f7f8c", "#7d6bb0", "#98764f"];
export const colourOf = (grid) => grid?.colour || PALETTE[((grid?.number ?? 1) - 1) % PALETTE.length];
export const nameOf = (grid) => grid.name || grid.code?.slice(-3) || String(grid.number);
/** The three digits that people call a grid by. */
export const shortCode = (grid) => grid.code?.slice(-3) ?? "";
/** The digits, and the name where it has one. */
export const fullName = (grid) => {
  const short = shortCode(grid);
  return grid.name && !grid.name.includes(short) ? `${short} ${grid.name}` : nameOf(grid);
};

export class Draft extends EventTarget {
  constructor(id) {
    super();
    this.id = id;
    this.plan = null;
    this.revision = 0;
    this.grids = new Map(); // number -> GRID
    this.blocks = new Map(); // id -> {id, grid, estate, community, polygon, middle}
    this.members = new Map(); // number -> Set of block ids
    this.figures = null;
    this.edits = [];
    this.today = new Map(); // code -> {code, name, community, shape}
    this.topology = new Topology();
    this.shapes = new Map(); // number -> MultiPolygon coordinates
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  on(name, act) {
    this.addEventListener(name, ({ detail }) => act(detail));
  }

  get url() {
    return plansURL(this.id);
  }

  get open() {
    return Boolean(this.plan?.can?.edit);
  }

  /** Grids that are in the draft now, by community and code. */
  active() {
    return [...this.grids.values()].filter((grid) => grid.active)
      .sort((a, b) => (a.code ?? "").localeCompare(b.code ?? "") || a.number - b.number);
  }

  async loadPlan() {
    const plan = await getJSON(this.url);
    this.plan = plan;
    this.grids = new Map(plan.grids.map((grid) => [grid.number, grid]));
    this.#tell("plan", plan);
    return plan;
  }

  async loadBlocks() {
    const found = await getJSON(`${this.url}blocks/`, { timeout: 60000 });
    this.topology = new Topology();
    this.blocks.clear();
    this.members.clear();
    for (const feature of found.features) this.#addBlock(feature);
    this.revision = found.revision ?? this.plan.revision;
    this.#draw(this.grids.keys());
    this.#tell("blocks");
  }

  async loadToday() {
    for (const { code } of this.plan.communities) {
      const found = await getJSON(`/api/grids/?area=${code}&limit=500&format=geojson`, { headers: { Accept: "application/geo+json" } });
      for (const { properties, geometry } of found.features) {
        if (!geometry) continue;
        const shape = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
        this.today.set(properties.code, { code: properties.code, name: properties.name, community: properties.community_code, shape });
      }
    }
    this.#tell("today");
  }

  async loadFigures() {
    this.figures = await getJSON(`${this.url}figures/`);
    this.#tell("figures", this.figures);
  }

  /** The last strokes of the log; called again, those before. `earlier` is where still more are. */
  async loadEdits() {
    const { results, next } = await getJSON(this.earlier ?? `${this.url}edits/?limit=200`);
    const { pathname, search } = new URL(next ?? "", location.href);
    this.earlier = next && pathname + search;
    this.#takeEdits(results);
    if (!results.length) this.#tell("edits", this.edits);
  }

  #addBlock({ id, geometry, properties }) {
    const polygon = geometry.type === "MultiPolygon" ? geometry.coordinates[0] : geometry.coordinates;
    const block = { id: Number(id), grid: properties.grid, estate: properties.estate || "", community: properties.community, polygon, middle: interior(polygon), box: boxOf(polygon) };
    this.blocks.set(block.id, block);
    this.topology.add(block.id, polygon);
    this.#join(block.id, block.grid);
    return block;
  }

  #join(id, number) {
    if (!this.members.has(number)) this.members.set(number, new Set());
    this.members.get(number).add(id);
  }

  /** Grid borders anew for the grids that changed. */
  #draw(numbers) {
    for (const number of numbers) {
      const ids = this.members.get(number);
      if (ids?.size) this.shapes.set(number, this.topology.union(ids));
      else this.shapes.delete(number);
    }
  }

  /** Takes a CHANGE as the server answered it. One that is not newer than the draft is left alone. */
  apply(change) {
    if (!change || change.revision <= this.revision) {
      if (change?.figures) this.#takeFigures(change.figures);
      return false;
    }
    const { added = [], removed = [], moved = {} } = change.blocks ?? {};
    const touched = new Set();
    const gone = [];
    for (const id of removed.map(Number)) {
      const block = this.blocks.get(id);
      if (!block) continue;
      touched.add(block.grid);
      this.members.get(block.grid)?.delete(id);
      this.topology.remove(id);
      this.blocks.delete(id);
      gone.push(id);
    }
    const fresh = [];
    for (const feature of added) {
      if (this.blocks.has(Number(feature.id))) continue;
      const block = this.#addBlock(feature);
      touched.add(block.grid);
      fresh.push(block.id);
    }
    const shifted = [];
    for (const [text, number] of Object.entries(moved)) {
      const block = this.blocks.get(Number(text));
      if (!block || block.grid === number) continue;
      touched.add(block.grid).add(number);
      this.members.get(block.grid)?.delete(block.id);
      this.#join(block.id, number);
      block.grid = number;
      shifted.push(block.id);
    }
    for (const grid of change.grids ?? []) {
      this.grids.set(grid.number, grid);
      touched.add(grid.number);
    }
    this.revision = change.revision;
    if ("undo" in change) this.plan.undo = change.undo;
    if ("redo" in change) this.plan.redo = change.redo;
    this.#draw(touched);
    this.#takeEdits(change.edits ?? []);
    this.#tell("change", { touched, added: fresh, removed: gone, moved: shifted, edits: change.edits ?? [] });
    if (change.figures) this.#takeFigures(change.figures);
    return true;
  }

  #takeFigures(figures) {
    if (this.figures && figures.revision < this.figures.revision) return;
    // An answer to a stroke leaves out what a stroke does not change.
    this.figures = { ...this.figures, ...figures };
    this.#tell("figures", this.figures);
  }

  #takeEdits(edits) {
    if (!edits.length) return;
    const known = new Map(this.edits.map((edit) => [edit.number, edit]));
    for (const edit of edits) {
      if (edit.dropped) known.delete(edit.number);
      else known.set(edit.number, edit);
    }
    // A stroke drops what was undone before it.
    const last = Math.max(0, ...[...known.values()].filter((edit) => !edit.undone).map((edit) => edit.number));
    this.edits = [...known.values()].filter((edit) => !edit.undone || edit.number > last).sort((a, b) => a.number - b.number);
    this.#tell("edits", this.edits);
  }

  /** What others did meanwhile. @returns the edits that came */
  async catchUp() {
    const before = this.revision;
    const change = await getJSON(`${this.url}changes/?since=${before}`);
    if (this.apply(change)) {
      if (!change.figures) await this.loadFigures().catch(() => {});
      return change.edits ?? [];
    }
    return [];
  }

  stroke(op, params, { base = this.revision, key = newKey() } = {}) {
    return request(`${this.url}edits/`, { method: "POST", body: { op, params, base, client_key: key }, timeout: 30000 });
  }

  step(which, { number, base = this.revision, key = newKey() } = {}) {
    return request(`${this.url}${which}/`, { method: "POST", body: { base, client_key: key, ...(number ? { number } : {}) }, timeout: 30000 });
  }

  gridOf(id) {
    return this.blocks.get(id)?.grid;
  }

  /** The block under a place [lon, lat], or undefined. */
  blockAt([x, y]) {
    for (const block of this.blocks.values()) {
      const { box } = block;
      if (x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3] && inShape([block.polygon], [x, y])) return block;
    }
    return undefined;
  }

  /** [west, south, east, north] of a grid, or of the whole plan. */
  box(number) {
    const shapes = number === undefined ? [...this.shapes.values()] : [this.shapes.get(number) ?? []];
    const box = boxOf(shapes);
    return Number.isFinite(box[0]) ? box : null;
  }

  /** The code of the grid in force over a place, or null. */
  todayAt(place, community) {
    for (const grid of this.today.values()) {
      if ((!community || grid.community === community) && inShape(grid.shape, place)) return grid.code;
    }
    return null;
  }

  borders() {
    return this.topology.borders((id) => this.blocks.get(id)?.grid, (id) => this.blocks.get(id)?.community);
  }

  /** Whether ground of a block changes hands against today. Needs the borders in force. */
  moves(block) {
    if (!this.today.size) return false;
    block.today ??= this.todayAt(block.middle, block.community);
    return this.grids.get(block.grid)?.code !== block.today;
  }
}
