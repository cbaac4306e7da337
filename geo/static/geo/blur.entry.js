// Rectangles drawn over a photo by hand; the server makes what they cover unreadable. Their corners are shares
// of the picture (0 to 1) in the form's hidden field.
import { gettext } from "./i18n.js";

const SVG = "http://www.w3.org/2000/svg";
const UNITS = 1000;
const LEAST = 10;
const frame = document.querySelector("[data-blur]");
const field = document.querySelector("#id_rectangles");
const boxes = [];
const sheet = document.createElementNS(SVG, "svg");

const bound = (value, low, high) => Math.min(Math.max(value, low), high);

function save() {
  field.value = JSON.stringify(boxes.map((box) => [box.x, box.y, box.width, box.height].map((n) => +(n / UNITS).toFixed(4))));
}

function draw(box) {
  for (const name of ["x", "y", "width", "height"]) box.shape.setAttribute(name, box[name]);
  save();
}

function remove(box) {
  boxes.splice(boxes.indexOf(box), 1);
  box.shape.remove();
  number();
  save();
}

function number() {
  boxes.forEach((box, index) => box.shape.setAttribute("aria-label", `${gettext("Rectangle")} ${index + 1}`));
}

function add(x, y, width, height) {
  const box = { x, y, width, height, shape: document.createElementNS(SVG, "rect") };
  box.shape.setAttribute("tabindex", "0");
  box.shape.setAttribute("role", "img");
  box.shape.addEventListener("keydown", (event) => {
    const step = event.ctrlKey ? 2 : 15;
    const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key] ?? [];
    if (event.key === "Delete" || event.key === "Backspace") remove(box);
    else if (dx === undefined) return;
    else if (event.shiftKey) {
      box.width = bound(box.width + dx, LEAST, UNITS - box.x);
      box.height = bound(box.height + dy, LEAST, UNITS - box.y);
      draw(box);
    } else {
      box.x = bound(box.x + dx, 0, UNITS - box.width);
      box.y = bound(box.y + dy, 0, UNITS - box.height);
      draw(box);
    }
    event.preventDefault();
  });
  boxes.push(box);
  sheet.append(box.shape);
  number();
  draw(box);
  return box;
}

function place(event) {
  const area = sheet.getBoundingClientRect();
  return [
    bound(((event.clientX - area.left) / area.width) * UNITS, 0, UNITS),
    bound(((event.clientY - area.top) / area.height) * UNITS, 0, UNITS),
  ];
}

if (frame && field) {
  sheet.setAttribute("viewBox", `0 0 ${UNITS} ${UNITS}`);
  sheet.setAttribute("preserveAspectRatio", "none");
  frame.append(sheet);
  let drawing = null;
  sheet.addEventListener("pointerdown", (event) => {
    if (event.button || event.target !== sheet) return;
    const [x, y] = place(event);
    drawing = { from: [x, y], box: add(x, y, 0, 0) };
    sheet.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  sheet.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    const [x, y] = place(event);
    const { from, box } = drawing;
    Object.assign(box, { x: Math.min(x, from[0]), y: Math.min(y, from[1]), width: Math.abs(x - from[0]), height: Math.abs(y - from[1]) });
    draw(box);
  });
  const finish = () => {
    if (!drawing) return;
    const { box } = drawing;
    drawing = null;
    if (box.width < LEAST || box.height < LEAST) remove(box); // a click, not a rectangle
    else box.shape.focus();
  };
  sheet.addEventListener("pointerup", finish);
  sheet.addEventListener("pointercancel", finish);
  document.querySelector("[data-blur-add]").addEventListener("click", () => add(400, 400, 200, 200).shape.focus());
}
