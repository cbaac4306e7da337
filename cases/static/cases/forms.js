// What the action dialog needs beside its fields: photo previews, taking the position.
import { all, el, one, onClick } from "@geo/dom.js";
import { gettext } from "@geo/i18n.js";

// The photos chosen in a dialog, by the key of what is sent: a form that was refused is drawn anew, without them.
const chosen = new WeakMap();

export function startForms(root) {
  const photos = one("[data-photos]", root);
  if (photos) {
    const input = one("input[type=file]", photos);
    const key = input.form.elements.client_key?.value;
    const show = () => {
      for (const old of photos.querySelectorAll("[data-preview]")) old.remove();
      for (const file of input.files) {
        const address = URL.createObjectURL(file);
        const picture = el("img", { src: address, alt: file.name, onload: () => URL.revokeObjectURL(address) });
        one(".photos", photos).prepend(el("span.photo", { "data-preview": "" }, picture));
      }
    };
    if (key && chosen.get(root)?.key === key) {
      input.files = chosen.get(root).files;
      show();
    }
    input.addEventListener("change", () => {
      chosen.set(root, { key, files: input.files });
      show();
    });
  }
  const position = one("[data-position]", root);
  if (position) {
    const told = one("output", position);
    one("[data-take-position]", position).addEventListener("click", () => {
      told.value = gettext("Looking for the position…");
      if (!navigator.geolocation) {
        told.value = gettext("This browser gives no position (it needs HTTPS).");
        return;
      }
      navigator.geolocation.getCurrentPosition(({ coords }) => {
        one("[name=lon]", position).value = coords.longitude;
        one("[name=lat]", position).value = coords.latitude;
        one("[name=accuracy]", position).value = coords.accuracy;
        told.value = `${coords.longitude.toFixed(5)}, ${coords.latitude.toFixed(5)} ±${Math.round(coords.accuracy)} m`;
      }, () => { told.value = gettext("No position: allow it in the browser's settings."); }, { enableHighAccuracy: true, timeout: 15000, maximumAge: 0 });
    });
  }
}

/** A case given out in parts: one more line, empty. */
export function startParts() {
  onClick("[data-more-parts]", (button) => {
    const lines = all("fieldset", button.closest("form"));
    const line = lines.at(-1).cloneNode(true);
    for (const field of all("select, input", line)) field.value = "";
    one("legend", line).textContent = one("legend", line).textContent.replace(/\d+/, String(lines.length + 1));
    button.before(line);
    one("select", line).focus();
  });
}
