// One case in the hand: what it is, where, and what I may do with it now.
import { openDialog } from "@geo/dialog.js";
import { badge, el, icon, stateBox } from "@geo/dom.js";
import { fill, gettext } from "@geo/i18n.js";
import { ago, deadline, exact } from "@geo/times.js";
import { toast } from "@geo/toast.js";
import { caseRow } from "./api.js";
import { app, fetchKept, onApp, online, send } from "./app.js";
import { inputFields } from "./inputs.js";
import { add } from "./outbox.js";
import { preparePhoto, previewUrl, roomFor } from "./photo.js";
import { currentFix, metresBetween, watchPosition } from "./position.js";
import { headline, metres, noPosition, tooLong } from "./words.js";

// What the dialog has fields for, beside the inputs that the server tells.
const FIELDS = ["reason", "photo", "position", "call_back"];

export async function taskScreen(root, { rest, go, shown }) {
  const [number] = rest;
  root.append(el("span.skeleton.box"), el("span.skeleton.box"));
  const kept = app.tasks?.find((task) => task.number === number) || null;
  let row = kept;
  let waited = 0;
  if (row) draw();
  await load();
  if (!shown()) return null;
  if (!row) {
    root.replaceChildren(online()
      ? stateBox("lock", gettext("Not there, or not yours to see"), gettext("Ask your shift lead if you need it."), el("a.button", { href: "/m/" }, gettext("Back to the tasks")))
      : stateBox("offline", gettext("This case is not on the phone"), gettext("It can be opened when there is a signal.")));
    return null;
  }
  draw();
  const distance = () => root.querySelector("[data-distance]");
  const stopPosition = watchPosition(({ fix }) => {
    if (fix && distance()) distance().textContent = metres(metresBetween(fix, row));
  });
  let signal = online();
  const stopApp = onApp(() => {
    // The full view can be opened as long as there is a signal.
    if (signal !== online()) {
      signal = online();
      root.querySelector(".actions")?.replaceWith(actionsPart());
    }
    drawWaiting();
  });
  // Back from the full view: the case may be another one.
  const again = (event) => event.persisted && load().then(draw);
  addEventListener("pageshow", again);
  return () => {
    stopPosition();
    stopApp();
    removeEventListener("pageshow", again);
  };

  async function load() {
    const answer = await fetchKept(`case-${number}`, `/api/cases/${encodeURIComponent(number)}/`);
    if (answer) row = { ...row, ...caseRow(answer.value) };
  }

  function draw() {
    // Somebody may have gone on while an answer was under way.
    if (!shown()) return;
    const when = row.due_at ? deadline(row.due_at) : null;
    root.replaceChildren(
      el("section.card.case-head", {},
        el("div.body", {},
          el("p.row-wrap", {}, badge("open", "case", row.state_label || row.state), row.flow !== "city_management" && row.flow_label && el("span.badge.is-kind", {}, row.flow_label), when && badge(when.tone, when.shape, when.text, when.title)),
          el("h2", {}, headline(row)),
          row.description && row.description !== headline(row) && el("p", {}, row.description),
          el("p.muted.code", {}, row.number))),
      photosPart(),
      placePart(),
      el("div.waiting-actions", {}),
      actionsPart(),
      storyPart(),
    );
    drawWaiting();
  }

  function photosPart() {
    const photos = (row.photos || []).filter((one) => one.media_type.startsWith("image/"));
    const voices = (row.photos || []).filter((one) => one.media_type.startsWith("audio/"));
    if (!photos.length && !voices.length) return "";
    return el("section.card", {}, el("div.body", {},
      el("div.photos", {}, ...photos.map((one, index) => {
        const label = `${one.phase_label || gettext("Photo")} ${index + 1}`;
        return el("button.photo", { type: "button", "aria-label": label, onclick: () => openDialog(label, el("img", { src: one.shown, alt: label })) },
          el("img", { src: one.thumbnail, alt: "", loading: "lazy" }), el("span.tag", {}, one.phase_label || ""));
      })),
      ...voices.map((one) => el("audio", { src: one.shown, controls: true, "aria-label": gettext("Recording") }))));
  }

  function placePart() {
    return el("section.card", {}, el("div.body.place-part", {},
      el("p", {}, icon("place"), el("span.grow", {}, row.address || row.place || gettext("See the map")), el("b", { "data-distance": "" }, "")),
      el("div.buttons", {},
        el("a.button", { href: `/m/map?at=${row.lon},${row.lat}&case=${row.number}` }, icon("map"), gettext("On the map")),
        app.me?.worker && el("a.button", { href: `/m/check-in?case=${row.number}` }, icon("check"), gettext("I am there")))));
  }

  // Kept to this case's own entries, so that nobody does a thing twice for want of a signal.
  function drawWaiting() {
    const place = root.querySelector(".waiting-actions");
    if (!place) return;
    const waiting = app.unsent.filter((entry) => entry.fields.number === number);
    // What waited has arrived: the case is another one now.
    if (waited > waiting.length) load().then(draw);
    waited = waiting.length;
    place.replaceChildren(...waiting.map((entry) =>
      el("a.card.signal.has-waiting", { href: `/m/outbox/${entry.key}` }, icon("device"),
        el("span.grow", {}, el("b", {}, entry.label.action), el("span.muted", {}, entry.state === "refused" ? gettext("Needs you") : gettext("Only on this phone"))), icon("right"))));
    const buttons = root.querySelector(".actions");
    if (buttons) buttons.hidden = waiting.length > 0;
  }

  function actionsPart() {
    const actions = row.actions || [];
    const against = row.hindrance || "";
    if (!actions.length && !against) return "";
    const asked = row.phase === "check" && row.verifier && row.verifier.id !== app.user?.id;
    return el("section.actions", { "aria-label": gettext("What you can do") },
      asked && el("p.hint", {}, fill(gettext("%(name)s was asked first. Whoever has duty in the grid may do it, one is enough; the others are told."), { name: row.verifier.name })),
      against && el("p.banner.info", {}, icon("info"), el("span", {}, against)),
      ...actions.map((action, index) => {
        const look = action.danger ? ".button.danger.big" : index === 0 && !against ? ".button.main.big" : ".button.big";
        return possible(action)
          ? el(`button${look}`, { type: "button", onclick: () => actionDialog(row, action, done) }, action.label)
          : fullView(number, look, fill(gettext("%(action)s · in the full view"), { action: action.label }));
      }),
      against && fullView(number, ".button.big", gettext("Open the full view")),
      (against || !actions.every(possible)) && el("p.hint", {}, online()
        ? gettext("The full view is the case's own page. It takes what the phone has no field for, and needs a signal.")
        : gettext("No signal: the full view opens when there is one.")));
  }

  function storyPart() {
    const lines = [...(row.transitions || [])].reverse();
    if (!lines.length) return "";
    return el("section.card", {},
      el("header", {}, el("h2", {}, gettext("What has happened"))),
      el("ol.happened", {}, ...lines.map((line) =>
        el("li", {}, el("b", {}, line.label),
          el("span.muted", {}, [line.unit?.name || line.actor?.name, line.to_unit?.name].filter(Boolean).join(" → ")),
          line.reason && el("span", {}, line.reason),
          line.decision && el("span.muted", {}, line.decision),
          el("time.muted", { dateTime: line.at, title: exact(line.at) }, ago(line.at))))));
  }

  async function done(before) {
    toast(before ? gettext("You have sent this already; it is done once.") : online() ? gettext("On its way…") : gettext("Kept on this phone until there is a signal."));
    await send({ now: true });
    if (shown()) go(location.pathname, { replace: true });
  }
}

const needs = (action, what) => action.needs.includes(what);
const takes = (action, what) => needs(action, what) || action.takes.includes(what);

/** Whether the dialog has a field for everything an action needs. */
const possible = (action) => action.needs.every((name) => FIELDS.includes(name) || (action.inputs || []).some((input) => input.name === name));

/** The way to the case's own page; without a signal it leads nowhere, and looks so. */
const fullView = (number, look, words) =>
  online()
    ? el(`a${look}`, { href: `/cases/${encodeURIComponent(number)}/page/#now` }, words, icon("right"))
    : el(`span${look}`, { role: "link", "aria-disabled": "true" }, words, icon("offline"));

const positionOf = (fix) => ({ lon: fix.lon, lat: fix.lat, crs: "wgs84", accuracy_m: fix.accuracy });

/** Do one thing to a case: photos, position and reason as the action asks for them, then into the outbox. */
function actionDialog(row, action, done) {
  const files = [];
  const urls = [];
  const photos = el("div.photos", {});
  const camera = el("input", { type: "file", accept: "image/*", capture: "environment", hidden: true, "data-role": "evidence" });
  const reason = el("textarea.input", { id: "reason", rows: 3 });
  const opened = Date.now();
  const here = el("p.place-line", {});
  const wrong = el("p.warn", { role: "alert", hidden: true });
  const withPhoto = takes(action, "photo") || needs(action, "position");
  const more = inputFields(row.number, action.inputs || []);
  let stop = () => null;
  if (takes(action, "position")) {
    stop = watchPosition(({ fix, error }) => {
      here.replaceChildren(...(fix
        ? [icon("place"), el("span", {}, fill(gettext("You are %(m)s from the place"), { m: metres(metresBetween(fix, row)) })), el("span.muted", {}, fix.accuracy ? fill(gettext("exact to %(m)s"), { m: metres(fix.accuracy) }) : "")]
        : error ? [icon("bang"), el("span", {}, noPosition(error))] : [el("span.spinner", {}), el("span", {}, gettext("Looking for your position…"))]));
    });
  }
  camera.addEventListener("change", async () => {
    for (const file of roomFor(camera.files, files.length)) {
      const made = await preparePhoto(file);
      files.push(made);
      const url = previewUrl(made);
      if (url) urls.push(url);
      photos.append(el("div.photo", {}, url ? el("img", { src: url, alt: fill(gettext("Photo %(n)s"), { n: files.length }) }) : el("span.no-photo", {}, icon("photo"))));
    }
    camera.value = "";
  });
  const button = el(action.danger ? "button.button.danger.grow" : "button.button.main.grow", { type: "button", onclick: act }, action.label);
  const dialog = openDialog(action.label, el("div.stack", {},
    action.next && el("p.hint", {}, action.next),
    takes(action, "position") && here,
    ...more.elements,
    withPhoto && photos,
    withPhoto && el("button.button.wide", { type: "button", onclick: () => camera.click() }, icon("photo"), gettext("Take a photo")), withPhoto && camera,
    takes(action, "reason") && el("div.field", {}, el("label", { htmlFor: "reason", className: needs(action, "reason") ? "needed" : "" }, needs(action, "reason") ? gettext("Why?") : gettext("Words (optional)")), reason),
    wrong,
  ), {
    foot: [el("button.button", { type: "button", onclick: () => dialog.close() }, gettext("Cancel")), button],
    onclose: () => { stop(); urls.forEach((url) => URL.revokeObjectURL(url)); },
  });

  async function act() {
    const lacks = [
      ...more.lacks(),
      needs(action, "photo") && !files.length && gettext("A photo is needed."),
      needs(action, "reason") && !reason.value.trim() && gettext("Say why."),
      tooLong(reason.value, 500),
    ].filter(Boolean);
    if (lacks.length) {
      wrong.hidden = false;
      wrong.textContent = lacks.join(" ");
      return;
    }
    button.classList.add("busy");
    const fix = takes(action, "position") ? await currentFix(60000, 6) : null;
    if (needs(action, "position") && !fix) {
      button.classList.remove("busy");
      wrong.hidden = false;
      wrong.textContent = gettext("Your position is needed: the check counts only on the spot.");
      return;
    }
    const added = await add("action", app.user, {
      number: row.number,
      action: action.action,
      reason: reason.value.trim(),
      ...more.read(),
      ...(fix ? { position: positionOf(fix) } : {}),
    }, files, { action: action.label, type: headline(row) }, opened);
    dialog.close();
    done(!added);
  }
}
