// What is under the pointer or the crosshair: tips, hovering, choosing, by mouse and by key.
import Overlay from "ol/Overlay.js";
import { el } from "@geo/dom.js";
import { fromLonLat, toLonLat } from "./matrix.js";
import { featureId } from "./vectors.js";

export class Pointer {
  /** `map` is a CityMap; `tell(name, detail)` raises its events. */
  constructor(map, tell) {
    this.map = map;
    this.tell = tell;
    this.tipBox = el("div.map-tip", { hidden: true });
    this.tip = new Overlay({ element: this.tipBox, offset: [0, -14], positioning: "bottom-center", stopEvent: false });
    map.ol.addOverlay(this.tip);
    let frame = 0;
    let hovered = null;
    map.ol.on("pointermove", (event) => {
      if (event.dragging || map.sketch.busy || frame) return;
      frame = requestAnimationFrame(() => {
        frame = 0;
        const found = this.featureAt(event.pixel);
        const key = found ? `${found.layer.id} ${found.id}` : null;
        map.element.style.cursor = found && found.layer.shape !== "polygon" ? "pointer" : "";
        this.#showTip(found?.layer.shape === "point" ? found : null);
        if (key === hovered) return;
        hovered = key;
        this.tell("hover", found);
      });
    });
    map.element.addEventListener("pointerleave", () => { this.#showTip(null); hovered = null; this.tell("hover", null); });
    map.ol.on("singleclick", (event) => {
      if (map.sketch.busy) return;
      const found = this.featureAt(event.pixel);
      this.tell("click", { lonlat: toLonLat(event.coordinate, map.projection), found });
      if (found) this.#pick(found);
    });
    map.element.addEventListener("keydown", (event) => {
      if (event.target !== map.element) return;
      if (event.key === "Enter") {
        const size = map.ol.getSize();
        const found = this.featureAt([size[0] / 2, size[1] / 2]);
        this.tell("click", { lonlat: map.center(), found });
        if (found) this.#pick(found);
      } else if (event.key === "c" && !event.ctrlKey && !event.metaKey) map.foot.copy();
      else if (event.key === "Escape") map.sketch.clear();
    });
  }

  /** {layer | mark, id, properties, lonlat, feature} of the topmost feature of the registry or of a mark, or null. */
  featureAt(pixel) {
    let found = null;
    this.map.ol.forEachFeatureAtPixel(pixel, (feature, drawn) => {
      const mark = drawn.get("mark");
      const layer = mark ? null : this.map.layer(drawn.get("layer"));
      const polygon = layer?.shape === "polygon";
      if (layer?.labels || (polygon && found)) return false;
      const geometry = feature.getGeometry?.() ?? feature;
      const point = geometry.getType() === "Point" ? geometry.getFlatCoordinates().slice(0, 2) : this.map.ol.getCoordinateFromPixel(pixel);
      found = {
        layer: layer ?? { id: mark, shape: "point", label: "" }, mark, feature,
        id: featureId(feature) ?? feature.get("number"), properties: feature.getProperties(), lonlat: toLonLat(point, this.map.projection),
      };
      return !polygon;
    }, { hitTolerance: 5, layerFilter: (drawn) => Boolean(drawn?.get("layer")) || this.map.pickable.has(drawn?.get("mark")) });
    return found;
  }

  /** A bin opens by zooming in; a row is chosen. */
  #pick(found) {
    if (found.properties.n !== undefined) this.map.zoomInto(found.lonlat);
    else if (found.mark) this.map.pickable.get(found.mark)(found.feature);
    else this.tell("select", found);
  }

  #showTip(found) {
    this.tipBox.hidden = !found;
    if (!found) return this.tip.setPosition(undefined);
    const { properties, layer } = found;
    const count = properties.n;
    const title = count !== undefined ? String(count) : properties.name ?? properties[layer.label_field] ?? properties.number ?? properties[layer.key] ?? found.id;
    this.tipBox.replaceChildren(String(title ?? ""), layer.label ? el("small", {}, layer.label) : "");
    this.tip.setPosition(fromLonLat(found.lonlat, this.map.projection));
  }
}
