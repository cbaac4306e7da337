// Report a problem: photo, place, type, words; four steps on one page, everything filled in that can be.
//
// With a component underfoot it is three taps: report, the component, send. Whatever is entered is kept as a
// draft at once, so that a call, a crash or an empty battery takes nothing away.
import { el, icon, stateBox } from "@geo/dom.js";
import { fill, gettext, ngettext } from "@geo/i18n.js";
import { toast } from "@geo/toast.js";
import { get } from "./api.js";
import { app, changed as appChanged, component, foundComponents, mayReport, onApp, online, send, useType } from "./app.js";
import { duplicatesPart } from "./duplicates.js";
import { add } from "./outbox.js";
import { MOST_PHOTOS, preparePhoto, previewUrl, roomFor } from "./photo.js";
import { metresBetween, watchPosition } from "./position.js";
import { placeStep } from "./report-place.js";
import { keepsNoPhoto, typeName, typeStep } from "./report-type.js";
import { dropDraft, loadDraft, saveDraft } from "./store.js";
import { canRecord, record } from "./voice.js";
import { size, tooLong } from "./words.js";

const MOST_WORDS = 1000;
// What is added to a case is a line of its log.
const MOST_ADDED = 500;

const empty = () => ({
  id: "report",
  user: app.user?.id,
  files: [],
  place: null, // {lon, lat, source, accuracy, at}
  component: null, // {code, name, type, lon, lat}
  type: null, // id
  description: "",
  flow: "city_management",
  selfHandled: false,
  joined: null, // number of the case this only adds to
  notDuplicate: false,
});

export async function reportScreen(root, { params, go }) {
  if (!mayReport()) {
    root.append(stateBox("lock", gettext("Your role does not report cases"), gettext("Cases given to your unit are on the list of tasks."), el("a.button", { href: "/m/" }, gettext("Back to the tasks"))));
    return null;
  }
  const draft = { ...empty(), ...((await ownDraft()) || {}) };
  const kept = Boolean(draft.files.length || draft.component || draft.description);
  let wanted = params.get("component");
  if (wanted && choose(draft, wanted)) wanted = null;
  if (wanted && online()) {
    get(`/api/components/${encodeURIComponent(wanted)}/`).then((one) => foundComponents([one]) && appChanged()).catch(() => null);
  }
  const urls = new Set();

  const photos = el("div.photos", {});
  const camera = el("input", { type: "file", accept: "image/*", capture: "environment", hidden: true, id: "camera" });
  const gallery = el("input", { type: "file", accept: "image/*", multiple: true, hidden: true, id: "gallery" });
  const words = el("textarea.input", {
    id: "words", rows: 3, value: draft.description,
    placeholder: gettext("What is wrong? A few words are enough."),
    oninput: () => { draft.description = words.value; changed("words"); },
  });
  const voice = el("div.voice", {});
  const duplicates = el("div.duplicates", { "aria-live": "polite" });
  const hint = el("button.button.quiet.wide", { type: "button", hidden: true, onclick: () => duplicates.scrollIntoView({ block: "center" }) });
  const sendButton = el("button.button.main.big", { type: "button", onclick: submit });
  const missing = el("p.hint.missing", { role: "status" });

  // A letter is about people's concerns: no type is needed, and it is not dealt with on the spot at once.
  const kinds = el("div.segmented", { role: "group", "aria-label": gettext("What it is about") });
  const letterHint = el("p.hint", {}, gettext("Write what it is about and where. Of disputes and clues, name no third person."));
  const self = el("label.check", {}, el("input", { type: "checkbox", checked: draft.selfHandled, onchange: (event) => { draft.selfHandled = event.target.checked; changed("words"); } }),
    gettext("I dealt with it myself (photos before and after)"));

  const place = placeStep({ draft, changed });
  const type = typeStep({ draft, changed });

  root.append(
    el("form.report", { onsubmit: (event) => event.preventDefault(), autocomplete: "off" },
      kept && !params.get("component") && el("p.banner.info.draft", {}, icon("edit"), el("span.grow", {}, gettext("Your unfinished report.")), el("button.button", { type: "button", onclick: startAgain }, gettext("Start again"))),
      kinds,
      step(1, gettext("Photo"),
        photos,
        el("div.buttons", {},
          el("button.button.grow", { type: "button", onclick: () => camera.click() }, icon("photo"), gettext("Take a photo")),
          el("button.button.grow", { type: "button", onclick: () => gallery.click() }, icon("upload"), gettext("From the album"))),
        camera, gallery),
      step(2, gettext("Place"), place.element),
      step(3, gettext("Type"), type.element),
      duplicates,
      step(4, gettext("Words or voice"),
        el("label.visually-hidden", { htmlFor: "words" }, gettext("Description")), words, letterHint, voice, self),
      el("div.send-bar", {}, hint, missing, sendButton)),
  );

  for (const input of [camera, gallery]) {
    input.addEventListener("change", async () => {
      const chosen = roomFor(input.files, draft.files.filter((file) => file.kind === "photo").length);
      input.value = "";
      photos.setAttribute("aria-busy", "true");
      for (const file of chosen) {
        draft.files.push(await preparePhoto(file));
        drawPhotos();
      }
      photos.removeAttribute("aria-busy");
      changed("photos");
    });
  }

  const stopPosition = watchPosition(({ fix, error }) => {
    // The phone's position fills the place until somebody says something better.
    if (fix && (!draft.place || draft.place.source === "browser") && !draft.component) {
      const { place: old } = draft;
      const better = !old || fix.accuracy < old.accuracy || metresBetween(fix, old) > Math.max(3, fix.accuracy / 2);
      if (better) {
        draft.place = { lon: fix.lon, lat: fix.lat, source: "browser", accuracy: fix.accuracy, at: fix.at };
        changed("place");
        return;
      }
    }
    place.draw(error);
  });

  // Components and types may come after the page.
  const stopApp = onApp(async () => {
    if (wanted && choose(draft, wanted)) {
      wanted = null;
      changed("component");
    } else {
      place.draw();
      type.draw();
      drawSend();
    }
  });
  drawKinds();
  drawPhotos();
  drawVoice();
  changed("all");
  return () => {
    stopApp();
    stopPosition();
    place.end();
    urls.forEach((url) => URL.revokeObjectURL(url));
  };

  function drawKinds() {
    const letter = draft.flow === "letter";
    kinds.replaceChildren(...[["city_management", gettext("City management")], ["letter", gettext("People's concern")]].map(([id, label]) =>
      el("button.button", { type: "button", "aria-pressed": String(draft.flow === id), onclick: () => { draft.flow = id; drawKinds(); changed("type"); } }, label)));
    letterHint.hidden = !letter;
    self.hidden = letter;
    if (letter) Object.assign(draft, { selfHandled: false, joined: null });
  }

  function changed(what) {
    if (what === "photos") usePhotoPlace();
    if (what !== "words") {
      place.draw();
      type.draw();
    }
    if (["all", "place", "type", "component"].includes(what)) askDuplicates();
    drawSend();
    if (what !== "all") saveDraft({ ...draft, user: app.user?.id });
  }

  // Without a fix of its own the phone may still know from the photo where it was.
  function usePhotoPlace() {
    const shot = draft.files.find((file) => file.lon !== null && file.kind === "photo");
    if (shot && !draft.place) draft.place = { lon: shot.lon, lat: shot.lat, source: "exif", accuracy: null, at: null };
  }

  function drawPhotos() {
    const shown = draft.files.filter((file) => file.kind === "photo");
    photos.replaceChildren(
      ...shown.map((file, index) => {
        const url = previewUrl(file);
        if (url) urls.add(url);
        const label = fill(gettext("Photo %(n)s"), { n: index + 1 });
        return el("div.photo", {},
          url ? el("img", { src: url, alt: label }) : el("span.no-photo", {}, icon("photo"), file.name),
          el("span.tag", {}, size(file.size)),
          el("button.remove", { type: "button", "aria-label": `${gettext("Remove")} ${label}`, onclick: () => { draft.files = draft.files.filter((other) => other !== file); drawPhotos(); changed("photos"); } }, icon("close")));
      }),
    );
    photos.hidden = !shown.length;
    camera.disabled = gallery.disabled = shown.length >= MOST_PHOTOS;
  }

  function drawVoice(running = null) {
    const file = draft.files.find((one) => one.kind === "voice");
    if (running) {
      const clock = el("span", {}, "0:00");
      const begun = Date.now();
      const ticking = setInterval(() => { const s = Math.floor((Date.now() - begun) / 1000); clock.textContent = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`; }, 500);
      voice.replaceChildren(el("button.button.recording", { type: "button", onclick: running.stop }, icon("stop"), gettext("Stop recording"), clock));
      running.done.then((made) => { clearInterval(ticking); draft.files.push(made); drawVoice(); changed("words"); });
    } else if (file) {
      const url = URL.createObjectURL(new Blob([file.bytes], { type: file.type }));
      urls.add(url);
      voice.replaceChildren(el("audio", { src: url, controls: true, "aria-label": gettext("Your recording") }),
        el("button.button", { type: "button", "aria-label": gettext("Remove the recording"), onclick: () => { draft.files = draft.files.filter((one) => one !== file); drawVoice(); changed("words"); } }, icon("trash")));
    } else if (canRecord()) {
      voice.replaceChildren(el("button.button", { type: "button", onclick: speak }, icon("mic"), gettext("Record instead of typing")));
    }
  }

  async function speak() {
    try {
      drawVoice(await record());
    } catch {
      toast(gettext("The microphone is switched off for this page. Allow it in the browser's settings, or type."), { bad: true });
    }
  }

  function lacks() {
    if (!draft.place) return gettext("The place is missing: wait for the position or set it on the map.");
    const long = tooLong(draft.description, draft.joined ? MOST_ADDED : MOST_WORDS);
    if (long || draft.joined) return long;
    if (draft.flow === "letter" && !draft.description.trim() && !draft.files.some((file) => file.kind === "voice")) return gettext("Say in a few words what it is about.");
    if (!draft.type && !draft.files.length && !draft.description.trim()) return gettext("Say what it is: a component, a type, a photo or a few words.");
    if (draft.selfHandled && draft.files.filter((file) => file.kind === "photo").length < 2) return gettext("Dealt with on the spot needs two photos: before and after.");
    return "";
  }

  function drawSend() {
    const lack = lacks();
    missing.textContent = lack || (online() ? "" : gettext("No signal: it waits on this phone and goes out by itself."));
    sendButton.setAttribute("aria-disabled", String(Boolean(lack)));
    sendButton.replaceChildren(icon("upload"), draft.joined ? fill(gettext("Add to %(number)s"), { number: draft.joined }) : gettext("Send"));
  }

  function askDuplicates() {
    // Letters are not merged: each resident gets an answer.
    duplicates.hidden = draft.flow === "letter";
    if (duplicates.hidden) {
      drawHint(0);
      return;
    }
    duplicatesPart(duplicates, draft, drawHint, (joined) => {
      draft.joined = joined;
      draft.notDuplicate = joined === null;
      changed("words");
    });
  }

  // What is below the fold is told beside the button that would pass it by.
  function drawHint(found) {
    hint.hidden = !found || Boolean(draft.joined) || draft.notDuplicate;
    hint.replaceChildren(icon("ring"), fill(ngettext("%(n)s similar case nearby: have a look", "%(n)s similar cases nearby: have a look", found), { n: found }));
  }

  async function submit() {
    const lack = lacks();
    if (lack) {
      missing.textContent = lack;
      missing.classList.add("shake");
      setTimeout(() => missing.classList.remove("shake"), 600);
      return;
    }
    sendButton.classList.add("busy");
    if (draft.type && !draft.joined) await useType(draft.type);
    const entry = await add(draft.joined ? "supplement" : "report", app.user, draft.joined ? supplementFields(draft) : reportFields(draft), filesToSend(draft), {
      type: draft.component?.name || typeName(draft.type) || (draft.flow === "letter" ? gettext("People's concern") : ""),
      typeId: draft.type,
      component: draft.component,
    });
    await dropDraft("report");
    send({ now: true });
    go(`/m/outbox/${entry.key}`, { replace: true });
  }

  async function startAgain() {
    await dropDraft("report");
    go("/m/report", { replace: true });
  }
}

// Of a problem dealt with on the spot the first photo is from before, the others from after. Of some types
// no photo is kept, for a person's sake.
function filesToSend(draft) {
  const files = keepsNoPhoto(draft.type) ? draft.files.filter((file) => file.kind !== "photo") : draft.files;
  let photos = 0;
  return files.map((file) => {
    if (!draft.selfHandled || file.kind !== "photo") return file;
    photos += 1;
    return { ...file, phase: photos === 1 ? "report" : "handle" };
  });
}

/** What the API takes for a draft; times in UTC. */
export function reportFields(draft) {
  const { place } = draft;
  return {
    type: draft.type,
    component: draft.component?.code ?? "",
    lon: place.lon,
    lat: place.lat,
    crs: "wgs84",
    position_source: place.source,
    accuracy_m: place.accuracy,
    fix_at: place.at ? new Date(place.at).toISOString() : null,
    description: draft.description.trim(),
    flow: draft.flow || "city_management",
    self_handled: draft.selfHandled,
  };
}

// "That's it": words and photos go to the case that is there already.
function supplementFields(draft) {
  const { lon, lat, accuracy } = draft.place;
  return {
    number: draft.joined,
    reason: draft.description.trim(),
    position: { lon, lat, crs: "wgs84", accuracy_m: accuracy },
  };
}

/** Take a component of the kept set: it gives place and type. */
export function choose(draft, code) {
  const row = component(code);
  if (!row) return false;
  const [, name, type, lon, lat] = row;
  Object.assign(draft, {
    component: { code, name, type, lon, lat },
    type,
    place: { lon, lat, source: "component", accuracy: null, at: null },
    joined: null,
    notDuplicate: false,
  });
  return true;
}

/** Open what waits in the outbox as a draft again. */
export async function backToDraft(entry) {
  const fields = entry.kind === "supplement" ? { ...entry.fields.position, description: entry.fields.reason } : entry.fields;
  await saveDraft({
    ...empty(),
    user: entry.user.id,
    files: entry.files,
    place: { lon: fields.lon, lat: fields.lat, source: fields.position_source || "map", accuracy: fields.accuracy_m, at: fields.fix_at ? Date.parse(fields.fix_at) : null },
    component: entry.label.component || null,
    type: entry.label.typeId ?? null,
    description: fields.description,
    flow: fields.flow || "city_management",
    selfHandled: Boolean(fields.self_handled),
    joined: entry.kind === "supplement" ? entry.fields.number : null,
  });
}

async function ownDraft() {
  const draft = await loadDraft("report");
  return draft && draft.user === app.user?.id ? draft : null;
}

const step = (number, title, ...parts) =>
  el("section.card.step", { "aria-labelledby": `step-${number}` },
    el("header", {}, el("span.step-number", { "aria-hidden": "true" }, String(number)), el("h2", { id: `step-${number}` }, title)),
    el("div.body", {}, ...parts));
