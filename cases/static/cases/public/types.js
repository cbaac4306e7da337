// Finding a kind of problem by a few words, where the topics have none that fits.
import { el, one } from "@geo/dom.js";
import { getJSON } from "@geo/http.js";
import { gettext } from "@geo/i18n.js";

/** A combobox: what is chosen goes into the form's `type`, and the topics are cleared. */
export function startTypes(form, onChosen) {
  const input = one("[data-find]", form);
  const list = one("#found-types", form);
  let timer = null;
  let at = -1;

  const options = () => [...list.querySelectorAll("[role=option]")];
  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    at = -1;
  }
  function choose(row) {
    form.elements.type.value = row.id;
    input.value = row.label;
    for (const radio of form.querySelectorAll("[name=topic]")) radio.checked = false;
    close();
    onChosen();
  }
  async function look() {
    const text = input.value.trim();
    if (!text) return close();
    let found = [];
    try {
      found = (await getJSON(`${form.dataset.types}?q=${encodeURIComponent(text)}`)).types;
    } catch {
      return close();
    }
    if (text !== input.value.trim()) return;
    list.replaceChildren(...(found.length
      ? found.map((row, index) => el("li.pick", { role: "option", id: `type-${index}`, "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); choose(row); } },
        el("span", {}, row.label, el("small", {}, row.class))))
      : [el("li.pick", {}, gettext("Nothing fits. Choose “Other” and describe it."))]));
    found.forEach((row, index) => { options()[index].row = row; });
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  }
  input.addEventListener("input", () => {
    form.elements.type.value = "";
    clearTimeout(timer);
    timer = setTimeout(look, 250);
  });
  input.addEventListener("blur", () => setTimeout(close, 150));
  input.addEventListener("keydown", (event) => {
    const rows = options();
    if (event.key === "Escape") return close();
    if (event.key === "Enter" && !list.hidden) {
      event.preventDefault();
      if (rows[at]?.row) choose(rows[at].row);
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !rows.length) return;
    event.preventDefault();
    at = (at + step + rows.length) % rows.length;
    rows.forEach((row, index) => row.setAttribute("aria-selected", String(index === at)));
    input.setAttribute("aria-activedescendant", rows[at].id);
    rows[at].scrollIntoView({ block: "nearest" });
  });
}
