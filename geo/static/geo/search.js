// The box in the header: one field for numbers, codes, addresses, coordinates and people on duty.
import { el, icon, one, typing } from "./dom.js";
import { getJSON } from "./http.js";
import { gettext } from "./i18n.js";

const SHAPES = { case: "case", component: "component", address: "place", place: "place", person: "user", area: "map", grid: "grid", building: "building", centre: "centre", risk: "risk" };

export function startSearch(form) {
  const input = one("input", form);
  const list = one(".popover", form);
  let controller = null;
  let timer = null;
  let at = -1;

  const items = () => [...list.querySelectorAll(".item")];
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    at = -1;
  };
  const mark = (next) => {
    const found = items();
    if (!found.length) return;
    at = (next + found.length) % found.length;
    found.forEach((item, index) => item.setAttribute("aria-selected", String(index === at)));
    found[at].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", found[at].id);
  };
  const show = (...children) => {
    list.replaceChildren(...children);
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    at = -1;
  };

  async function look() {
    const text = input.value.trim();
    controller?.abort();
    if (!text) return close();
    controller = new AbortController();
    try {
      const answer = await getJSON(`/api/search?q=${encodeURIComponent(text)}`, { signal: controller.signal });
      const groups = (answer.groups ?? []).filter((group) => group.results.length);
      if (!groups.length) return show(el("p.title", {}, gettext("Nothing found within your scope.")));
      let number = 0;
      show(...groups.flatMap((group) => [
        el("p.title", { role: "presentation" }, group.label),
        ...group.results.map((result) =>
          el("a.item", { href: result.url || mapLink(result), role: "option", id: `found-${number++}`, tabIndex: -1 },
            icon(SHAPES[group.id] ?? "place"),
            el("span.grow", {}, result.title, result.detail ? el("small", {}, result.detail) : null))),
      ]));
    } catch (error) {
      if (error.name !== "AbortError") show(el("p.title", {}, error.message));
    }
  }

  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, 180); });
  input.addEventListener("focus", () => { if (list.childElementCount && input.value.trim()) list.hidden = false; });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark(at + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (list.hidden) input.blur();
      close();
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const found = items();
    if (found.length) found[Math.max(at, 0)].click();
    else look();
  });
  form.addEventListener("focusout", () => setTimeout(() => { if (!form.contains(document.activeElement)) close(); }, 120));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !typing(event.target) && !event.ctrlKey && !event.metaKey && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      input.focus();
      input.select();
    }
  });
}

/** A found place without a page of its own is shown on the console's map. */
const mapLink = ({ lon, lat }) => (lon === undefined ? "#" : `/?at=${lon},${lat}`);
