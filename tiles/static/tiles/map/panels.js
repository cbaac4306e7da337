// The panels that open beside the map's tools: layers with legend, base maps, the day.
import { el, icon } from "@geo/dom.js";
import { fill, gettext, locale } from "@geo/i18n.js";
import { drawnAt, firstScale } from "./vectors.js";
import { hasDeadline, TONES } from "./styles.js";

const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

const SHAPES = {
  circle: () => svg("circle", { cx: 10, cy: 8, r: 5.5 }),
  ring: () => svg("circle", { cx: 10, cy: 8, r: 4.5 }),
  triangle: () => svg("path", { d: "M10 2l6.5 11.5h-13z" }),
  diamond: () => svg("path", { d: "M10 1.5l6.5 6.5-6.5 6.5-6.5-6.5z" }),
  square: () => svg("path", { d: "M5 3h10v10H5z" }),
};

/** A layer's symbol as it is on the map. */
export function legendSymbol(shape, colour, { dash = false, width = 2, opacity = 0.12, mark = "circle" } = {}) {
  const picture = svg("svg", { viewBox: "0 0 20 16", class: "legend-symbol", "aria-hidden": "true" });
  let drawn;
  if (shape === "point") {
    drawn = SHAPES[mark]();
    drawn.setAttribute("fill", mark === "ring" ? "#fff" : colour);
    drawn.setAttribute("stroke", mark === "ring" ? colour : "#fff");
    drawn.setAttribute("stroke-width", mark === "ring" ? 2.6 : 1);
  } else {
    drawn = shape === "line" ? svg("path", { d: "M1 13C6 3 13 13 19 3", fill: "none" })
      : svg("path", { d: "M2 3.5 8 2l10 2.5-1.5 9.5L6 13z", fill: colour, "fill-opacity": opacity });
    drawn.setAttribute("stroke", colour);
    drawn.setAttribute("stroke-width", width);
    if (dash) drawn.setAttribute("stroke-dasharray", "3 2");
  }
  picture.append(drawn);
  return picture;
}

function classesOf(layer) {
  const style = layer.style ?? {};
  if (hasDeadline(layer)) {
    const words = { ontime: gettext("On time"), soon: gettext("Due soon"), overdue: gettext("Overdue"), waiting: gettext("Suspended"), closed: gettext("Ended") };
    return Object.entries(words).map(([tone, label]) => ({ label, colour: TONES[tone].colour, mark: TONES[tone].shape }));
  }
  return style.classes ?? [];
}

export function panel(title, body, onclose) {
  return el("section.map-panel", { "aria-label": title },
    el("header", {}, el("h2", {}, title),
      el("button.button.quiet.small.icon-only", { type: "button", "aria-label": gettext("Close"), onclick: onclose }, icon("close"))),
    el("div.body", {}, body));
}

/** A map's scale as people write it (1:10万), at 96 pixels per inch, in round numbers. */
function scaleWords(metresPerPixel) {
  const denominator = metresPerPixel / 0.0254 * 96;
  const step = 10 ** Math.floor(Math.log10(denominator));
  const round = Math.round(denominator / step) * step;
  return `1:${new Intl.NumberFormat(locale(), { notation: "compact" }).format(round)}`;
}

/**
 * Layer tree and legend in one. `state`: shown(id), opacity(id), toggle(id, on), fade(id, opacity), metres(),
 * approach(layer): zoom in to where the layer is drawn.
 */
export function layerPanel(layers, groups, state) {
  const rows = [];
  const branches = groups.map((group) => ({ ...group, layers: layers.filter((layer) => layer.group === group.id && !layer.labels) }))
    .filter((group) => group.layers.length);
  const body = branches.map((group) =>
    el("details.layer-group", { open: group.layers.some((layer) => state.shown(layer.id)) || branches.length < 3 },
      el("summary", {}, icon("down"), group.label),
      ...group.layers.map((layer) => {
        const style = layer.style ?? {};
        const box = el("input", { type: "checkbox", id: `layer-${layer.id}`, checked: state.shown(layer.id) });
        const hint = el("button.too-far", { type: "button", hidden: true, title: gettext("Zoom in until it is drawn"), onclick: () => state.approach(layer) },
          icon("search"), fill(gettext("zoom in to see: from %(scale)s"), { scale: scaleWords(firstScale(layer)) }));
        const classes = el("div.legend-classes", { hidden: !box.checked },
          classesOf(layer).map((one) => el("span.legend-class", {},
            legendSymbol(layer.shape, one.colour, { ...style, opacity: style.fill_opacity, mark: one.mark }), one.label)));
        const slider = el("input", { type: "range", min: 20, max: 100, step: 5, value: state.opacity(layer.id) * 100, "aria-label": `${layer.label}: ${gettext("opacity")}` });
        const more = el("div.layer-more", { hidden: true }, el("span", {}, gettext("Opacity")), slider);
        slider.addEventListener("input", () => state.fade(layer.id, slider.value / 100));
        box.addEventListener("change", () => { state.toggle(layer.id, box.checked); classes.hidden = !box.checked; refresh(); });
        rows.push({ layer, box, hint, classes });
        return el("div.layer-row", {}, box,
          legendSymbol(layer.shape, style.colour ?? "#2f7d6d", { ...style, opacity: style.fill_opacity }),
          el("label", { htmlFor: box.id }, layer.label),
          el("button.button.quiet.small.icon-only", { type: "button", "aria-label": `${layer.label}: ${gettext("opacity")}`, "aria-expanded": "false",
            onclick: ({ currentTarget }) => { more.hidden = !more.hidden; currentTarget.setAttribute("aria-expanded", String(!more.hidden)); } }, icon("more")),
          hint, classes, more);
      })));
  function refresh() {
    const metres = state.metres();
    for (const { layer, box, hint, classes } of rows) {
      box.checked = state.shown(layer.id);
      classes.hidden = !box.checked;
      hint.hidden = !box.checked || drawnAt(layer, metres);
    }
  }
  refresh();
  return { body, refresh };
}

export function basemapPanel(basemaps, current, pick, fade, opacity) {
  const words = { light: gettext("Light"), grey: gettext("Grey"), imagery: gettext("Imagery"), none: gettext("No base map") };
  const choices = [...basemaps, { id: "none", kind: "none", title: words.none }];
  const slider = el("input", { type: "range", min: 20, max: 100, step: 5, value: opacity * 100, id: "basemap-opacity" });
  slider.addEventListener("input", () => fade(slider.value / 100));
  return el("div.stack", {},
    el("div.basemap-choices", {}, choices.map((one) =>
      el("button.basemap-choice", { type: "button", "data-kind": one.kind, "aria-pressed": String(one.id === current), disabled: Boolean(one.broken), title: one.broken || words[one.kind] || one.title, onclick: () => pick(one.id) },
        el("i", {}, icon(one.kind === "none" ? "minus" : "map")), one.title))),
    el("div.field", {}, el("label", { htmlFor: "basemap-opacity" }, gettext("Opacity")), slider));
}

export function datePanel(current, pick) {
  const field = el("input.input", { type: "date", value: current, id: "map-date", max: new Date().toISOString().slice(0, 10) });
  field.addEventListener("change", () => pick(field.value));
  return el("div.stack", {},
    el("div.field", {}, el("label", { htmlFor: "map-date" }, gettext("Borders as of")), field,
      el("p.hint", {}, gettext("Grids and areas are drawn as they were on that day; cases and assets as they are now."))),
    el("button.button", { type: "button", onclick: () => { field.value = ""; pick(""); } }, gettext("Back to today")));
}
