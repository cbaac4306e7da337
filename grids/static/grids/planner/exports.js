// A plan as a file: PDF with maps, Excel, GeoPackage; made in the background.
import { el, icon } from "@geo/dom.js";
import { newKey, sendJSON } from "@geo/http.js";
import { gettext } from "@geo/i18n.js";
import { toast } from "@geo/toast.js";

const FORMATS = [["pdf", "PDF"], ["xlsx", "Excel"], ["gpkg", "GeoPackage"]];

export function exportButtons(place, draft, other) {
  place.append(...FORMATS.map(([format, label]) => el("button.button", {
    type: "button", "data-export": format, title: gettext("The file is made in the background"),
    onclick: async ({ currentTarget }) => {
      currentTarget.classList.add("busy");
      try {
        await sendJSON(`${draft.url}exports/`, { format, with: other === "today" ? "today" : Number(other) }, { key: newKey() });
        toast(gettext("The file is being made; you are told when it is ready."), { action: () => { location.href = "/outputs/"; }, actionLabel: gettext("My files") });
      } catch (error) {
        toast(error, { bad: true });
      } finally {
        currentTarget.classList.remove("busy");
      }
    },
  }, icon("download"), label)));
}
