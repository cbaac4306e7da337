// What is near: the position goes into the body of one request; the list that comes back is drawn on a map.
import { Circle, Fill, Stroke, Style, Text } from "ol/style.js";
import { all, one } from "@geo/dom.js";
import { toast } from "@geo/toast.js";
import { createMap } from "@tiles/map.js";
import { whereIAm } from "./here.js";

const COLOURS = { toilet: "#5b7fa6", park: "#6a9a3d", parking: "#3f6f9f", market: "#c0795a", sports: "#a86f10", center: "#1f5a52" };

export async function start() {
  const query = one("[data-nearby]");
  const form = one("[data-here-form]");
  one("[data-here]")?.addEventListener("click", async (event) => {
    const button = event.currentTarget;
    button.classList.add("busy");
    try {
      const fix = await whereIAm();
      form.elements.lon.value = fix.lon;
      form.elements.lat.value = fix.lat;
      for (const box of query.querySelectorAll("[name=kind]:checked")) {
        const kept = document.createElement("input");
        Object.assign(kept, { type: "hidden", name: "kind", value: box.value });
        form.append(kept);
      }
      form.submit();
    } catch (error) {
      button.classList.remove("busy");
      toast(error.message, { bad: true });
    }
  });

  const places = all("[data-places] > [data-lon]");
  const element = one("#near-map");
  if (!element || !places.length) return;
  const points = places.map((row, index) => ({
    type: "Feature",
    properties: { index, name: one("b", row).textContent },
    geometry: { type: "Point", coordinates: [Number(row.dataset.lon), Number(row.dataset.lat)] },
  }));
  const spots = points.slice(0, 12).map((point) => point.geometry.coordinates);
  const box = [Math.min(...spots.map((p) => p[0])), Math.min(...spots.map((p) => p[1])), Math.max(...spots.map((p) => p[0])), Math.max(...spots.map((p) => p[1]))];
  const map = await createMap(element, { tools: ["basemaps", "fullscreen"], coordinates: false, remember: "public", layers: [], extent: box });
  map.mark("places", points, (feature) => style(places[feature.get("index")].dataset.kind, feature.get("index") + 1), { zIndex: 600 });
  map.fit(box, { padding: 50, metres: 1, still: true });
  if (element.dataset.lon) map.pin([Number(element.dataset.lon), Number(element.dataset.lat)]);
  map.onMark("places", (feature) => choose(feature.get("index"), true));
  places.forEach((row, index) => row.addEventListener("click", () => choose(index, false)));

  function choose(index, scroll) {
    places.forEach((row, other) => row.toggleAttribute("aria-current", other === index));
    places[index].setAttribute("aria-current", "true");
    map.choose([Number(places[index].dataset.lon), Number(places[index].dataset.lat)]);
    if (scroll) places[index].scrollIntoView({ block: "nearest" });
  }
}

const style = (kind, number) => new Style({
  image: new Circle({ radius: 12, fill: new Fill({ color: COLOURS[kind] ?? "#7a7f87" }), stroke: new Stroke({ color: "#fff", width: 2 }) }),
  text: new Text({ text: String(number), font: "600 12px sans-serif", fill: new Fill({ color: "#fff" }) }),
});
