// Marks of the phone's map: tasks by deadline (colour and shape), and where I stand.
import { Circle, Fill, RegularShape, Stroke, Style } from "ol/style.js";

const white = new Stroke({ color: "#fff", width: 2 });
const shape = (points, colour, angle = 0) => new Style({ image: new RegularShape({ points, radius: 11, angle, fill: new Fill({ color: colour }), stroke: white }) });
const round = (colour, radius = 9) => new Style({ image: new Circle({ radius, fill: new Fill({ color: colour }), stroke: white }) });

const byTone = {
  ontime: round("#2f7d6d"),
  soon: shape(4, "#c98a1b"),
  overdue: shape(3, "#b5402f"),
};

export const taskStyle = (feature) => byTone[feature.get("tone")] || byTone.ontime;
export const meStyle = round("#1f5fbf", 8);
