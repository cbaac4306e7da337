// A handle that slides over the map: left of it some layers are drawn, right of it others.
import { getRenderPixel } from "ol/render.js";

const STEP = 5;

/** @param {{left: Layer[], right: Layer[]}} layers OpenLayers layers that are clipped */
export function swipe(map, line, handle, { left, right }) {
  let share = 0.5;
  const clip = (layer, side) => {
    layer.on("prerender", (event) => {
      const [width, height] = map.ol.getSize();
      const at = width * share;
      const [from, to] = side === "left" ? [0, at] : [at, width];
      const pen = event.context;
      const corners = [[from, 0], [to, 0], [to, height], [from, height]].map((pixel) => getRenderPixel(event, pixel));
      pen.save();
      pen.beginPath();
      corners.forEach(([x, y], index) => (index ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.closePath();
      pen.clip();
    });
    layer.on("postrender", ({ context }) => context.restore());
  };
  for (const layer of left) clip(layer, "left");
  for (const layer of right) clip(layer, "right");

  function set(next) {
    share = Math.min(0.98, Math.max(0.02, next));
    line.style.left = `${share * 100}%`;
    handle.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    map.ol.render();
  }
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
    handle.focus();
  });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = map.element.getBoundingClientRect();
    set((event.clientX - box.left) / box.width);
  });
  handle.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -STEP, ArrowRight: STEP, Home: -100, End: 100 }[event.key];
    if (!by) return;
    event.preventDefault();
    set(share + by / 100);
  });
  set(0.5);
  return { set };
}
