// The editor of a boundary plan: table, map, consequences and log, bound to one draft.
import { all, el, icon, one, onClick, stateBox } from "@geo/dom.js";
import { getJSON, request } from "@geo/http.js";
import { fill, gettext, ngettext } from "@geo/i18n.js";
import { on } from "@geo/keys.js";
import { subscribe } from "@geo/live.js";
import { paced } from "@geo/pace.js";
import { toast } from "@geo/toast.js";
import { Consequences } from "./planner/consequences.js";
import { askGrid, conflict, editPlan, findingsList } from "./planner/dialogs.js";
import { Draft, fullName } from "./planner/draft.js";
import { Hand } from "./planner/hand.js";
import { Proposals } from "./planner/proposals.js";
import { Queue } from "./planner/queue.js";
import { NARROW, createStage } from "./planner/stage.js";
import { Strip } from "./planner/strip.js";
import { GridCard, GridTable } from "./planner/table.js";
import { Border } from "./planner/tool-border.js";
import { HandOver } from "./planner/tool-hand-over.js";
import { Toolbar } from "./planner/toolbar.js";
import { Carve, Cut, Lock, Merge, Reshape } from "./planner/tools.js";
import { boxOf } from "./planner/topology.js";

const PREPARE_POLL_MS = 1500;
const root = one("#planner");
const draft = new Draft(Number(root.dataset.plan));
const kinds = JSON.parse(one("#planner-kinds").textContent);
const spoken = one("#planner-say");
const say = (words) => {
  spoken.textContent = "";
  requestAnimationFrame(() => { spoken.textContent = words; });
  toolbar?.hint(words);
};
let stage = null;
let toolbar = null;

// --- head --------------------------------------------------------------------------------------------------
function head(plan) {
  one("#plan-name").textContent = plan.name;
  one("#plan-name").title = plan.note || plan.name;
  one("#plan-people").textContent = plan.created_by ? `${plan.created_by.name ?? plan.created_by}` : "";
  one("#plan-state span").textContent = plan.state_label ?? plan.state;
  one("#plan-edit").hidden = !plan.can?.edit;
}
draft.on("plan", head);

// --- before there is a draft ------------------------------------------------------------------------------
async function prepared() {
  for (;;) {
    const plan = await draft.loadPlan();
    if (plan.state === "preparing") {
      notice(gettext("The draft is being prepared: roads, water and buildings are cut into blocks. This page goes on by itself."), { busy: true });
      await new Promise((again) => setTimeout(again, PREPARE_POLL_MS));
      continue;
    }
    // The head was written while it was being prepared.
    if (root.dataset.state === "preparing") location.reload();
    notice(null);
    return plan;
  }
}

function notice(words, { bad = false, busy = false, buttons = [] } = {}) {
  const box = one("#planner-notice");
  box.hidden = !words;
  box.classList.toggle("bad", bad);
  box.classList.toggle("info", !bad);
  if (words) box.replaceChildren(busy ? el("span.spinner") : icon(bad ? "bang" : "info"), el("span.grow", {}, words), ...buttons);
}

function failed(plan) {
  const findings = plan.findings ?? [];
  const withdraw = async () => {
    try {
      await request(draft.url, { method: "DELETE" });
      location.href = "/planner/";
    } catch (error) {
      toast(error, { bad: true });
    }
  };
  one("#grid-table").replaceChildren(stateBox("bang", gettext("The draft could not be prepared"), plan.problem, el("a.button", { href: "/planner/" }, gettext("All plans")),
    plan.can?.withdraw ? el("button.button.danger", { type: "button", onclick: withdraw }, gettext("Withdraw the plan")) : ""),
    findingsList(findings, (finding) => stage?.zoomTo(boxOf(finding.geometry?.coordinates ?? [])), { bad: true }));
  one("#side").replaceChildren(el("p.muted.pad", {}, gettext("Each fault stands on the map. Mend the file and make the plan again.")));
  stage.faults(findings.map((finding) => finding.geometry));
  const boxes = findings.filter((finding) => finding.geometry).map((finding) => finding.geometry.coordinates);
  if (boxes.length) stage.zoomTo(boxOf(boxes));
}

// --- the draft ---------------------------------------------------------------------------------------------
async function start() {
  let plan;
  try {
    plan = await prepared();
  } catch (error) {
    notice(error.message, { bad: true, buttons: [el("button.button.small", { type: "button", onclick: () => location.reload() }, gettext("Try again"))] });
    return;
  }
  if (plan.state === "failed") {
    stage = await createStage(one("#map"), draft);
    return failed(plan);
  }
  notice(gettext("Loading the draft …"), { busy: true });
  try {
    await draft.loadBlocks();
  } catch (error) {
    notice(error.message, { bad: true, buttons: [el("button.button.small", { type: "button", onclick: () => location.reload() }, gettext("Try again"))] });
    return;
  }
  notice(null);
  stage = await createStage(one("#map"), draft);
  bind();
  stage.map.ol.updateSize();
  stage.map.fit(draft.box(), { padding: 40, top: 56, still: true });
  const quietly = (promise) => promise.catch((error) => notice(error.message, { bad: true, buttons: [el("button.button.small", { type: "button", onclick: () => location.reload() }, gettext("Try again"))] }));
  await Promise.all([quietly(draft.loadToday()), quietly(draft.loadFigures()), quietly(draft.loadEdits())]);
  root.dataset.ready = "1";
  stage.announce = say;
}

function bind() {
  const table = new GridTable(one("#grid-table"), { draft, choose, open: (number) => { choose(number); card.edit(); } });
  const card = new GridCard(one("#grid-card"), { draft, kinds, send, zoom: (number) => stage.zoomTo(draft.box(number)), handTo });
  const side = new Consequences(one("#side"), { draft, stage, choose });
  const proposals = new Proposals(one("#side"), { draft, stage, take, conflict: (error) => clash(error, null) });
  const hand = new Hand(stage);
  const queue = new Queue(draft, { take, refuse });
  const strip = new Strip(one("#planner-strip"), { draft, queue, canStep: () => draft.open });
  let snaps = false;
  const tool = { hand, stage, draft, send, say, choose, snap: () => (snaps ? { snap_m: 15 } : {}) };
  const handOver = new HandOver(tool);
  for (const next of [handOver, new Border(tool), new Reshape(tool), new Cut(tool), new Merge(tool), new Carve({ ...tool, ask: () => askGrid(kinds) }), new Lock(tool)]) hand.add(next);
  toolbar = new Toolbar(one("#planner-tools"), one("#tool-words"), {
    draft, hand, queue, handOver, plan: draft.id,
    snap: (on) => { if (on !== undefined) snaps = on; return snaps; },
    undo: () => queue.step("undo"), redo: () => queue.step("redo"),
  });

  function choose(number) {
    const grid = draft.grids.get(number);
    if (!grid) return;
    handOver.isNew = false;
    table.mark(number);
    stage.choose(number);
    side.chosen = number;
    side.draw();
    card.show(number);
    hand.refresh();
  }
  function handTo(number) {
    choose(number);
    if (hand.tool !== handOver) hand.take("hand_over");
    stage.map.element.focus();
  }

  // --- strokes ---------------------------------------------------------------------------------------------
  function send(op, params, options) {
    return queue.push(op, params, options);
  }
  async function take(change, stroke) {
    draft.apply(change);
    if (!change.figures) await draft.loadFigures().catch(() => {});
    const last = change.edits?.at(-1);
    const words = stroke?.which === "undo" ? fill(gettext("Undone: %(what)s"), { what: last?.summary ?? "" })
      : stroke?.which === "redo" ? fill(gettext("Done again: %(what)s"), { what: last?.summary ?? "" }) : last?.summary;
    say([words, result()].filter(Boolean).join(" · "));
    const fresh = (change.grids ?? []).filter((grid) => grid.active && stroke?.op === "cut" && grid.number !== stroke.params.grid);
    if (fresh.length) choose(fresh.at(-1).number);
    if (side.chosen && !draft.grids.get(side.chosen)?.active) {
      side.chosen = null;
      stage.choose(null);
      card.show(null);
      side.draw();
    }
  }
  function result() {
    const faults = draft.figures?.faults?.length ?? 0;
    const own = draft.figures?.grids?.[side.chosen];
    return [own?.households !== undefined && `${fullName(draft.grids.get(side.chosen))} ${own.households} ${gettext("homes")}`,
      faults ? fill(ngettext("%(n)s fault", "%(n)s faults", faults), { n: faults }) : ""].filter(Boolean).join("，");
  }
  let refused = null;
  function refuse(stroke, error) {
    stage.pick([]);
    stage.sketch(null);
    if (error.status === 409 && (error.problem.type ?? "").endsWith("conflict")) return clash(error, stroke);
    const words = [error.message, ...error.errors.map((item) => item.detail).filter((line) => line !== error.message)].join(" ");
    // A grid in parts may not be published; on the way to another border it may be meant.
    const apart = (error.problem.type ?? "").endsWith("parts") && stroke.op && !stroke.params.allow_parts;
    refused?.remove();
    refused = toast(words, { bad: true, ...(apart && { action: () => send(stroke.op, { ...stroke.params, allow_parts: true }), actionLabel: gettext("Do it all the same") }) });
    say(error.message);
    if (error.problem.geometry) stage.faults([error.problem.geometry]);
    // The draft may have been closed meanwhile.
    if ([403, 404, 409].includes(error.status)) draft.loadPlan().catch(() => {});
  }
  async function clash(error, stroke) {
    const known = draft.revision;
    const given = error.problem?.changes_since;
    let edits = [];
    try {
      if (given?.revision > known) {
        draft.apply(given);
        edits = given.edits ?? [];
        if (!given.figures) draft.loadFigures().catch(() => {});
      } else edits = await draft.catchUp();
    } catch { /* the dialog still says what happened */ }
    if (!edits.length) edits = error.problem?.edits ?? [];
    const grids = [...new Set([...(error.problem?.grids ?? []), ...(given?.grids ?? []).map((grid) => grid.number)])];
    conflict({
      detail: error.message, edits, blocked: !stroke,
      show: () => {
        const shapes = grids.map((number) => draft.shapes.get(number)).filter(Boolean);
        if (!shapes.length) return;
        stage.zoomTo(boxOf(shapes));
        stage.flash(shapes.flat());
      },
      again: () => (stroke.which ? queue.step(stroke.which, stroke.number) : send(stroke.op, stroke.params)),
    });
  }

  queue.addEventListener("change", () => {
    toolbar.refresh();
    const { size } = queue;
    if (queue.lost && size) {
      notice(fill(ngettext("No connection: %(n)s stroke waits here and is sent when it is back.", "No connection: %(n)s strokes wait here and are sent when it is back.", size), { n: size }), {
        bad: true, buttons: [el("button.button.small", { type: "button", onclick: () => queue.send() }, gettext("Send now")),
          el("button.button.small", { type: "button", onclick: () => { queue.drop(); stage.pick([]); stage.sketch(null); } }, gettext("Give up"))],
      });
    } else if (one("#planner-notice").dataset.kind !== "kept") notice(null);
  });

  // --- others ----------------------------------------------------------------------------------------------
  const hear = paced(async () => {
    if (queue.busy) return hear();
    try {
      const state = draft.plan.state;
      const edits = await draft.catchUp();
      if (edits.length) {
        toast(Strip.words(edits.slice(-2)));
        say(Strip.words(edits.slice(-2)));
      }
      const plan = await getJSON(draft.url);
      if (plan.state !== state) location.reload();
      else if (plan.name !== draft.plan.name || JSON.stringify(plan.standard) !== JSON.stringify(draft.plan.standard)) {
        await draft.loadPlan();
        await draft.loadFigures();
      }
    } catch { /* the sign in the header tells that the line is down */ }
  }, 800);
  subscribe((event) => {
    if (event.layer === "*" || (event.layer === "plans" && event.row === root.dataset.row)) hear();
  });

  // --- looking ---------------------------------------------------------------------------------------------
  hand.addEventListener("look", ({ detail }) => {
    const block = draft.blockAt(detail);
    if (block) choose(block.grid);
  });
  hand.addEventListener("key", ({ detail }) => detail === "c" && draft.open && hand.take("cut"));
  onClick("[data-community]", (chip) => {
    const code = chip.dataset.community;
    const off = table.community === code;
    table.community = off ? "" : code;
    for (const other of all("[data-community]")) other.setAttribute("aria-pressed", String(!off && other === chip));
    table.draw();
    const shapes = draft.active().filter((grid) => off || grid.community_code === code).map((grid) => draft.shapes.get(grid.number)).filter(Boolean);
    stage.zoomTo(boxOf(shapes));
  });
  onClick("#plan-edit", () => editPlan(draft, { done: async () => { await draft.loadPlan(); await draft.loadFigures(); } }));

  // --- right side ------------------------------------------------------------------------------------------
  const tabs = one("#side-tabs");
  function show(which) {
    for (const tab of all("[role=tab]", tabs)) tab.setAttribute("aria-selected", String(tab.dataset.tab === which));
    side.shown = which === "consequences";
    if (which === "consequences") {
      proposals.hide();
      side.draw();
    } else {
      proposals.show();
    }
  }
  const tab = (id, label) => el("button", { type: "button", role: "tab", "data-tab": id, "aria-controls": "side", onclick: () => show(id) }, label);
  tabs.append(tab("consequences", gettext("Consequences")), tab("proposals", gettext("Proposals")));
  show("consequences");

  // --- keys ------------------------------------------------------------------------------------------------
  const TOOL_KEYS = { b: "hand_over", v: "border", c: "cut", m: "merge", x: "carve", l: "lock" };
  for (const [key, id] of Object.entries(TOOL_KEYS)) {
    for (const each of [key, key.toUpperCase()]) on(each, () => (draft.open ? (hand.take(id), id === "hand_over" && stage.map.element.focus()) : false));
  }
  on("j", () => table.step(1));
  on("k", () => table.step(-1));
  on("f", () => stage.map.element.focus());
  on("s", () => { snaps = !snaps; toolbar.refresh(); say(snaps ? gettext("Lines snap to roads.") : gettext("Lines stay where they are drawn.")); });
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && !event.defaultPrevented && hand.escape()) event.preventDefault();
    if (!(event.ctrlKey || event.metaKey) || event.altKey || /^(INPUT|TEXTAREA)$/.test(event.target.tagName)) return;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    if (!draft.open) return;
    queue.step(key === "y" || event.shiftKey ? "redo" : "undo");
  });

  function shows(which) {
    root.dataset.shows = which;
    for (const other of all("#planner-switch [data-show]")) other.setAttribute("aria-pressed", String(other.dataset.show === which));
    stage.map.ol.updateSize();
  }
  onClick("#planner-switch [data-show]", (button) => shows(button.dataset.show));
  // On a phone one of the three is seen at a time: whoever takes a tool or looks for a place wants the map.
  if (NARROW) {
    stage.onlook = () => shows("map");
    hand.addEventListener("taken", () => shows("map"));
  }

  // --- legend ----------------------------------------------------------------------------------------------
  const layerSwitch = (what, label) => el("label.legend-row", {}, el("input", { type: "checkbox", checked: true, onchange: ({ currentTarget }) => stage.toggle(what, currentTarget.checked) }), el(`i.legend-${what}`), label);
  one("#planner-legend").append(layerSwitch("ghost", gettext("Today's borders")), layerSwitch("moved", gettext("Changes grid")));

  if ((draft.plan.findings ?? []).length) {
    // Each stands on the map while the list is open, as it is when the draft begins.
    const box = el("details.repairs", {
      open: draft.revision === 0, ontoggle: ({ currentTarget }) => stage.repairs(currentTarget.open ? draft.plan.findings.map((finding) => finding.geometry) : []),
    }, el("summary", {}, fill(ngettext("%(n)s repair was made when the draft began", "%(n)s repairs were made when the draft began", draft.plan.findings.length), { n: draft.plan.findings.length })),
      findingsList(draft.plan.findings, (finding) => {
        if (!finding.geometry) return;
        stage.repairs([finding.geometry]);
        stage.zoomTo(boxOf(finding.geometry.coordinates));
      }));
    one("#grid-scroll").append(box);
  }
  if (!draft.open) root.classList.add("read-only");
  // For whoever asks from the console: where a block lies on the screen, what waits to be sent.
  window.planner = { draft, stage, hand, queue };
  head(draft.plan);
  table.draw();
  strip.draw();
  queue.send();
}

start();
