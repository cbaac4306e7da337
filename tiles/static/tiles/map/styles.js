// How a layer of the registry is drawn. Each class has a colour and, for deadlines, a shape of its own.
import { locale } from "@geo/i18n.js";
import { Circle, Fill, Icon, RegularShape, Stroke, Style, Text } from "ol/style.js";

export const FONT = '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei", sans-serif';
export const SELECTED = "#1f5fbf";

/** Colours of deadlines and states; the shapes keep them apart without colour. */
export const TONES = {
  ontime: { colour: "#2f7d6d", shape: "circle" },
  soon: { colour: "#c98a1b", shape: "diamond" },
  overdue: { colour: "#b5402f", shape: "triangle" },
  waiting: { colour: "#7a7f87", shape: "square" },
  closed: { colour: "#5b7fa6", shape: "ring" },
};

const BORDERS = { province: 3, city: 3, district: 2.5, street: 2, community: 1.5 };

export const rgba = (hex, alpha) => {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${r},${g},${b},${alpha})`;
};

const cache = new Map();
const kept = (key, make) => {
  let style = cache.get(key);
  if (!style) cache.set(key, (style = make()));
  return style;
};

export function symbol(shape, colour, radius = 6) {
  const fill = new Fill({ color: shape === "ring" ? "#ffffff" : colour });
  const stroke = shape === "ring" ? new Stroke({ color: colour, width: 2.6 }) : new Stroke({ color: "#ffffff", width: 1.4 });
  if (shape === "triangle") return new RegularShape({ points: 3, radius: radius + 2, fill, stroke });
  if (shape === "square") return new RegularShape({ points: 4, radius: radius + 1, angle: Math.PI / 4, fill, stroke });
  if (shape === "diamond") return new RegularShape({ points: 4, radius: radius + 1.5, fill, stroke });
  return new Circle({ radius: shape === "ring" ? radius - 1 : radius, fill, stroke });
}

/** Whether a layer's symbols tell deadlines: then shape and colour come from the time left, not from its classes. */
export const hasDeadline = (layer) => layer.style?.by === "due_at" || (layer.fields ?? []).some((field) => field.name === "due_at");

/** Which tone a case has now: time passes on the client, so no tile changes for it. */
export function caseTone(properties, now = Date.now()) {
  const { state } = properties;
  if (["closed", "rejected", "void"].includes(state)) return "closed";
  if (state === "suspended") return "waiting";
  if (!properties.due_at) return "ontime";
  const left = new Date(typeof properties.due_at === "number" ? properties.due_at * 1000 : properties.due_at) - now;
  return left < 0 ? "overdue" : left < 4 * 3600e3 ? "soon" : "ontime";
}

const text = (words, { size = 12, weight = "", offset = 0, colour = "#22343a", overflow = false, dark = false } = {}) =>
  new Text({
    text: words,
    font: `${weight} ${size}px ${FONT}`,
    offsetY: offset,
    overflow,
    fill: new Fill({ color: colour }),
    stroke: new Stroke({ color: dark ? "rgba(15,26,36,0.9)" : "rgba(253,254,254,0.92)", width: 3 }),
  });

let compact = null;
/** Counts as the language writes them short: 1.2万, 12K. */
const short = (count) => (compact ??= new Intl.NumberFormat(locale(), { notation: "compact", maximumFractionDigits: 1 })).format(count);

/** A number in a pale disc with a rim in the layer's colour: dark on light reads on every colour there is. */
function binStyle(count, colour) {
  const radius = Math.round(Math.min(24, 9 + 3 * Math.log10(count + 1) ** 1.5));
  const words = count >= 10000 ? short(count) : String(count);
  return kept(`bin ${colour} ${words}`, () =>
    new Style({
      image: new Circle({ radius, fill: new Fill({ color: "rgba(253,254,254,0.94)" }), stroke: new Stroke({ color: colour, width: 3 }), declutterMode: "none" }),
      text: new Text({ text: words, font: `600 ${radius > 15 ? 12 : 11}px ${FONT}`, fill: new Fill({ color: "#1b2a2e" }), declutterMode: "none" }),
      zIndex: count,
    }));
}

/**
 * A style function for a layer of the registry. `unit` is metres per unit of the view's projection, `dark` the
 * wall's map. Classes come from `style.by`; "due_at" means the deadline's tone.
 */
export function layerStyle(layer, { unit, dark = false }) {
  const style = layer.style ?? {};
  const classes = new Map((style.classes ?? []).map((one) => [String(one.value), one]));
  const classOf = (feature) => (style.by ? classes.get(String(feature.get(style.by))) : null);
  const byDeadline = hasDeadline(layer);
  const colourOf = (feature) => classOf(feature)?.colour || style.colour || "#2f7d6d";
  const ink = dark ? "#d7e5ea" : "#22343a";
  const named = layer.label_field || "name";

  if (layer.labels) {
    const size = style.size || 13;
    return (feature) => {
      const words = feature.get(named);
      return words
        ? kept(`name ${layer.id} ${dark} ${words} ${feature.get("level")}`, () => {
          const large = ["city", "district"].includes(feature.get("level"));
          return new Style({ text: text(String(words), { size: size + (large ? 1 : 0), weight: large ? "600" : "", overflow: true, colour: ink, dark }) });
        })
        : null;
    };
  }
  if (layer.shape === "point") {
    return (feature, resolution) => {
      const count = feature.get("n") ?? feature.get("count");
      if (count !== undefined) return binStyle(Number(count), colourOf(feature));
      const metres = resolution * unit;
      const tone = byDeadline ? TONES[caseTone(feature.getProperties())] : null;
      const colour = tone ? tone.colour : colourOf(feature);
      const shape = tone ? tone.shape : style.shape ?? "circle";
      const radius = metres > 5 ? 4 : metres > 1.5 ? 5.5 : 7;
      const point = kept(`point ${colour} ${shape} ${radius}`, () =>
        new Style({ image: symbol(shape, colour, radius) }));
      const words = metres < 0.8 && feature.get(named);
      if (!words || byDeadline) return point;
      return [point, kept(`label ${layer.id} ${words}`, () => new Style({ text: text(String(words), { offset: 15, colour: ink, dark }) }))];
    };
  }
  return (feature) => {
    const count = feature.get("n");
    if (count !== undefined) return binStyle(Number(count), colourOf(feature));
    const colour = feature.get("colour") || colourOf(feature);
    const width = classOf(feature)?.width ?? BORDERS[feature.get("level")] ?? style.width ?? 1.5;
    const dash = style.dash || feature.get("draft");
    const filled = layer.shape === "polygon" && (style.fill_opacity ?? 0.12) > 0;
    return kept(`shape ${colour} ${width} ${dash} ${filled && style.fill_opacity}`, () =>
      new Style({
        stroke: new Stroke({ color: colour, width, lineDash: dash ? [6, 4] : undefined }),
        fill: filled ? new Fill({ color: rgba(colour, style.fill_opacity ?? 0.12) }) : undefined,
      }));
  };
}

/** What is pointed at or chosen. */
export const ringStyle = (strong) => [
  new Style({ image: new Circle({ radius: 15, stroke: new Stroke({ color: "rgba(255,255,255,0.95)", width: strong ? 6 : 5 }) }), zIndex: 1 }),
  new Style({ image: new Circle({ radius: 15, fill: new Fill({ color: rgba(SELECTED, 0.1) }), stroke: new Stroke({ color: SELECTED, width: strong ? 3 : 2 }) }), zIndex: 2 }),
];

export const shapeHighlight = [
  new Style({ stroke: new Stroke({ color: "rgba(255,255,255,0.9)", width: 6 }) }),
  new Style({ stroke: new Stroke({ color: SELECTED, width: 3 }), fill: new Fill({ color: rgba(SELECTED, 0.1) }), image: new Circle({ radius: 12, stroke: new Stroke({ color: SELECTED, width: 3 }) }) }),
];

export const drawStyle = [
  new Style({ stroke: new Stroke({ color: "rgba(255,255,255,0.9)", width: 5 }) }),
  new Style({
    stroke: new Stroke({ color: SELECTED, width: 2.5, lineDash: [8, 5] }),
    fill: new Fill({ color: rgba(SELECTED, 0.08) }),
    image: new Circle({ radius: 5, fill: new Fill({ color: "#fff" }), stroke: new Stroke({ color: SELECTED, width: 2 }) }),
  }),
];

export const accuracyStyle = new Style({ stroke: new Stroke({ color: SELECTED, width: 1.5 }), fill: new Fill({ color: rgba(SELECTED, 0.12) }) });

export const pinStyle = new Style({ image: new Icon({ src: "/static/tiles/pin.svg", anchor: [0.5, 1], width: 30, height: 38 }), zIndex: 10 });
