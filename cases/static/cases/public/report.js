// Reporting: photos go ahead, the place comes from the device, a photo or the map, and what somebody else has
// reported already is shown before one sends. Nothing is lost when the connection is.
import { all, el, one } from "@geo/dom.js";
import { request } from "@geo/http.js";
import { fill, gettext } from "@geo/i18n.js";
import { renewCaptcha } from "./captcha.js";
import { whereIAm } from "./here.js";
import { startPhotos } from "./photos.js";
import { startTypes } from "./types.js";

const DRAFT = "public.report";
const KEPT = ["topic", "type", "description", "address", "lon", "lat", "position_source", "accuracy"];

export function start(form) {
  const part = (name) => form.elements[name];
  const said = one("[data-said]", form);
  const placeWords = one("[data-place-words]", form);
  const nearPart = one("[data-near-part]", form);
  let showPlace = null;
  let asked = "";

  /** Says something over the form; `bad` also takes the reader there. */
  function say(words, bad = true) {
    said.hidden = !words;
    said.className = bad ? "banner bad" : "banner info";
    said.setAttribute("role", bad ? "alert" : "status");
    said.replaceChildren(el("span.grow", {}, words ?? ""));
    if (words && bad) said.scrollIntoView({ block: "center" });
  }

  // --- the place ---------------------------------------------------------------------------------------------
  const place = () => (part("lon")?.value ? { lon: Number(part("lon").value), lat: Number(part("lat").value), accuracy: Number(part("accuracy").value) || 0, source: part("position_source").value } : null);

  async function setPlace(next, words) {
    part("lon").value = next.lon;
    part("lat").value = next.lat;
    part("accuracy").value = next.accuracy || "";
    part("position_source").value = next.source;
    placeWords.dataset.tone = "";
    placeWords.removeAttribute("aria-invalid");
    placeWords.textContent = words;
    keep();
    lookNear();
    const map = await import("./placemap.js");
    if (showPlace) showPlace(place());
    else showPlace = await map.preview(one("[data-place-map]", form), place());
  }

  async function locate() {
    placeWords.dataset.tone = "";
    placeWords.textContent = gettext("Looking for the position…");
    try {
      const fix = await whereIAm();
      await setPlace({ ...fix, source: "browser" }, fill(gettext("Your position, within %(n)s m. Correct it on the map if it is elsewhere."), { n: fix.accuracy }));
    } catch (error) {
      placeWords.dataset.tone = "bad";
      placeWords.textContent = error.message;
    }
  }
  one("[data-locate]", form)?.addEventListener("click", locate);
  one("[data-pick]", form)?.addEventListener("click", async () => {
    const map = await import("./placemap.js");
    map.pick(place(), (next) => setPlace(next, gettext("The place from the map.")));
  });

  // --- photos, kinds -----------------------------------------------------------------------------------------
  const photos = startPhotos(form, {
    say,
    onPlace: (next) => {
      // What somebody set by hand or by position counts more than where a photo was taken.
      if (placeWords && !part("lon").value) setPlace(next, gettext("The place where the photo was taken. Correct it on the map if it is elsewhere."));
    },
  });
  if (one("[data-find]", form)) startTypes(form, () => { keep(); lookNear(); });
  form.addEventListener("change", (event) => {
    if (event.target.name === "topic") {
      part("type").value = "";
      one("[data-find]", form).value = "";
      lookNear();
    }
    keep();
  });
  form.addEventListener("input", keep);

  // --- reported already? -------------------------------------------------------------------------------------
  async function lookNear() {
    const at = place();
    const kind = part("type")?.value || new FormData(form).get("topic");
    if (!at || !kind) return;
    const key = JSON.stringify([at.lon, at.lat, kind]);
    if (key === asked) return;
    asked = key;
    const body = new FormData();
    for (const name of ["lon", "lat", "crs"]) body.append(name, part(name).value);
    body.append(part("type").value ? "type" : "topic", kind);
    try {
      showNear((await request(form.dataset.near, { method: "POST", body })).near);
    } catch {
      asked = ""; // asked again when it is sent
    }
  }

  function showNear(found) {
    const list = one("[data-near-list]", form);
    for (const old of all("[data-one]", list)) old.remove();
    nearPart.hidden = !found.length;
    part("near").value = found.length ? "1" : "";
    list.prepend(...found.map((row) => el("label.choice", { "data-one": "" },
      el("input", { type: "radio", name: "same", value: row.number }),
      el("span", {}, row.photos.length ? el("img", { src: row.photos[0], alt: "", width: 64, height: 48 }) : null,
        el("span", {}, el("b", {}, row.label), el("small", {}, `${row.address} · ${row.day} · ${row.stage_label}`))))));
    if (!form.querySelector("[name=same]:checked")) one("[name=same][value='']", form).checked = true;
  }

  // --- the code sent to a phone ------------------------------------------------------------------------------
  one("[data-send-code]", form)?.addEventListener("click", async (event) => {
    event.preventDefault();
    const body = new FormData();
    body.append("phone", part("phone").value);
    if (part("captcha")) body.append("captcha", part("captcha").value);
    try {
      await request(form.dataset.code, { method: "POST", body });
      say(gettext("A code was sent to this number. It counts for ten minutes."), false);
      part("code").focus();
    } catch (error) {
      showErrors(error);
    }
  });

  // --- sending -----------------------------------------------------------------------------------------------
  function showErrors(error) {
    for (const old of all(".errors[data-live]", form)) old.remove();
    for (const bad of all("[aria-invalid]", form)) bad.removeAttribute("aria-invalid");
    let first = null;
    for (const { pointer = "", detail } of error.errors ?? []) {
      const name = pointer.replace(/^\//, "");
      const target = { photos: one("[data-photo-list]", form), lon: placeWords, topic: one(".pub-topics", form) }[name] ?? part(name);
      const place = target instanceof RadioNodeList ? target[0].closest("fieldset") : target;
      if (!place) continue;
      if (place.matches?.("input, textarea")) place.setAttribute("aria-invalid", "true");
      place.after(el("span.errors", { "data-live": "", role: "alert" }, detail));
      first ??= place;
    }
    if (error.problem?.proof) proved(error.problem.proof);
    if (error.problem?.next) location.href = error.problem.next;
    say(error.message);
    if (first) first.scrollIntoView({ block: "center" });
  }

  function proved(proof) {
    part("proof").value = proof;
    one("[data-code-part]", form).hidden = true;
    one("[data-code-done]", form).hidden = false;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = one("[data-send]", form);
    if (button.classList.contains("busy")) return;
    say("");
    button.classList.add("busy");
    button.setAttribute("aria-busy", "true");
    try {
      if (!navigator.onLine) throw new Error(gettext("No connection: the report was not sent. What you wrote stays here; send it when the connection is back."));
      if (!(await photos.ready())) return;
      const body = new FormData(form);
      body.delete("photos");
      const answer = await request(form.action || location.href, { method: "POST", body, timeout: 60000 });
      if (answer.near) {
        showNear(answer.near);
        nearPart.scrollIntoView({ block: "center" });
        one("input", nearPart.querySelector("[data-near-list]")).focus();
        say(gettext("Something like it was reported close by. Choose, then send again."), false);
        return;
      }
      sessionStorage.removeItem(DRAFT);
      location.href = answer.next;
    } catch (error) {
      if (error.name === "Error" && error.cause) say(gettext("No connection: the report was not sent. What you wrote stays here; send it when the connection is back."));
      else showErrors(error);
      await captchaAfter(error);
    } finally {
      button.classList.remove("busy");
      button.removeAttribute("aria-busy");
    }
  });

  async function captchaAfter(error) {
    if (!error.status) return;
    // A question is used up by an answer; where one begins to be asked, the page has to bring it.
    if (one("[data-captcha]", form)) await renewCaptcha();
    else if (error.problem?.type?.endsWith("/captcha")) await addCaptcha();
  }

  async function addCaptcha() {
    const holder = el("section.card", {}, el("div.body", {}, el("div", { "data-captcha": "/public/captcha/" })));
    one(".pub-send", form).before(holder);
    await renewCaptcha();
    (await import("./captcha.js")).start();
  }

  // --- what was typed survives a reload ----------------------------------------------------------------------
  function keep() {
    const data = new FormData(form);
    try {
      sessionStorage.setItem(DRAFT, JSON.stringify(Object.fromEntries(KEPT.map((name) => [name, data.get(name) ?? ""]))));
    } catch { /* full or forbidden: then not */ }
  }

  function restore() {
    let kept = null;
    try {
      kept = JSON.parse(sessionStorage.getItem(DRAFT));
    } catch { /* nothing kept */ }
    if (!kept || part("description").value || one("#problem")) return;
    for (const name of ["description", "address"]) part(name).value = kept[name] || "";
    if (!placeWords) return;
    const topic = kept.topic && form.querySelector(`[name=topic][value="${CSS.escape(kept.topic)}"]`);
    if (topic) topic.checked = true;
    if (kept.lon && kept.lat) setPlace({ lon: kept.lon, lat: kept.lat, accuracy: Number(kept.accuracy) || 0, source: kept.position_source || "map" }, gettext("The place that you had set."));
  }
  restore();
  if (placeWords && part("lon").value) setPlace(place(), gettext("The place is set."));
  form.dataset.ready = "1";
}
