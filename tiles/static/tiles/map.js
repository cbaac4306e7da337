// The one map of the house: desk, phone, wall and planner all make theirs here.
//
//   const map = await createMap(element, {
//     layers: ["grids", "cases"],       // shown at first; default: those the registry marks visible
//     basemap: "own",                   // default: the last chosen, else the register's default
//     center: [83.9, 39.5], metres: 12, // metres per pixel; or extent: [w, s, e, n]; default: the city
//     tools: ["layers", "basemaps", "measure", "filter", "date", "locate", "fullscreen", "print"],
//     hidden: ["cases"],                // layers of the registry that the page draws itself
//     dark: false, remember: "console", // remembers layers and base map under this name
//     hash: false,                      // keep the view in the address (#map=lon,lat,metres)
//   });
//
// Coordinates in and out are WGS-84 [lon, lat], boxes [west, south, east, north], whatever the view's projection,
// which follows the base map's. Events: map.on("move" | "select" | "hover" | "filter" | "date" | "projection" |
// "layers" | "click", listener). `map.ol` is the OpenLayers map for what is not offered here.
import Feature from "ol/Feature.js";
import OlMap from "ol/Map.js";
import View from "ol/View.js";
import { defaults as defaultControls } from "ol/control/defaults.js";
import GeoJSON from "ol/format/GeoJSON.js";

import Polygon from "ol/geom/Polygon.js";
import { defaults as defaultInteractions } from "ol/interaction/defaults.js";
import VectorLayer from "ol/layer/Vector.js";
import VectorSource from "ol/source/Vector.js";
import { el, icon } from "@geo/dom.js";
import { getJSON } from "@geo/http.js";
import { gettext } from "@geo/i18n.js";
import { basemapLayers, brokenWords } from "./map/basemaps.js";
import { footer, metresPerPixel } from "./map/foot.js";
import { circle, degreeLengths } from "./map/geodesic.js";
import { boxFrom, boxTo, fromLonLat, SETS, setFor, toLonLat } from "./map/matrix.js";
import { accuracyStyle, pinStyle, ringStyle } from "./map/styles.js";
import { Pointer } from "./map/pointer.js";
import { Toolbar } from "./map/toolbar.js";
import { drawing } from "./map/tools.js";
import { highlightLayer, vectorLayer } from "./map/vectors.js";

export { circle, distance, lengthWords, areaWords, lineLength, ringArea } from "./map/geodesic.js";
export { metresPerPixel } from "./map/foot.js";
export { setFor, tileGrid, toLonLat, fromLonLat } from "./map/matrix.js";
export { legendSymbol } from "./map/panels.js";
export { symbol } from "./map/styles.js";

const NO_BASEMAP = { id: "none", kind: "none", projection: "EPSG:3857" };
/** Whether a base map comes as pictures, which are sharp only at their own levels. */
const pictures = (basemap) => Boolean(basemap.url) && basemap.type !== "own";
const TOOLS = ["layers", "basemaps", "measure", "filter", "date", "fullscreen", "print"];
let registers = null;

/** Our own data drawn as a base map: what is left when no base map is registered or the register does not answer. */
const OWN = { id: "own", type: "own", kind: "light", title: gettext("City map"), projection: "EPSG:3857", default: true };

/** The layer registry and the base maps, fetched once per page. Either may fail without the other. */
function readRegisters() {
  registers ??= Promise.allSettled([getJSON("/api/layers/"), getJSON("/api/basemaps/")]).then(async ([layers, basemaps]) => {
    const answer = {
      layers: layers.value?.layers ?? [],
      groups: layers.value?.groups ?? [],
      basemaps: basemaps.value?.basemaps?.length ? basemaps.value.basemaps : [OWN],
      extent: basemaps.value?.extent ?? null,
      problems: layers.reason ? [layers.reason.message] : [],
    };
    answer.extent ??= await getJSON("/tiles/areas.json").then((one) => one.bounds, () => null);
    return answer;
  });
  return registers;
}

const readStore = (name) => {
  try {
    return JSON.parse(localStorage.getItem(`map.${name}`)) ?? {};
  } catch {
    return {};
  }
};

export async function createMap(element, options = {}) {
  const known = await readRegisters();
  return new CityMap(element, known, { tools: TOOLS, remember: "desk", ...options });
}

class CityMap {
  constructor(element, known, options) {
    // Layers that the page draws itself are left out of the tree.
    const hidden = new Set(options.hidden ?? []);
    Object.assign(this, { element, options, known: { ...known, layers: known.layers.filter((one) => !hidden.has(one.id)) } });
    known = this.known;
    this.dark = Boolean(options.dark);
    this.listeners = new Map();
    this.store = readStore(options.remember);
    this.drawn = new Map(); // layer id -> OpenLayers layer
    this.opacities = { ...this.store.opacities };
    this.at = "";
    this.notes = new Map();
    const shown = options.layers ?? this.store.layers ?? known.layers.filter((one) => one.visible).map((one) => one.id);
    this.shownIds = new Set([...shown, ...(options.always ?? [])].filter((id) => known.layers.some((one) => one.id === id)));
    const wanted = options.basemap ?? this.store.basemap;
    this.basemap = wanted === "none" ? NO_BASEMAP
      : known.basemaps.find((one) => one.id === wanted && !one.broken)
        ?? known.basemaps.find((one) => one.default && !one.broken) ?? known.basemaps.find((one) => !one.broken) ?? NO_BASEMAP;

    element.classList.add("map");
    element.classList.toggle("dark", this.dark);
    element.tabIndex = 0;
    element.setAttribute("role", "application");
    element.setAttribute("aria-label", element.getAttribute("aria-label") ?? gettext("Map"));
    this.ol = new OlMap({
      target: element,
      controls: defaultControls({ attribution: false, rotate: false, zoom: false }),
      interactions: defaultInteractions({ altShiftDragRotate: false, pinchRotate: false }),
      keyboardEventTarget: element,
      moveTolerance: 4,
    });
    this.pickable = new Map(); // mark name -> what a click on its feature does
    this.ol.updateSize();
    this.marks = new Map(); // name -> {features, style, zIndex}
    this.markLayers = new Map();
    this.#setView(this.#firstView());
    this.#drawBasemap();
    for (const id of this.#inOrder()) this.#add(id);
    this.highlighter = highlightLayer(this.ol);
    this.sketch = drawing(this.ol);
    this.#furnish();
    this.pointer = new Pointer(this, (name, detail) => this.#tell(name, detail));
    this.#followView();
    if (known.problems.length) {
      this.note("register", gettext("The map's layers could not be loaded."), { label: gettext("Try again"), act: () => location.reload() });
    }
  }

  // --- listening -------------------------------------------------------------------------------------------
  on(name, listener) {
    if (!this.listeners.has(name)) this.listeners.set(name, new Set());
    this.listeners.get(name).add(listener);
    return () => this.listeners.get(name).delete(listener);
  }

  #tell(name, detail) {
    for (const listener of this.listeners.get(name) ?? []) listener(detail);
  }

  // --- the view --------------------------------------------------------------------------------------------
  get projection() {
    return this.ol.getView().getProjection().getCode();
  }

  #firstView() {
    const { hash, center, metres, extent } = this.options;
    const fromHash = hash && location.hash.match(/[#&]map=([-\d.]+),([-\d.]+),([\d.]+)/);
    if (fromHash) return { center: [Number(fromHash[1]), Number(fromHash[2])], metres: Number(fromHash[3]) };
    if (center) return { center, metres: metres ?? 2 };
    return { extent: extent ?? this.known.extent ?? [73, 18, 135, 54] };
  }

  /** Metres per pixel on the ground along the parallel; null before the view is set. */
  get metres() {
    return this.ol.getView().isDef() ? metresPerPixel(this.ol.getView()) : null;
  }

  #resolution(metres, lat, projection) {
    const degrees = metres / degreeLengths(lat)[0];
    return projection === "EPSG:4326" ? degrees : degrees * 111319.49079327358;
  }

  #setView({ center, metres, extent }) {
    const { projection } = this.basemap;
    const unit = SETS[setFor(projection)].unit;
    const view = new View({
      projection,
      center: fromLonLat(center ?? [(extent[0] + extent[2]) / 2, (extent[1] + extent[3]) / 2], projection),
      minResolution: 0.075 / unit,
      maxResolution: 40000 / unit,
      constrainResolution: pictures(this.basemap),
      enableRotation: false,
      smoothExtentConstraint: false,
    });
    this.ol.setView(view);
    if (center) view.setResolution(this.#resolution(metres, center[1], projection));
    else view.fit(boxFrom(extent, projection), { size: this.ol.getSize() ?? [800, 600], padding: this.#edges() });
  }

  /** What stays free around the first view. Pictures come in steps of two: one step more would leave half of it bare. */
  #edges() {
    if (pictures(this.basemap)) return [4, 4, 4, 4];
    return this.options.tools?.length ? [24, 64, 36, 24] : [24, 24, 24, 24];
  }

  /** The visible box in degrees. */
  extent() {
    return boxTo(this.ol.getView().calculateExtent(this.ol.getSize()), this.projection);
  }

  center() {
    return toLonLat(this.ol.getView().getCenter(), this.projection);
  }

  /** Goes to a place; `metres` per pixel at most (it never zooms out). `quietly` keeps a place already in sight. */
  flyTo(lonlat, { metres = 0.8, quietly = false } = {}) {
    const view = this.ol.getView();
    const [w, s, e, n] = this.extent();
    const inside = lonlat[0] > w && lonlat[0] < e && lonlat[1] > s && lonlat[1] < n;
    if (quietly && inside) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    view.animate({
      center: fromLonLat(lonlat, this.projection),
      resolution: quietly ? view.getResolution() : Math.min(view.getResolution(), this.#resolution(metres, lonlat[1], this.projection)),
      duration: calm ? 0 : 350,
    });
  }

  /** Puts a place into the middle at once, without a flight: before the page goes to paper. */
  showNow(lonlat, metres) {
    const view = this.ol.getView();
    this.ol.updateSize();
    view.setCenter(fromLonLat(lonlat, this.projection));
    view.setResolution(this.#resolution(metres, lonlat[1], this.projection));
    this.ol.renderSync();
  }

  /** Zooms in, around the middle, until one pixel is no more than `metres`. */
  approach(metres) {
    const view = this.ol.getView();
    const wanted = metres / SETS[setFor(this.projection)].unit;
    if (view.getResolution() > wanted) view.animate({ resolution: wanted, duration: 300 });
  }

  /** Opens a bin: a quarter of the scale, around it. */
  zoomInto(lonlat) {
    const view = this.ol.getView();
    view.animate({ center: fromLonLat(lonlat, this.projection), resolution: view.getResolution() / 4, duration: 300 });
  }

  /** Brings a box into sight, no closer than `metres` per pixel; `still` without a flight. */
  fit(box, { padding = 40, top = 0, metres = 0.5, still = false } = {}) {
    const view = this.ol.getView();
    view.fit(boxFrom(box, this.projection), {
      // The tools at the right edge hide what lies under them.
      size: this.ol.getSize(), padding: [padding + top, padding + (this.options.tools?.length ? 32 : 0), padding, padding],
      minResolution: this.#resolution(metres, (box[1] + box[3]) / 2, this.projection),
      duration: still || matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 350,
    });
  }

  // --- base map --------------------------------------------------------------------------------------------
  #drawBasemap() {
    for (const layer of this.basemapLayers ?? []) this.ol.removeLayer(layer);
    const { basemap } = this;
    this.basemapLayers = basemapLayers(basemap, {
      dark: this.dark,
      registry: this.known.layers,
      report: (broken) => {
        if (!broken) return this.note("basemap", null);
        const own = this.known.basemaps.find((one) => one.type === "own" && one.id !== basemap.id);
        this.note("basemap", brokenWords(basemap), own ? { label: gettext("Use our own map"), act: () => this.setBasemap(own.id, { remember: false }) } : null);
      },
    });
    for (const layer of this.basemapLayers) {
      if (this.opacities.basemap) layer.setOpacity((basemap.opacity ?? 1) * this.opacities.basemap);
      this.ol.addLayer(layer);
    }
  }

  /** Changes the base map; a view of another projection keeps its middle and its metres per pixel. */
  setBasemap(id, { remember = true } = {}) {
    const next = id === "none" ? { ...NO_BASEMAP, projection: this.projection } : this.known.basemaps.find((one) => one.id === id);
    if (!next) return;
    this.note("basemap", null);
    const { metres } = this;
    const center = this.center();
    const changed = next.projection !== this.projection;
    const constrained = pictures(next) !== pictures(this.basemap);
    this.basemap = next;
    if (changed || constrained) this.#setView({ center, metres });
    this.#drawBasemap();
    if (changed) {
      for (const layer of this.drawn.values()) this.ol.removeLayer(layer);
      this.drawn.clear();
      for (const layerId of this.#inOrder()) this.#add(layerId);
      this.highlighter.clear();
      this.sketch.clear();
      for (const [name, mark] of this.marks) this.#drawMark(name, mark);
      this.#tell("projection", this.projection);
    }
    this.foot.credit(next);
    if (remember) this.#remember({ basemap: id });
  }

  // --- layers of the registry -------------------------------------------------------------------------------
  layer(id) {
    return this.known.layers.find((one) => one.id === id);
  }

  #inOrder() {
    const rank = { polygon: 0, line: 1, point: 2 };
    return [...this.shownIds].sort((a, b) => rank[this.layer(a).shape] - rank[this.layer(b).shape] || this.layer(b).order - this.layer(a).order);
  }

  #add(id) {
    const layer = this.layer(id);
    const base = { polygon: 20, line: 40, point: 60 }[layer.shape];
    const make = (one, zIndex) => {
      const drawn = vectorLayer(one, { projection: this.projection, dark: this.dark, at: this.at, zIndex, filter: this.filters?.[one.id] });
      drawn.setOpacity(this.opacities[id] ?? 1);
      this.drawn.set(one.id, drawn);
      this.ol.addLayer(drawn);
    };
    make(layer, base + Math.max(0, 10 - layer.order / 20));
    for (const labels of this.known.layers.filter((one) => one.labels === id)) make(labels, 80);
  }

  shown(id) {
    return this.shownIds.has(id);
  }

  toggle(id, on = !this.shown(id)) {
    if (!this.layer(id) || on === this.shown(id)) return;
    if (on) {
      this.shownIds.add(id);
      this.#add(id);
    } else {
      this.shownIds.delete(id);
      for (const one of [id, ...this.known.layers.filter((other) => other.labels === id).map((other) => other.id)]) {
        this.ol.removeLayer(this.drawn.get(one));
        this.drawn.delete(one);
      }
    }
    this.#remember({ layers: [...this.shownIds] });
    this.#tell("layers", [...this.shownIds]);
  }

  /** Shows only the features for which `keep(feature)` is true; null shows all. */
  filterLayer(id, keep) {
    this.filters = { ...this.filters, [id]: keep };
    this.drawn.get(id)?.setFilter(keep);
  }

  /** Asks for a layer's tiles again (after a live event); "*" for all that are shown. */
  refresh(id = "*") {
    for (const [name, layer] of this.drawn) if (id === "*" || name === id) layer.refresh(this.at);
  }

  setDate(at) {
    this.at = at;
    this.refresh();
    this.note("date", at ? gettext("Borders as of") + " " + at : null, at ? { label: gettext("Back to today"), act: () => this.setDate("") } : null);
    this.#tell("date", at);
  }

  // --- marks: things a page draws itself, kept in degrees so that they follow the projection ----------------
  /** Draws GeoJSON (degrees) under a name; null takes it away. */
  mark(name, geojson, style, { zIndex = 500 } = {}) {
    this.ol.removeLayer(this.markLayers.get(name));
    this.markLayers.delete(name);
    this.marks.delete(name);
    if (!geojson) return null;
    const mark = { geojson, style, zIndex };
    this.marks.set(name, mark);
    return this.#drawMark(name, mark);
  }

  #drawMark(name, { geojson, style, zIndex }) {
    this.ol.removeLayer(this.markLayers.get(name));
    const data = geojson.type ? geojson : { type: "FeatureCollection", features: geojson };
    const features = new GeoJSON().readFeatures(data, { dataProjection: "EPSG:4326", featureProjection: this.projection });
    const layer = new VectorLayer({ source: new VectorSource({ features }), style, zIndex, properties: { mark: name } });
    this.markLayers.set(name, layer);
    this.ol.addLayer(layer);
    return layer;
  }

  #point(name, lonlat, style, zIndex) {
    return this.mark(name, lonlat ? { type: "Point", coordinates: lonlat } : null, style, { zIndex });
  }

  /** A ring round the place of the row under the pointer. */
  ring(lonlat) {
    this.#point("ring", lonlat, ringStyle(false), 700);
  }

  /** The place of the row in hand. */
  choose(lonlat) {
    this.#point("chosen", lonlat, ringStyle(true), 710);
  }

  pin(lonlat) {
    this.#point("pin", lonlat, pinStyle, 720);
  }

  /** How exact a position is: a circle of `metres` on the ground, or null. */
  accuracy(lonlat, metres) {
    this.mark("accuracy", lonlat ? { type: "Polygon", coordinates: [circle(lonlat, metres)] } : null, accuracyStyle, { zIndex: 690 });
  }

  /** Outlines the feature of a shown layer whose key (code, number) this is; null outlines nothing. */
  highlight(layerId, key) {
    this.highlighter.show(layerId ? this.drawn.get(layerId) : null, key, this.layer(layerId)?.key);
  }

  /** A filter area [[lon, lat], …] from the address; null clears it. */
  showFilter(ring) {
    if (!ring) return this.sketch.clear();
    const shape = new Polygon([ring]).transform("EPSG:4326", this.projection);
    this.sketch.show(new Feature(shape));
  }

  /** Calls `act(feature)` when a feature of a mark is clicked; its features also show a tip and raise "hover". */
  onMark(name, act) {
    this.pickable.set(name, act);
  }

  // --- furniture ---------------------------------------------------------------------------------------------
  #furnish() {
    const pane = this.element.parentElement;
    this.pane = pane;
    this.foot = footer(this.ol, { coordinates: this.options.coordinates ?? true });
    this.notices = el("div.map-notices", { role: "status" });
    const crosshair = el("div.map-crosshair", { "aria-hidden": "true" }, icon("plus"));
    pane.append(this.notices, crosshair, this.foot.element);
    this.foot.credit(this.basemap);
    if (this.options.tools.length) {
      this.toolbar = new Toolbar(this, { tell: (name, detail) => this.#tell(name, detail) });
      pane.append(this.toolbar.element);
    }
  }

  fade(id, opacity) {
    this.opacities[id] = opacity;
    if (id === "basemap") for (const layer of this.basemapLayers) layer.setOpacity((this.basemap.opacity ?? 1) * opacity);
    for (const one of [id, ...this.known.layers.filter((other) => other.labels === id).map((other) => other.id)]) this.drawn.get(one)?.setOpacity(opacity);
    this.#remember({ opacities: this.opacities });
  }

  /** A line over the map that says what is not as it should be; null takes it away. */
  note(key, words, action) {
    this.notes.get(key)?.remove();
    this.notes.delete(key);
    if (!words) return;
    const box = el("div.map-notice", {}, icon("info"), el("span", {}, words),
      action ? el("button", { type: "button", onclick: action.act }, action.label) : null,
      el("button", { type: "button", onclick: () => this.note(key, null) }, gettext("Close")));
    this.notes.set(key, box);
    this.notices.append(box);
  }

  /** The device's position with its accuracy circle. @returns {Promise<{lonlat, accuracy, at}>} */
  locate() {
    return new Promise((resolve, reject) => {
      if (!navigator.geolocation) {
        this.note("locate", gettext("This browser gives no position (it needs HTTPS)."));
        return reject(new Error("no geolocation"));
      }
      navigator.geolocation.getCurrentPosition(({ coords, timestamp }) => {
        const lonlat = [coords.longitude, coords.latitude];
        this.pin(lonlat);
        this.accuracy(lonlat, coords.accuracy);
        this.flyTo(lonlat);
        this.note("locate", null);
        resolve({ lonlat, accuracy: coords.accuracy, at: timestamp });
      }, (error) => {
        this.note("locate", gettext("No position: allow it in the browser's settings, or choose the place on the map."));
        reject(error);
      }, { enableHighAccuracy: true, timeout: 15000, maximumAge: 0 });
    });
  }

  #remember(change) {
    if (!this.options.remember) return;
    this.store = { ...this.store, ...change };
    localStorage.setItem(`map.${this.options.remember}`, JSON.stringify(this.store));
  }

  #followView() {
    this.ol.on("moveend", () => {
      this.toolbar?.refresh();
      if (this.options.hash) {
        const [lon, lat] = this.center();
        const hash = `#map=${lon.toFixed(5)},${lat.toFixed(5)},${this.metres.toFixed(this.metres < 10 ? 2 : 0)}`;
        if (hash !== location.hash) history.replaceState(history.state, "", location.pathname + location.search + hash);
      }
      this.#tell("move", this.extent());
    });
    // A pane that opens at the right takes its space there: what is in sight stays where it is.
    this.ol.on("change:size", ({ oldValue }) => {
      const view = this.ol.getView();
      const size = this.ol.getSize();
      if (!oldValue?.[0] || !size?.[0] || !view.isDef() || view.getAnimating()) return;
      const [x, y] = view.getCenter();
      const half = view.getResolution() / 2;
      view.setCenter([x + (size[0] - oldValue[0]) * half, y - (size[1] - oldValue[1]) * half]);
    });
  }

  destroy() {
    this.sketch.clear();
    this.ol.setTarget(null);
    for (const part of [this.foot.element, this.notices, this.toolbar?.element]) part?.remove();
    this.toolbar?.close();
  }
}

