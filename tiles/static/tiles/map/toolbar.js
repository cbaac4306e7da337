// The buttons at the map's right edge, and the panel that one of them opens.
import { el, icon } from "@geo/dom.js";
import { gettext } from "@geo/i18n.js";
import { SETS, setFor } from "./matrix.js";
import { basemapPanel, datePanel, layerPanel, panel } from "./panels.js";
import { fullScreen, printMap } from "./tools.js";
import { firstScale } from "./vectors.js";

export class Toolbar {
  /** `map` is a CityMap; `tell(name, detail)` raises its events. */
  constructor(map, { tell }) {
    this.map = map;
    this.tell = tell;
    this.tools = map.options.tools;
    const { tools } = this;
    const has = (id) => tools.includes(id);
    const group = (...buttons) => (buttons.some(Boolean) ? el("div.tool-group", {}, ...buttons) : null);
    const panelTool = (id, shape, label) => has(id) && this.#button(shape, label, (button) => this.#open(button, id), { "aria-expanded": "false" });
    const sketchTool = (id, shape, label, start) => has(id) && this.#button(shape, label, (button) => this.#sketch(button, id, start), { "aria-pressed": "false", "data-sketch": id });
    const zoom = (delta) => map.ol.getView().animate({ zoom: map.ol.getView().getZoom() + delta, duration: 180 });
    const released = (button) => () => button.setAttribute("aria-pressed", "false");
    this.element = el("div.map-tools", { role: "toolbar", "aria-label": gettext("Map tools") },
      group(
        this.#button("plus", gettext("Zoom in"), () => zoom(1)),
        this.#button("minus", gettext("Zoom out"), () => zoom(-1)),
        has("locate") && this.#button("locate", gettext("My position"), () => map.locate().catch(() => {})),
        map.known.extent && this.#button("home-view", gettext("Whole city"), () => map.fit(map.known.extent, { padding: 4 }))),
      group(
        panelTool("layers", "layers", gettext("Layers and legend")),
        panelTool("basemaps", "basemap", gettext("Base map")),
        panelTool("date", "calendar", gettext("Borders as of a day"))),
      group(
        sketchTool("measure", "ruler", gettext("Measure a distance"), (button) => map.sketch.start("LineString", { done: released(button) })),
        sketchTool("measure", "area", gettext("Measure an area"), (button) => map.sketch.start("Polygon", { done: released(button) })),
        sketchTool("filter", "filter", gettext("Draw a filter area"), (button) => map.sketch.start("Polygon", {
          size: false,
          done: (ring) => { button.setAttribute("aria-pressed", "false"); tell("filter", ring); },
        }))),
      group(
        has("fullscreen") && this.#button("fullscreen", gettext("Full screen"), () => fullScreen(map.pane)),
        has("print") && this.#button("print", gettext("Print the map"), () => printMap(map.pane))));
  }

  #button(shape, label, act, attributes = {}) {
    return el("button.tool", { type: "button", title: label, "aria-label": label, ...attributes, onclick: ({ currentTarget }) => act(currentTarget) }, icon(shape));
  }

  /** A second press ends the drawing; what was drawn goes too, and a filter with it. */
  #sketch(button, id, start) {
    const pressed = button.getAttribute("aria-pressed") === "true";
    for (const other of this.element.querySelectorAll("[data-sketch]")) other.setAttribute("aria-pressed", "false");
    this.map.sketch.clear();
    if (id === "filter") this.tell("filter", null);
    if (pressed) return;
    button.setAttribute("aria-pressed", "true");
    start(button);
  }

  refresh() {
    this.refreshPanel?.();
  }

  close() {
    this.panel?.remove();
    this.panel = this.refreshPanel = null;
    for (const button of this.element.querySelectorAll("[aria-expanded]")) button.setAttribute("aria-expanded", "false");
  }

  #open(button, which) {
    const { map } = this;
    const open = this.panel?.dataset.which === which;
    this.close();
    if (open) return;
    let body;
    if (which === "layers") {
      const tree = layerPanel(map.known.layers, map.known.groups, {
        shown: (id) => map.shown(id),
        opacity: (id) => map.opacities[id] ?? 1,
        toggle: (id, on) => map.toggle(id, on),
        fade: (id, opacity) => map.fade(id, opacity),
        approach: (layer) => map.approach(firstScale(layer) * 0.9),
        metres: () => (map.ol.getView().getResolution() ?? 1) * SETS[setFor(map.projection)].unit,
      });
      body = tree.body;
      this.refreshPanel = tree.refresh;
    } else if (which === "basemaps") {
      body = basemapPanel(map.known.basemaps, map.basemap.id, (id) => {
        map.setBasemap(id);
        this.close();
        this.#open(button, "basemaps");
      }, (opacity) => map.fade("basemap", opacity), map.opacities.basemap ?? 1);
    } else body = datePanel(map.at, (at) => map.setDate(at));
    this.panel = panel(button.getAttribute("aria-label"), body, () => { this.close(); button.focus(); });
    this.panel.dataset.which = which;
    const escape = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      event.preventDefault();
      this.close();
      button.focus();
    };
    this.panel.addEventListener("keydown", escape);
    button.onkeydown = (event) => { if (this.panel) escape(event); };
    button.setAttribute("aria-expanded", "true");
    map.pane.append(this.panel);
    this.panel.querySelector(".body :is(summary, input, button)")?.focus();
  }
}
