// The small map of a report and the large one on which its place is chosen. Loaded when one is needed.
import { openDialog } from "@geo/dialog.js";
import { el, icon } from "@geo/dom.js";
import { gettext } from "@geo/i18n.js";
import { createMap } from "@tiles/map.js";
import { whereIAm } from "./here.js";

const PLAIN = { tools: [], coordinates: false, remember: "", layers: [] };

/** A still picture of the place in `pane`. @returns {Promise<(place) => void>} shows another place. */
export async function preview(pane, place) {
  const element = el("div", { "aria-label": gettext("Map of the place") });
  pane.hidden = false;
  pane.replaceChildren(element);
  const map = await createMap(element, { ...PLAIN, center: [place.lon, place.lat], metres: 0.6 });
  map.ol.getInteractions().clear();
  element.setAttribute("role", "img");
  element.tabIndex = -1;
  const show = ({ lon, lat, source, accuracy }) => {
    map.ol.updateSize();
    map.showNow([lon, lat], Math.min(3, Math.max(0.4, (accuracy || 20) / 60)));
    map.pin([lon, lat]);
    map.accuracy(source === "browser" && accuracy ? [lon, lat] : null, accuracy);
  };
  show(place);
  return show;
}

/** The large map: the pin stands in the middle, the map moves under it. */
export function pick(from, onPlace) {
  const element = el("div", { "aria-label": gettext("Map. Arrow keys move it; the place is its middle.") });
  const body = el("div.pub-pick.map-pane", {}, element, el("div.centre-pin", { "aria-hidden": "true" }, icon("place")));
  let map = null;
  const zoom = (step) => map?.ol.getView().animate({ zoom: map.ol.getView().getZoom() + step, duration: 150 });
  const dialog = openDialog(gettext("Move the map until the pin is right"), body, {
    wide: true,
    foot: [
      el("button.button.icon-only", { type: "button", "aria-label": gettext("Closer"), onclick: () => zoom(1) }, icon("plus")),
      el("button.button.icon-only", { type: "button", "aria-label": gettext("Farther"), onclick: () => zoom(-1) }, icon("minus")),
      el("button.button.icon-only", { type: "button", "aria-label": gettext("My position"), onclick: () => whereIAm().then((fix) => map?.flyTo([fix.lon, fix.lat], { metres: 0.5 }), (error) => map?.note("here", error.message)) }, icon("locate")),
      el("button.button.main.grow", { type: "button", onclick: () => {
        if (!map) return;
        const [lon, lat] = map.center().map((value) => Number(value.toFixed(7)));
        onPlace({ lon, lat, accuracy: "", source: "map" });
        dialog.close();
      } }, icon("check"), gettext("It is here")),
    ],
    onclose: () => map?.destroy(),
  });
  createMap(element, { ...PLAIN, ...(from ? { center: [from.lon, from.lat], metres: 0.6 } : {}) }).then((made) => {
    map = made;
    map.on("click", ({ lonlat }) => map.flyTo(lonlat, { metres: 1e9 }));
    element.focus();
  });
}
