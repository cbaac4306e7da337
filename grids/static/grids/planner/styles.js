// How a draft looks: tinted grids, thin blocks, the ghost of today's borders, a hatch over what moves.
import { Circle, Fill, RegularShape, Stroke, Style, Text } from "ol/style.js";
import { FONT, SELECTED, rgba } from "@tiles/map/styles.js";
import { gettext } from "@geo/i18n.js";

const kept = new Map();
const once = (key, make) => {
  if (!kept.has(key)) kept.set(key, make());
  return kept.get(key);
};

/** Slanted lines as a fill; `ratio` is the screen's pixel ratio. */
export function hatch(colour, { gap = 8, width = 1.6 } = {}) {
  return once(`hatch ${colour} ${gap}`, () => {
    const ratio = window.devicePixelRatio || 1;
    const side = Math.round(gap * ratio);
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = side;
    const pen = canvas.getContext("2d");
    pen.strokeStyle = colour;
    pen.lineWidth = width * ratio;
    for (const shift of [-side, 0, side]) {
      pen.beginPath();
      pen.moveTo(shift - 1, side + 1);
      pen.lineTo(shift + side + 1, -1);
      pen.stroke();
    }
    return pen.createPattern(canvas, "repeat");
  });
}

export const gridStyle = (colour, { chosen = false, locked = false } = {}) =>
  once(`grid ${colour} ${chosen} ${locked}`, () => new Style({
    fill: new Fill({ color: rgba(colour, chosen ? 0.34 : locked ? 0.08 : 0.17) }), zIndex: chosen ? 2 : 1,
  }));

/** Borders are drawn twice, so that they stand out on any ground. */
export const borderStyle = (colour, { chosen = false, locked = false } = {}) =>
  once(`border ${colour} ${chosen} ${locked}`, () => [
    new Style({ stroke: new Stroke({ color: "rgba(255,255,255,0.85)", width: chosen ? 6 : 4 }), zIndex: chosen ? 4 : 1 }),
    new Style({ stroke: new Stroke({ color: chosen ? SELECTED : "#2b4148", width: chosen ? 3 : 1.8, lineDash: locked ? [2, 4] : undefined }), zIndex: chosen ? 5 : 2 }),
  ]);

export const blockStyle = new Style({ stroke: new Stroke({ color: "rgba(43,65,72,0.32)", width: 0.7 }), fill: new Fill({ color: "rgba(0,0,0,0)" }) });
export const movedStyle = () => once("moved", () => new Style({ fill: new Fill({ color: hatch("rgba(27,42,46,0.5)") }) }));
export const ghostStyle = [
  new Style({ stroke: new Stroke({ color: "rgba(255,255,255,0.75)", width: 3.4 }) }),
  new Style({ stroke: new Stroke({ color: "#8a3fa0", width: 1.7, lineDash: [7, 5] }) }),
];
export const pickedStyle = [
  new Style({ stroke: new Stroke({ color: "rgba(255,255,255,0.95)", width: 4 }) }),
  new Style({ stroke: new Stroke({ color: SELECTED, width: 2 }), fill: new Fill({ color: rgba(SELECTED, 0.34) }) }),
];
export const cursorStyle = [
  new Style({ stroke: new Stroke({ color: "rgba(255,255,255,0.95)", width: 5 }), zIndex: 1 }),
  new Style({ stroke: new Stroke({ color: "#c25a00", width: 2.6 }), fill: new Fill({ color: "rgba(194,90,0,0.12)" }), zIndex: 2 }),
];
const marked = (colour) => [
  new Style({ stroke: new Stroke({ color: "rgba(255,255,255,0.9)", width: 6 }), zIndex: 1 }),
  new Style({
    stroke: new Stroke({ color: colour, width: 3 }), fill: new Fill({ color: rgba(colour, 0.28) }),
    image: new RegularShape({ points: 3, radius: 11, fill: new Fill({ color: colour }), stroke: new Stroke({ color: "#fff", width: 1.5 }) }), zIndex: 2,
  }),
];
export const faultStyle = marked("#b5402f");
export const repairStyle = marked("#c98a1b");
export const sketchStyle = [
  new Style({ stroke: new Stroke({ color: "rgba(255,255,255,0.95)", width: 5.5 }), zIndex: 1 }),
  new Style({
    stroke: new Stroke({ color: "#c25a00", width: 2.8, lineDash: [9, 5] }), fill: new Fill({ color: "rgba(194,90,0,0.12)" }),
    image: new Circle({ radius: 5, fill: new Fill({ color: "#fff" }), stroke: new Stroke({ color: "#c25a00", width: 2 }) }), zIndex: 2,
  }),
];
export const handleStyle = (feature) => {
  const { fixed, hot } = feature.getProperties();
  return once(`handle ${fixed} ${hot}`, () => new Style({
    image: fixed
      ? new RegularShape({ points: 4, radius: 5, angle: Math.PI / 4, fill: new Fill({ color: "#d7dfe0" }), stroke: new Stroke({ color: "#5d6d72", width: 1.2 }) })
      : new Circle({ radius: hot ? 9 : 6, fill: new Fill({ color: hot ? "#c25a00" : "#ffffff" }), stroke: new Stroke({ color: hot ? "#fff" : "#c25a00", width: 2.2 }) }),
    zIndex: hot ? 3 : fixed ? 1 : 2,
  }));
};

export const proposalStyle = (colour, words) => once(`proposal ${colour} ${words}`, () => [
  new Style({ fill: new Fill({ color: rgba(colour, 0.45) }), stroke: new Stroke({ color: "rgba(255,255,255,0.9)", width: 5 }) }),
  new Style({ stroke: new Stroke({ color: "#c25a00", width: 2.4 }), text: label(words, { font: `600 13px ${FONT}` }) }),
]);

const label = (text, given) => new Text({
  text, overflow: true, textAlign: "center", fill: new Fill({ color: "#16262a" }), stroke: new Stroke({ color: "rgba(253,254,254,0.95)", width: 3.5 }), ...given,
});

const SIGNS = { under: "▽", over: "△", within: "" };

export function labelStyle({ name, code, load, status, locked, chosen }) {
  const words = [name, `600 13px ${FONT}`];
  const second = [code, SIGNS[status], load, locked ? gettext("Locked") : ""].filter(Boolean).join(" ");
  if (second) words.push("\n", "", second, `12px ${FONT}`);
  return new Style({
    text: label(words, chosen ? { fill: new Fill({ color: "#184f9f" }) } : {}),
    zIndex: chosen ? 10 : 1,
  });
}

export const pinStyle = ({ resolved, hot, text }) => new Style({
  image: new Circle({ radius: hot ? 13 : 10.5, fill: new Fill({ color: resolved ? "#5b7fa6" : "#c25a00" }), stroke: new Stroke({ color: "#fff", width: 2 }) }),
  text: new Text({ text, font: `600 12px ${FONT}`, fill: new Fill({ color: "#fff" }) }),
  zIndex: hot ? 5 : 1,
});
