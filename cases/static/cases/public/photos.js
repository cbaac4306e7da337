// Photos of a report: each goes ahead by itself, so that sending the report is a matter of a moment.
import { el, icon } from "@geo/dom.js";
import { request } from "@geo/http.js";
import { gettext, fill } from "@geo/i18n.js";
import { preparePhoto } from "../phone/photo.js";

/** Uploads what the input gets. `onPlace` hears where a photo was taken; `ready()` resolves when none is on its way. */
export function startPhotos(form, { onPlace, say }) {
  const input = form.querySelector("[data-photo-input]");
  const list = form.querySelector("[data-photo-list]");
  const most = Number(form.dataset.most);
  const running = new Set();

  const kept = () => list.querySelectorAll("li").length;

  function add(file) {
    const url = URL.createObjectURL(file);
    const words = el("span.said", {}, gettext("Sending…"));
    const picture = el("img", { src: url, alt: file.name || gettext("Photo") });
    picture.addEventListener("error", () => picture.replaceWith(icon("photo")));
    const item = el("li", {}, picture, words,
      el("button", { type: "button", "aria-label": gettext("Take this photo out"), onclick: () => { item.remove(); URL.revokeObjectURL(url); input.focus(); } }, icon("close")));
    list.append(item);
    const job = send(file, item, words).finally(() => running.delete(job));
    running.add(job);
  }

  async function send(file, item, words) {
    item.classList.remove("bad");
    words.textContent = gettext("Sending…");
    try {
      const prepared = await preparePhoto(file);
      const body = new FormData();
      body.append("file", new File([prepared.bytes], "photo.jpg", { type: prepared.type }));
      const answer = await request(form.dataset.photos, { method: "POST", body, timeout: 90000 });
      item.append(el("input", { type: "hidden", name: "photo", value: answer.token }));
      words.textContent = gettext("Arrived");
      if (answer.lon !== null) onPlace({ lon: answer.lon, lat: answer.lat, accuracy: "", source: "exif" });
    } catch (error) {
      item.classList.add("bad");
      words.replaceChildren(gettext("Not sent"));
      say(fill(gettext("The photo could not be sent. %(why)s"), { why: error.message }));
      item.dataset.failed = "1";
      item.retry = () => { delete item.dataset.failed; const job = send(file, item, words).finally(() => running.delete(job)); running.add(job); };
    }
  }

  input.addEventListener("change", () => {
    for (const file of [...input.files].slice(0, Math.max(0, most - kept()))) add(file);
    if (input.files.length && kept() >= most) say(fill(gettext("At most %(n)s photos."), { n: most }), false);
    // They go ahead one by one; the form itself shall not carry them again.
    input.value = "";
  });
  return {
    async ready() {
      for (const item of list.querySelectorAll("[data-failed]")) item.retry?.();
      while (running.size) await Promise.allSettled([...running]);
      return !list.querySelector("[data-failed]");
    },
  };
}
