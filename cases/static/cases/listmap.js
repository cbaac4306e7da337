// The map beside a list: shows what the list shows, as points or, where they are many, as counts per cell.
import { createMap } from "@tiles/map.js";
import { layerStyle, SELECTED, rgba } from "@tiles/map/styles.js";
import { SETS, setFor } from "@tiles/map/matrix.js";
import { getJSON } from "@geo/http.js";
import { fill, gettext } from "@geo/i18n.js";
import { paced } from "@geo/pace.js";
import { Fill, Stroke, Style } from "ol/style.js";

/** The drawn area of a dispatch rule. */
export const ruleStyle = new Style({
  stroke: new Stroke({ color: SELECTED, width: 2, lineDash: [10, 6] }),
  fill: new Fill({ color: rgba(SELECTED, 0.08) }),
});

export class ListMap {
  /** `filters()` gives the list's URLSearchParams. */
  constructor(element, { filters, onPick, onHover, onArea, onMove }) {
    Object.assign(this, { element, filters, onPick, onHover, onArea, onMove });
    this.wanted = null;
    this.pending = [];
    /** Something changed: show it soon. */
    this.soon = paced(() => this.reload(), 1500);
  }

  async start({ at, home, within }) {
    this.map = await createMap(this.element, {
      // The list's own points stand in for the registry's layer of open cases.
      hidden: ["cases"],
      remember: "console",
      extent: home ? home.split(",").map(Number) : undefined,
      hash: true,
      tools: ["layers", "basemaps", "date", "measure", "filter", "fullscreen", "print"],
    });
    const { map } = this;
    map.on("move", (box) => {
      this.reload();
      if (this.moved) this.onMove(box);
      this.moved = true;
    });
    map.on("filter", (ring) => this.onArea(ring));
    map.on("projection", () => this.reload());
    map.on("hover", (found) => this.#hover(found));
    map.on("select", ({ properties, layer }) => {
      if (this.picking) return;
      const number = properties.number ?? (layer.id.includes("cases") ? properties.id : null);
      if (number) this.onPick(number);
      else if (layer.row_url && properties[layer.key]) location.href = layer.row_url.replace(`{${layer.key}}`, encodeURIComponent(properties[layer.key]));
    });
    map.onMark("list", (feature) => { if (!this.picking) this.onPick(feature.get("number")); });
    if (within) this.showArea(within.split(";").map((pair) => pair.split(",").map(Number)));
    const place = at?.split(",").map(Number);
    if (place?.length === 2 && place.every(Number.isFinite)) {
      map.pin(place);
      map.flyTo(place);
    }
    for (const act of this.pending) act();
    this.pending = [];
    await this.reload();
  }

  #when(act) {
    if (this.map) act();
    else this.pending.push(act);
  }

  extent() {
    return this.map.extent();
  }

  /** Fetches the list's points for the box in sight; an older answer never overwrites a newer one. */
  async reload() {
    if (!this.map) return;
    this.controller?.abort();
    const controller = (this.controller = new AbortController());
    const box = this.map.extent();
    const params = this.filters();
    const view = document.querySelector("#list-scroll")?.dataset.view;
    if (view) params.set("view", view);
    params.delete("bbox");
    // A margin, so that a small move shows no empty edge.
    const [dx, dy] = [(box[2] - box[0]) * 0.15, (box[3] - box[1]) * 0.15];
    const wide = [Math.max(-180, box[0] - dx), Math.max(-90, box[1] - dy), Math.min(180, box[2] + dx), Math.min(90, box[3] + dy)];
    params.set("box", wide.map((value) => value.toFixed(5)).join(","));
    params.set("cell", Math.max(0.0001, ((box[2] - box[0]) / this.map.ol.getSize()[0]) * 64).toFixed(5));
    try {
      const points = await getJSON(`/console/points/?${params}`, { signal: controller.signal });
      const unit = SETS[setFor(this.map.projection)].unit;
      this.map.mark("list", points, layerStyle({ id: "cases", shape: "point", style: { by: "due_at" }, label_field: "" }, { unit }), { zIndex: points.binned ? 85 : 75 });
      this.#tell(points.newest, params.get("view") + this.filters());
    } catch (error) {
      if (error.name !== "AbortError") this.map.note("points", `${gettext("The cases on the map could not be loaded.")} ${error.message}`, { label: gettext("Try again"), act: () => this.reload() });
    }
  }

  /** Says that older ones are not drawn, once for a list: whoever closed it does not see it at every move. */
  #tell(newest, list) {
    if (newest && this.told === list) return;
    this.told = newest ? list : null;
    this.map.note("points", newest ? fill(gettext("The map shows the newest %(n)s of these cases. Move closer or filter the list to see the others."), { n: newest.toLocaleString() }) : null);
  }

  /** The next click on the map (or Enter on it) as [lon, lat]; null when Escape gives it up. */
  pickPlace() {
    return new Promise((resolve) => {
      this.picking = true;
      this.element.classList.add("picking");
      const done = (place) => {
        stop();
        document.removeEventListener("keydown", escape, true);
        this.element.classList.remove("picking");
        // The click that picked is not also a click on what lies there.
        setTimeout(() => { this.picking = false; });
        resolve(place);
      };
      const escape = (event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        done(null);
      };
      const stop = this.map.on("click", ({ lonlat }) => { this.map.pin(lonlat); done(lonlat); });
      document.addEventListener("keydown", escape, true);
      this.element.focus();
    });
  }

  #hover(found) {
    this.onHover(found?.mark === "list" ? found.properties.number : null);
  }

  ring(place) { this.#when(() => this.map.ring(place)); }

  choose(place, { quietly = false } = {}) {
    this.#when(() => {
      this.map.choose(place);
      if (place && quietly) this.map.flyTo(place, { quietly: true });
    });
  }

  flyTo(place) { this.#when(() => this.map.flyTo(place)); }

  forPaper(place) { this.#when(() => this.map.showNow(place, 1)); }

  showArea(ring) { this.#when(() => this.map.showFilter(ring)); }

  /** Shows the drawn area of a rule; a second call takes it away. @returns {boolean} whether it is shown */
  rule(polygon) {
    const shown = Boolean(polygon) && !this.ruleShown;
    this.ruleShown = shown;
    this.#when(() => {
      this.map.mark("rule", shown ? polygon : null, ruleStyle, { zIndex: 50 });
    });
    return shown;
  }
}

