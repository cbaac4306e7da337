// What stands under the map: scale bar, coordinates in a chosen system, attribution and approval number.
import { el } from "@geo/dom.js";
import { fill, gettext } from "@geo/i18n.js";
import { toast } from "@geo/toast.js";
import { degreeLengths, gaussKrueger, lengthWords } from "./geodesic.js";
import { toLonLat } from "./matrix.js";

const dms = (value, signs) => {
  const seconds = Math.round(Math.abs(value) * 36000) / 10;
  const [d, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  return `${d}°${String(m).padStart(2, "0")}′${s.toFixed(1).padStart(4, "0")}″${signs[value < 0 ? 1 : 0]}`;
};

const SYSTEMS = {
  wgs84: { label: () => "WGS-84", write: ([lon, lat]) => `${lon.toFixed(6)}, ${lat.toFixed(6)}` },
  dms: { label: () => gettext("WGS-84 deg min sec"), write: ([lon, lat]) => `${dms(lon, "EW")} ${dms(lat, "NS")}` },
  cgcs: { label: () => "CGCS2000", write: ([lon, lat]) => `${lon.toFixed(6)}, ${lat.toFixed(6)}` },
  gk: {
    label: () => gettext("CGCS2000 3° Gauss-Krüger"),
    write([lon, lat]) {
      const [east, north, middle] = gaussKrueger(lon, lat);
      return `X ${north.toFixed(1)} Y ${east.toFixed(1)} (${middle}°E)`;
    },
  },
};

const NICE = [1, 2, 5];

/** Ground metres of a pixel along the parallel at the middle of the view. */
export function metresPerPixel(view) {
  const projection = view.getProjection().getCode();
  const lonlat = toLonLat(view.getCenter(), projection);
  const [perDegree] = degreeLengths(lonlat[1]);
  const degrees = projection === "EPSG:4326" ? view.getResolution() : view.getResolution() / 111319.49079327358;
  return degrees * perDegree;
}

export function footer(map, { coordinates = true } = {}) {
  const bar = el("i");
  const words = el("span");
  const scale = el("span.scale-bar", { role: "img", "aria-label": gettext("Scale bar") }, words, bar);
  const where = el("output", { "aria-label": gettext("Coordinates under the pointer") });
  const known = localStorage.getItem("map.system");
  const system = el("select", { "aria-label": gettext("Coordinate system"), title: gettext("Coordinate system") },
    ...Object.entries(SYSTEMS).map(([id, one]) => el("option", { value: id, selected: id === known }, one.label())));
  const credit = el("span.attribution");
  const foot = el("div.map-foot", {}, scale, coordinates ? el("span.coordinates", {}, system, where) : null, credit);
  let last = null;

  const writeScale = () => {
    const view = map.getView();
    if (!view.isDef()) return;
    const metres = metresPerPixel(view);
    const most = metres * 110;
    const power = 10 ** Math.floor(Math.log10(most));
    const length = power * NICE.filter((step) => step * power <= most).pop();
    bar.style.width = `${Math.round(length / metres)}px`;
    words.textContent = lengthWords(length).replace(/\.0+ /, " ");
    scale.setAttribute("aria-label", fill(gettext("Scale: %(length)s"), { length: words.textContent }));
  };
  const writePlace = () => {
    const place = last ?? (map.getView().getCenter() && toLonLat(map.getView().getCenter(), map.getView().getProjection()));
    if (place) where.value = SYSTEMS[system.value].write(place);
  };
  system.addEventListener("change", () => { localStorage.setItem("map.system", system.value); writePlace(); });
  map.on("pointermove", (event) => {
    if (event.dragging) return;
    last = toLonLat(event.coordinate, map.getView().getProjection());
    writePlace();
  });
  map.on("moveend", () => { last = null; writeScale(); writePlace(); });
  where.title = gettext("Press c over the map to copy");

  return {
    element: foot,
    refresh() { writeScale(); writePlace(); },
    credit(basemap) {
      const parts = [basemap?.attribution, basemap?.approval_number && fill(gettext("Map approval number %(number)s"), { number: basemap.approval_number })];
      credit.textContent = parts.filter(Boolean).join(" · ");
      credit.hidden = !credit.textContent;
    },
    async copy() {
      writePlace();
      try {
        await navigator.clipboard.writeText(where.value);
        toast(fill(gettext("Copied: %(text)s"), { text: where.value }));
      } catch {
        toast(where.value, { seconds: 15 });
      }
    },
  };
}
