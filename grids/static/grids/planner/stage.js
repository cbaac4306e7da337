// The map of a draft: its layers in the view's projection, kept up with the draft.
import Feature from "ol/Feature.js";
import LineString from "ol/geom/LineString.js";
import MultiPolygon from "ol/geom/MultiPolygon.js";
import Point from "ol/geom/Point.js";
import Polygon from "ol/geom/Polygon.js";
import GeoJSON from "ol/format/GeoJSON.js";
import VectorLayer from "ol/layer/Vector.js";
import VectorSource from "ol/source/Vector.js";
import { createMap, fromLonLat, toLonLat } from "@tiles/map.js";
import { gettext } from "@geo/i18n.js";
import { colourOf, nameOf, shortCode } from "./draft.js";
import { interior } from "./topology.js";
import { blockStyle, borderStyle, cursorStyle, faultStyle, ghostStyle, gridStyle, handleStyle, labelStyle, movedStyle, pickedStyle, proposalStyle, repairStyle, sketchStyle } from "./styles.js";
import { count } from "./words.js";

const SHAPES = { Point, LineString, Polygon, MultiPolygon };

// A phone's map has room for those that matter there.
export const NARROW = matchMedia("(max-width: 760px)").matches;
const TOOLS = NARROW ? ["layers", "basemaps"] : ["layers", "basemaps", "measure", "fullscreen", "print"];

export async function createStage(element, draft, { tools = TOOLS } = {}) {
  const map = await createMap(element, { layers: [], hidden: ["grids"], remember: "planner", tools, extent: draft.box() ?? undefined });
  return new Stage(map, draft);
}

export class Stage {
  constructor(map, draft) {
    Object.assign(this, { map, draft, chosen: null, showGhost: true, showMoved: true });
    this.picked = new Set(); // blocks that a stroke in hand will move
    this.layers = {};
    const layer = (name, zIndex, style, options = {}) => {
      this.layers[name] = new VectorLayer({ source: new VectorSource(), style, zIndex, ...options });
      map.ol.addLayer(this.layers[name]);
    };
    layer("grids", 100, (feature) => gridStyle(...this.#look(feature.getId())));
    layer("blocks", 105, blockStyle);
    layer("moved", 110, movedStyle());
    layer("picked", 120, pickedStyle);
    layer("ghost", 128, ghostStyle);
    layer("borders", 130, (feature) => borderStyle(...this.#look(feature.getId())));
    layer("proposal", 125, (feature) => proposalStyle(colourOf({ number: feature.getId() + 1 }), feature.get("words")));
    layer("repairs", 149, repairStyle);
    layer("faults", 150, faultStyle);
    layer("cursor", 155, cursorStyle);
    layer("sketch", 160, sketchStyle, { updateWhileInteracting: true });
    layer("handles", 170, handleStyle, { updateWhileInteracting: true });
    layer("labels", 180, null, { declutter: "plan-labels" });
    layer("remarks", 185, null);
    draft.on("blocks", () => this.drawAll());
    draft.on("today", () => { this.#drawGhost(); this.#drawMoved(); });
    draft.on("change", (change) => this.#change(change));
    draft.on("figures", () => this.#drawLabels());
    map.on("projection", () => { this.drawAll(); this.onproject?.(); });
    if (draft.blocks.size) this.drawAll();
  }

  #look(number) {
    const grid = this.draft.grids.get(number);
    return [colourOf(grid), { chosen: number === this.chosen, locked: grid?.locked }];
  }

  /** A geometry of degrees in the view's projection. */
  geometry(type, coordinates) {
    return new SHAPES[type](coordinates).transform("EPSG:4326", this.map.projection);
  }

  feature(id, type, coordinates, properties = {}) {
    const feature = new Feature({ geometry: this.geometry(type, coordinates), ...properties });
    if (id !== null) feature.setId(id);
    return feature;
  }

  source(name) {
    return this.layers[name].getSource();
  }

  fill(name, features) {
    const source = this.source(name);
    source.clear(true);
    source.addFeatures(features);
  }

  place(coordinate) {
    return toLonLat(coordinate, this.map.projection);
  }

  coordinate(place) {
    return fromLonLat(place, this.map.projection);
  }

  pixel(place) {
    return this.map.ol.getPixelFromCoordinate(this.coordinate(place));
  }

  drawAll() {
    const { draft } = this;
    this.fill("blocks", [...draft.blocks.values()].map((block) => this.feature(block.id, "Polygon", block.polygon)));
    for (const name of ["grids", "borders"]) this.source(name).clear(true);
    this.#drawGrids([...draft.shapes.keys()]);
    this.#drawGhost();
    this.#drawMoved();
    this.#drawLabels();
  }

  #drawGrids(numbers) {
    for (const name of ["grids", "borders"]) {
      const source = this.source(name);
      for (const number of numbers) {
        const old = source.getFeatureById(number);
        const shape = this.draft.shapes.get(number);
        if (!shape) old && source.removeFeature(old);
        else if (old) old.setGeometry(this.geometry("MultiPolygon", shape));
        else source.addFeature(this.feature(number, "MultiPolygon", shape));
      }
    }
  }

  #drawGhost() {
    this.layers.ghost.setVisible(this.showGhost);
    this.fill("ghost", [...this.draft.today.values()].map((grid) => this.feature(grid.code, "MultiPolygon", grid.shape)));
  }

  #drawMoved() {
    this.layers.moved.setVisible(this.showMoved);
    const moved = [...this.draft.blocks.values()].filter((block) => this.draft.moves(block));
    this.fill("moved", moved.map((block) => this.feature(block.id, "Polygon", block.polygon)));
  }

  #drawLabels() {
    const { draft } = this;
    this.fill("labels", draft.active().filter((grid) => draft.shapes.has(grid.number)).map((grid) => {
      const shape = draft.shapes.get(grid.number);
      const widest = shape.length > 1 ? shape.reduce((a, b) => (b[0].length > a[0].length ? b : a)) : shape[0];
      const figures = draft.figures?.grids?.[grid.number];
      const homes = figures?.households;
      const feature = this.feature(grid.number, "Point", grid.label ?? interior(widest));
      feature.setStyle(labelStyle({
        name: nameOf(grid), status: figures?.status, locked: grid.locked, chosen: grid.number === this.chosen,
        code: nameOf(grid).includes(shortCode(grid)) ? "" : shortCode(grid),
        load: homes === undefined ? "" : `${count(homes)} ${gettext("homes")}`,
      }));
      return feature;
    }));
  }

  #change({ touched, added, removed }) {
    const blocks = this.source("blocks");
    for (const id of removed) {
      const feature = blocks.getFeatureById(id);
      if (feature) blocks.removeFeature(feature);
    }
    blocks.addFeatures(added.map((id) => this.feature(id, "Polygon", this.draft.blocks.get(id).polygon)));
    this.#drawGrids([...touched]);
    this.#drawMoved();
    this.#drawLabels();
  }

  choose(number) {
    this.chosen = number;
    for (const name of ["grids", "borders"]) this.layers[name].changed();
    this.#drawLabels();
  }

  toggle(what, on) {
    this[what === "ghost" ? "showGhost" : "showMoved"] = on;
    this.layers[what].setVisible(on);
  }

  /** The blocks that a stroke in hand will move. */
  pick(ids) {
    this.picked = new Set(ids);
    this.fill("picked", [...this.picked].map((id) => this.draft.blocks.get(id)).filter(Boolean)
      .map((block) => this.feature(block.id, "Polygon", block.polygon)));
  }

  sketch(type, coordinates, more = []) {
    const features = coordinates ? [this.feature(null, type, coordinates)] : [];
    this.fill("sketch", [...features, ...more]);
  }

  /** Rings one block or grid: what the keyboard stands on, or what was meant. */
  cursor(polygon) {
    this.fill("cursor", polygon ? [this.feature(null, typeof polygon[0][0][0] === "number" ? "Polygon" : "MultiPolygon", polygon)] : []);
  }

  /** Draws a proposal's parts in place of the draft's grids: {block id: part}, and what each holds; null takes them away. */
  preview(parts, words = () => "") {
    if (parts) this.onlook?.();
    const ids = new Map();
    for (const [id, part] of Object.entries(parts ?? {})) {
      if (!this.draft.blocks.has(Number(id))) continue;
      if (!ids.has(part)) ids.set(part, []);
      ids.get(part).push(Number(id));
    }
    for (const name of ["grids", "borders", "labels", "moved"]) this.layers[name].setVisible(!parts && (name !== "moved" || this.showMoved));
    this.fill("proposal", [...ids].map(([part, blocks]) => this.feature(Number(part), "MultiPolygon", this.draft.topology.union(blocks), { words: words(Number(part)) })));
  }

  faults(geometries) {
    this.#show("faults", geometries);
  }

  /** What was mended when a file was read. */
  repairs(geometries) {
    this.#show("repairs", geometries);
  }

  #show(layer, geometries) {
    const format = new GeoJSON({ dataProjection: "EPSG:4326", featureProjection: this.map.projection });
    this.fill(layer, geometries.filter(Boolean).map((geometry) => new Feature(format.readGeometry(geometry))));
  }

  zoomTo(box, options) {
    if (!box) return;
    this.onlook?.();
    // What a tool has to say lies over the map's upper edge.
    this.map.fit(box, { padding: 60, top: document.querySelector("#tool-words:not([hidden])")?.offsetHeight ?? 0, ...options });
  }

  /** Rings an area for a moment. */
  flash(polygons) {
    this.cursor(polygons);
    clearTimeout(this.flashing);
    this.flashing = setTimeout(() => this.cursor(null), 3500);
  }
}
