// Registering what a resident says: the place by address as one types, by a click on the map, or by numbers.
import { all, el, one } from "@geo/dom.js";
import { getJSON } from "@geo/http.js";
import { gettext } from "@geo/i18n.js";
import { toast } from "@geo/toast.js";

/** `pickPlace()` resolves with [lon, lat] of the next click on the map, or null when it was given up. */
export function startRegister(dialog, pickPlace) {
  const form = one("[data-register]", dialog);
  if (!form) return;
  const [lon, lat] = [one("[name=lon]", form), one("[name=lat]", form)];
  const address = one("[name=address]", form);
  const list = one("#reg-places", form);
  const set = (place) => { [lon.value, lat.value] = place.map((value) => value.toFixed(7)); };

  for (const radio of all("[data-flow]", form)) {
    radio.addEventListener("change", () => {
      for (const part of all("[data-only]", form)) part.hidden = part.dataset.only !== radio.value;
    });
  }

  let timer = null;
  let controller = null;
  const shut = () => { list.hidden = true; address.setAttribute("aria-expanded", "false"); };
  async function look() {
    controller?.abort();
    const text = address.value.trim();
    if (text.length < 2) return shut();
    controller = new AbortController();
    try {
      const { places } = await getJSON(`/console/places/?q=${encodeURIComponent(text)}`, { signal: controller.signal });
      list.replaceChildren(...places.map((place) => el("button.item", { type: "button", role: "option", onclick: () => take(place) },
        el("span.grow", {}, place.title, place.detail ? el("small.muted", {}, ` ${place.detail}`) : null))));
      if (!places.length) list.append(el("p.title", {}, gettext("Nothing found; set it on the map.")));
      list.hidden = false;
      address.setAttribute("aria-expanded", "true");
    } catch (error) {
      if (error.name !== "AbortError") shut();
    }
  }
  function take(place) {
    address.value = place.title;
    set([place.lon, place.lat]);
    shut();
    address.focus();
  }
  address.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, 200); });
  address.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && !list.hidden) {
      event.preventDefault();
      one(".item", list)?.focus();
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      shut();
    }
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const items = all(".item", list);
    const next = items[items.indexOf(document.activeElement) + step];
    (next ?? address).focus();
  });
  one("[data-place]", form).addEventListener("focusout", () => setTimeout(() => {
    if (!one("[data-place] .has-popover", form).contains(document.activeElement)) shut();
  }, 120));

  one("[data-on-map]", form).addEventListener("click", async () => {
    dialog.close();
    toast(gettext("Click the place on the map. Esc goes back without one."), { seconds: 10 });
    const place = await pickPlace();
    if (place) set(place);
    dialog.showModal();
  });
}
