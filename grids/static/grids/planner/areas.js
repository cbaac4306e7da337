// Choosing communities: a tree that opens level by level, and a search by name or code.
import { el, icon } from "@geo/dom.js";
import { getJSON } from "@geo/http.js";
import { fill, gettext } from "@geo/i18n.js";

/** @returns {{element: HTMLElement, chosen: () => string[]}} */
export function areaPicker({ onchange } = {}) {
  const chosen = new Map();
  const list = el("div.area-list", { role: "group", "aria-label": gettext("Communities") });
  const chips = el("div.chips");
  const search = el("input.input", { type: "search", placeholder: gettext("Name or code of a community"), "aria-label": gettext("Search communities"), maxLength: 50, autocomplete: "off" });
  let timer = null;
  let asked = 0;

  function drawChips() {
    chips.replaceChildren(...[...chosen.values()].map((area) => el("button.chip.on", {
      type: "button", title: gettext("Take out"), "data-chosen": area.code, onclick: () => toggle(area, false),
    }, area.name, icon("close"))));
    onchange?.([...chosen.values()]);
  }

  function toggle(area, on) {
    if (on) chosen.set(area.code, area);
    else chosen.delete(area.code);
    for (const box of list.querySelectorAll(`[data-code="${area.code}"]`)) box.checked = on;
    drawChips();
  }

  function row(area, { where = false } = {}) {
    if (!area.below) {
      return el("label.area-row", {}, el("input", { type: "checkbox", "data-code": area.code, checked: chosen.has(area.code), onchange: ({ currentTarget }) => toggle(area, currentTarget.checked) }),
        el("span.grow", {}, area.name, where && area.where ? el("small.muted", {}, ` ${area.where}`) : null),
        el("small.muted", {}, fill(gettext("%(n)s grids"), { n: area.grids })));
    }
    const inner = el("div.area-below");
    const branch = el("details.area-branch", {}, el("summary", {}, icon("down"), area.name), inner);
    branch.addEventListener("toggle", () => { if (branch.open && !inner.childElementCount) open(area.code, inner); });
    return branch;
  }

  async function open(under, place) {
    place.replaceChildren(el("span.skeleton.w80"), el("span.skeleton.w60"));
    try {
      const { areas } = await getJSON(`/planner/areas/?under=${under}`);
      place.replaceChildren(...areas.map((area) => row(area)));
      if (!areas.length) place.replaceChildren(el("p.muted", {}, gettext("No area here is yours to plan in.")));
      // One branch alone is opened at once.
      if (areas.length === 1 && areas[0].below) place.querySelector("details").open = true;
    } catch (error) {
      place.replaceChildren(el("p.muted", {}, error.message, " ", el("button.button.small", { type: "button", onclick: () => open(under, place) }, gettext("Try again"))));
    }
  }

  async function find(text) {
    const now = ++asked;
    if (!text) return open("", list);
    try {
      const { areas } = await getJSON(`/planner/areas/?q=${encodeURIComponent(text)}`);
      if (now !== asked) return;
      list.replaceChildren(...areas.map((area) => row(area, { where: true })));
      if (!areas.length) list.replaceChildren(el("p.muted", {}, gettext("No community of your area has this name or code.")));
    } catch (error) {
      list.replaceChildren(el("p.muted", {}, error.message));
    }
  }
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => find(search.value.trim()), 250);
  });
  open("", list);
  return { element: el("div.area-picker", {}, search, list, chips), chosen: () => [...chosen.keys()], names: () => [...chosen.values()].map((area) => area.name) };
}
