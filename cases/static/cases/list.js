// What the list beside the map and the table have in common: filters in the address, saved views, files.
import { el, one, onClick } from "@geo/dom.js";
import { request } from "@geo/http.js";
import { gettext } from "@geo/i18n.js";
import { toast } from "@geo/toast.js";

/** The filters of the list on screen, from the address. */
const filters = () => new URLSearchParams(location.search);

/** The filters with the tab that is open, and the columns where the rows have some. */
function shown() {
  const params = filters();
  const { view, columns } = one("#list-scroll").dataset;
  params.set("view", view);
  if (columns) params.set("columns", columns);
  params.delete("after");
  return params;
}

async function fillOptions(popover, name, page, under = "") {
  const params = filters();
  params.delete("after");
  if (page) params.set("page", page);
  if (name === "area") params.set("under", under);
  popover.replaceChildren(el("span.skeleton.w80"), el("span.skeleton.w60"));
  await window.htmx.ajax("GET", `/console/options/${name}/?${params}`, { target: popover, swap: "innerHTML" });
  one("[data-narrow]", popover)?.focus();
}

/** @param {string} page "table", where the choices lead to the table. @returns the address's filters */
export function startList(page = "") {
  onClick("[data-options]", (button) => {
    const popover = one(`#${button.dataset.popover}`);
    const name = button.dataset.options;
    const area = filters().get("area") ?? "";
    if (!popover.hidden) fillOptions(popover, name, page, name === "area" && area.length < 12 ? area : area.slice(0, 9));
  });
  onClick(".options [data-under]", (button) => fillOptions(button.closest(".popover"), "area", page, button.dataset.under));

  const form = one("#save-view-form");
  form?.addEventListener("htmx:configRequest", ({ detail }) => {
    for (const [name, value] of shown()) detail.parameters[name] = value;
  });
  form?.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!detail.successful) return;
    one("#save-view").close();
    form.reset();
    toast(gettext("The view is saved."));
  });

  onClick("[data-export]", async (button) => {
    const body = new FormData();
    for (const [name, value] of shown()) body.append(name, value);
    if (button.dataset.export) body.append("format", button.dataset.export);
    try {
      const { url } = await request("/console/export/", { method: "POST", body });
      toast(gettext("The file is being made; you are told when it is ready."), { action: () => { location.href = url; }, actionLabel: gettext("My files") });
    } catch (error) {
      toast(error, { bad: true });
    }
  });
  return filters;
}
