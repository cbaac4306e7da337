// Review and publication of a plan: remarks on the map, what publishing would do, the steps, and the buttons.
import { ask, openDialog } from "@geo/dialog.js";
import { el, icon, one, stateBox } from "@geo/dom.js";
import { getJSON, newKey, sendJSON } from "@geo/http.js";
import { fill, gettext, ngettext } from "@geo/i18n.js";
import { subscribe } from "@geo/live.js";
import { paced } from "@geo/pace.js";
import { ago, exact } from "@geo/times.js";
import { toast } from "@geo/toast.js";
import { Draft } from "./planner/draft.js";
import { blocked, foretold } from "./planner/foretold.js";
import { createStage } from "./planner/stage.js";
import { pinStyle } from "./planner/styles.js";

const root = one("#review");
const draft = new Draft(Number(root.dataset.plan));
let stage = null;
let remarks = [];
let found = null;
let pinning = false;
let hot = null;

// What somebody may do now; two modules of the server tell it, one of them by other names.
const can = (name) => {
  const known = draft.plan?.can ?? {};
  const other = { approve: "review", return: "review", undo: "undo_publication" }[name];
  return Boolean(known[name] ?? known[other]);
};
const state = () => draft.plan?.state;

async function part(place, load) {
  try {
    await load();
  } catch (error) {
    one(place).replaceChildren(el("p.muted", {}, error.message), el("button.button.small", { type: "button", onclick: () => part(place, load) }, gettext("Try again")));
  }
}

// --- remarks ------------------------------------------------------------------------------------------------
const loadRemarks = () => part("#remarks", async () => {
  remarks = (await getJSON(`${draft.url}remarks/`)).remarks;
  drawRemarks();
});

function drawRemarks() {
  const waiting = remarks.filter((remark) => !remark.resolved_at).length;
  one("#remark-count").textContent = remarks.length ? `${waiting}/${remarks.length}` : "0";
  const may = mayRemark();
  one("#new-remark").hidden = !may;
  one("#remarks").replaceChildren(remarks.length ? el("ul.remarks", {}, ...remarks.map((remark, index) => el(`li.remark${remark.resolved_at ? ".resolved" : ""}${remark.id === hot ? ".hot" : ""}`, { "data-remark": remark.id },
    el("button.pin-number", { type: "button", title: gettext("Show it"), "aria-label": `${gettext("Show it")} ${index + 1}`, onclick: () => showRemark(remark) }, String(index + 1)),
    el("p", {}, remark.text),
    may && !remark.resolved_at ? el("button.button.small", { type: "button", onclick: () => settle(remark) }, icon("tick"), gettext("Settled")) : el("span"),
    el("span.small.muted", {}, `${remark.user} · ${ago(remark.at)}`, remark.resolved_at ? ` · ${fill(gettext("settled by %(who)s"), { who: remark.resolved_by ?? "" })}` : ""))))
    : el("p.muted", {}, may ? gettext("None yet. Pin one to the place it is about.") : gettext("None.")));
  drawPins();
}

function drawPins() {
  if (!stage) return;
  stage.fill("remarks", remarks.map((remark, index) => {
    const feature = stage.feature(remark.id, "Point", [remark.lon, remark.lat]);
    feature.setStyle(pinStyle({ resolved: Boolean(remark.resolved_at), hot: remark.id === hot, text: String(index + 1) }));
    return feature;
  }));
}

function showRemark(remark) {
  hot = remark.id;
  drawRemarks();
  stage?.map.flyTo([remark.lon, remark.lat], { metres: 1.5 });
  one(`[data-remark="${remark.id}"]`)?.scrollIntoView({ block: "nearest" });
}

async function settle(remark) {
  try {
    await sendJSON(`${draft.url}remarks/${remark.id}/resolve/`, {});
    loadRemarks();
  } catch (error) {
    toast(error, { bad: true });
  }
}

// The server takes remarks on a plan that is under way, from those who draw and those who review.
const mayRemark = () => ["draft", "returned", "submitted", "approved"].includes(state())
  && (can("edit") || can("approve") || can("return") || can("remark") || can("submit") || can("withdraw") || can("publish"));

function pinMode(on) {
  pinning = on;
  one("#new-remark").setAttribute("aria-pressed", String(on));
  const words = one("#pin-words");
  words.hidden = !on;
  stage.map.element.classList.toggle("drawing", on);
  if (on) {
    words.replaceChildren(el("span.grow", {}, gettext("Click the place the remark is about; with the map in focus Enter takes its middle.")),
      el("button.button.small", { type: "button", onclick: () => pinMode(false) }, gettext("Cancel")));
    stage.map.element.focus();
  }
}

function askRemark(place) {
  pinMode(false);
  stage.map.pin(place);
  const text = el("textarea", { id: "remark-text", maxLength: 2000, required: true });
  const key = newKey();
  const send = async () => {
    if (!text.value.trim()) return text.focus();
    try {
      await sendJSON(`${draft.url}remarks/`, { lon: place[0], lat: place[1], text: text.value.trim(), client_key: key }, { key });
      dialog.close();
      loadRemarks();
    } catch (error) {
      toast(error, { bad: true });
    }
  };
  const dialog = openDialog(gettext("Remark on this place"), el("div.field", {}, el("label", { htmlFor: "remark-text" }, gettext("What is to be changed here?")), text), {
    foot: [el("button.button", { type: "button", onclick: () => dialog.close() }, gettext("Cancel")), el("button.button.main", { type: "button", onclick: send }, gettext("Pin it"))],
    onclose: () => stage.map.pin(null),
  });
  text.focus();
}
one("#new-remark").addEventListener("click", () => pinMode(!pinning));

// --- consequences and steps ---------------------------------------------------------------------------------
const loadConsequences = () => part("#consequences", async () => {
  found = await getJSON(`${draft.url}consequences/`, { timeout: 60000 });
  one("#consequences").replaceChildren(foretold(found));
  const stale = one("#stale");
  stale.hidden = !found.ground?.changed;
  if (found.ground?.changed) {
    stale.replaceChildren(el("div.banner.bad", {}, icon("bang"), el("span.grow", {}, found.ground.text)),
      can("rebase") || can("edit") ? el("button.button", { type: "button", onclick: () => step("rebase") }, icon("refresh"), gettext("I have checked it against the new borders")) : el("span"));
  }
  drawActions();
});

const loadSteps = () => part("#steps", async () => {
  const { steps } = await getJSON(`${draft.url}steps/`);
  one("#steps").replaceChildren(steps.length ? el("ol.story", {}, ...steps.slice().reverse().map((row, index) => el(index ? "li" : "li.now", {},
    el("div.who", {}, el("b", {}, row.label), el("span", {}, row.user ?? gettext("By itself")), el("time.when", { title: exact(row.at) }, ago(row.at))),
    row.note ? el("p.said", {}, row.note) : null))) : el("p.muted", {}, gettext("Not handed in yet.")));
});

// --- actions ------------------------------------------------------------------------------------------------
async function step(action, body = {}) {
  try {
    await sendJSON(`${draft.url}${action}/`, { ...body, client_key: newKey() }, { timeout: 120000 });
    location.reload();
    return true;
  } catch (error) {
    const lines = error.errors?.map((item) => item.detail).filter((line) => line !== error.message) ?? [];
    toast([error.message, ...lines].join(" "), { bad: true });
    return false;
  }
}

/** Asks for a note and takes a step. */
function withNote(title, words, label, verb, act, { needed = false, more = [] } = {}) {
  const note = el("textarea", { id: "step-note", maxLength: 2000, required: needed });
  const go = el("button.button.main", { type: "button", onclick: async () => {
    if (needed && !note.value.trim()) return note.focus();
    go.classList.add("busy");
    if (await act(note.value.trim())) dialog.close();
    go.classList.remove("busy");
  } }, verb);
  const dialog = openDialog(title, [words ? el("p", {}, words) : null, ...more, el("div.field", {}, el(needed ? "label.needed" : "label", { htmlFor: "step-note" }, label), note)].filter(Boolean), {
    foot: [el("button.button", { type: "button", onclick: () => dialog.close() }, gettext("Cancel")), go], wide: more.length > 0,
  });
  if (!more.length) note.focus();
  return dialog;
}

async function publishDialog() {
  const local = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai" }).format(new Date());
  const day = el("input", { id: "publish-day", type: "date", value: draft.plan.effective_on ?? local, min: local });
  const hint = el("p.hint");
  const tell = () => { hint.textContent = day.value > local ? gettext("It is published by itself on that day, just after midnight.") : gettext("It is published now, in one piece: nobody sees half of it."); };
  day.addEventListener("change", tell);
  tell();
  const asked = one('[data-act="publish"]');
  asked.classList.add("busy");
  let page;
  try {
    page = await getJSON(`${draft.url}consequences/`, { timeout: 60000 });
  } catch (error) {
    toast(error, { bad: true });
    return;
  } finally {
    asked.classList.remove("busy");
  }
  const dialog = withNote(gettext("Publish the plan"), "", gettext("Note"), gettext("Publish"),
    (note) => step("publish", { note, effective_on: day.value || null }), {
      more: [foretold(page, { all: true }), page.remarks_open ? el("p", {}, fill(ngettext("%(n)s remark is not settled.", "%(n)s remarks are not settled.", page.remarks_open), { n: page.remarks_open })) : null,
        el("div.field", {}, el("label", { htmlFor: "publish-day" }, gettext("Comes into force on")), day, hint)].filter(Boolean),
    });
  if (blocked(page)) dialog.querySelector(".dialog-foot .main").disabled = true;
}

function drawActions() {
  const place = one("#review-actions");
  const button = (id, shape, label, act, main = false) => el(main ? "button.button.main" : "button.button", { type: "button", "data-act": id, onclick: act }, icon(shape), label);
  const now = state();
  const buttons = [];
  if (can("submit") && ["draft", "returned"].includes(now)) {
    buttons.push(button("submit", "check", gettext("Hand in for review"), () => withNote(gettext("Hand in for review"), gettext("The draft is closed while it is reviewed."), gettext("Note for the reviewers"), gettext("Hand in"), (note) => step("submit", { note })), true));
  }
  if (can("withdraw") && ["submitted", "approved"].includes(now)) buttons.push(button("withdraw", "undo", gettext("Take back"), () => withNote(gettext("Take back"), gettext("The plan is a draft again."), gettext("Note"), gettext("Take back"), (note) => step("withdraw", { note }))));
  if (can("return") && ["submitted", "approved"].includes(now)) buttons.push(button("return", "return", gettext("Return"), () => withNote(gettext("Return the plan"), "", gettext("What is to be changed?"), gettext("Return"), (note) => step("return", { note }), { needed: true })));
  if (can("approve") && now === "submitted") buttons.push(button("approve", "tick", gettext("Approve"), () => withNote(gettext("Approve the plan"), "", gettext("Note"), gettext("Approve"), (note) => step("approve", { note })), true));
  if (can("publish") && now === "approved") buttons.push(button("publish", "play", draft.plan.effective_on ? gettext("Change the day or publish") : gettext("Publish …"), publishDialog, true));
  if (can("undo") && now === "published") {
    buttons.push(button("undo", "undo", gettext("Undo the publication …"), async () => {
      const sure = await ask(gettext("Undo the publication?"), gettext("The borders before it come back into force under their own codes, and what was handed over returns unless somebody acted on it since. Everybody sees it at once."), gettext("Undo the publication"));
      if (sure) step("undo-publication");
    }));
  }
  place.replaceChildren(...buttons);
}

// --- first look -----------------------------------------------------------------------------------------------
async function start() {
  try {
    await draft.loadPlan();
  } catch (error) {
    one("#remarks").replaceChildren(stateBox("offline", gettext("The plan could not be read"), error.message));
    return;
  }
  drawActions();
  const drawn = (async () => {
    await draft.loadBlocks();
    stage = await createStage(one("#map"), draft, { tools: matchMedia("(max-width: 760px)").matches ? ["layers"] : ["layers", "basemaps", "measure", "fullscreen"] });
    await draft.loadToday();
    await draft.loadFigures().catch(() => {});
    one("#planner-legend").append(...[["ghost", gettext("Today's borders")], ["moved", gettext("Changes grid")]].map(([what, label]) =>
      el("label.legend-row", {}, el("input", { type: "checkbox", checked: true, onchange: ({ currentTarget }) => stage.toggle(what, currentTarget.checked) }), el(`i.legend-${what}`), label)));
    stage.onproject = drawPins;
    stage.map.on("click", ({ lonlat }) => {
      if (pinning) return askRemark(lonlat);
      const near = stage.source("remarks").getFeatures().find((feature) => {
        const [x, y] = stage.map.ol.getPixelFromCoordinate(feature.getGeometry().getCoordinates());
        const [cx, cy] = stage.pixel(lonlat);
        return Math.hypot(x - cx, y - cy) < 16;
      });
      if (near) showRemark(remarks.find((remark) => remark.id === near.getId()));
    });
    stage.map.element.addEventListener("keydown", (event) => { if (event.key === "Escape" && pinning) pinMode(false); });
  })();
  await Promise.all([loadRemarks(), loadSteps(), loadConsequences(), drawn.catch((error) => stage?.map.note("plan", error.message) ?? toast(error, { bad: true }))]);
  drawRemarks();
  root.dataset.ready = "1";
}

const again = paced(async () => {
  const before = state();
  await draft.loadPlan();
  if (state() !== before && !document.querySelector("dialog[open]")) return location.reload();
  loadRemarks();
  loadSteps();
}, 1500);
subscribe((event) => { if (event.layer === "*" || (event.layer === "plans" && event.row === root.dataset.row)) again(); });
start();
