// The planner's dialogs: a new plan, a plan's name and standard, the name of a carved grid, a conflict, repairs.
import { el, icon } from "@geo/dom.js";
import { openDialog } from "@geo/dialog.js";
import { getJSON, newKey, request } from "@geo/http.js";
import { fill, gettext } from "@geo/i18n.js";
import { ago } from "@geo/times.js";
import { areaPicker } from "./areas.js";
import { plansURL } from "./draft.js";

const field = (label, input, hint) => el("div.field", {}, el("label", { htmlFor: input.id }, label), input, hint ? el("p.hint", {}, hint) : null);
const button = (words, act, main = false) => el(main ? "button.button.main" : "button.button", { type: "button", onclick: act }, words);

/** What the server said against it, in the dialog; fields it named are marked. */
function complain(place, error, fields = {}) {
  const lines = error.errors?.length ? error.errors.map((one) => one.detail) : [];
  place.hidden = false;
  place.replaceChildren(icon("bang"), el("span.grow", {}, [error.message, ...lines.filter((line) => line !== error.message)].join(" ")));
  for (const one of error.errors ?? []) {
    const name = (one.pointer ?? one.field ?? "").replace(/^\//, "").split("/")[0];
    fields[name]?.setAttribute("aria-invalid", "true");
  }
}

export function newPlan() {
  const problem = el("div.banner.bad", { role: "alert", hidden: true });
  const name = el("input", { id: "new-name", maxLength: 100, required: true, autocomplete: "off" });
  const picker = areaPicker({
    onchange: (areas) => {
      listPlans();
      if (!name.dataset.typed) name.value = areas.length ? fill(gettext("%(names)s: new borders"), { names: areas.slice(0, 2).map((area) => area.name).join("、") }) : "";
    },
  });
  name.addEventListener("input", () => { name.dataset.typed = "1"; });
  const starts = [["in_force", gettext("Grids in force")], ["plan", gettext("Another plan")], ["file", gettext("A file")], ["outline", gettext("The bare outline")]];
  const more = el("div.stack");
  const from = el("select", { id: "new-from" });
  const file = el("input", { id: "new-file", type: "file", accept: ".gpkg,.geojson,.json,.zip,.shp,.kml,.gml,.dxf,.tab,.fgb" });
  const crs = el("input", { id: "new-crs", placeholder: "EPSG:4490", maxLength: 40 });
  const layer = el("input", { id: "new-layer", maxLength: 80 });
  const codes = el("input", { id: "new-codes", maxLength: 60 });
  const names = el("input", { id: "new-names", maxLength: 60 });
  const grids = el("input", { id: "new-grids", type: "number", min: 1, max: 60, value: 1 });
  const start = () => starts.find(([id]) => form.querySelector(`#start-${id}`).checked)[0];

  let plans = null;
  /** Those that have one of the chosen communities. */
  function listPlans() {
    if (!plans) return;
    const wanted = new Set(picker.chosen());
    const fit = plans.filter((plan) => !wanted.size || plan.communities.some(({ code }) => wanted.has(code)));
    const kept = from.value;
    from.replaceChildren(...fit.map((plan) => el("option", { value: plan.id, selected: String(plan.id) === kept }, `${plan.name} · ${plan.state_label}`)));
    if (!fit.length) from.append(el("option", { value: "" }, gettext("No plan has one of these communities.")));
  }

  async function show() {
    const which = start();
    if (which === "plan") {
      more.replaceChildren(field(gettext("Plan"), from, gettext("Its borders are taken for the communities that both have.")));
      try {
        plans ??= (await getJSON(`${plansURL()}?limit=500`)).results.filter((plan) => !["preparing", "failed"].includes(plan.state));
        listPlans();
      } catch (error) {
        complain(problem, error);
      }
    } else if (which === "file") {
      more.replaceChildren(field(gettext("File"), file, gettext("GeoPackage, zipped Shapefile, GeoJSON, KML, DXF and others. Gaps and overlaps under 0.5 m are repaired, and each repair is shown.")),
        el("div.two", {}, field(gettext("Coordinate system"), crs, gettext("Empty: as the file says.")), field(gettext("Layer"), layer, gettext("Empty: the only one."))),
        el("div.two", {}, field(gettext("Field of codes"), codes), field(gettext("Field of names"), names)));
    } else if (which === "outline") more.replaceChildren(field(gettext("Number of grids"), grids, gettext("More than one are cut roughly equal; propose or draw from there.")));
    else more.replaceChildren();
  }

  const form = el("form.stack", { onsubmit: (event) => { event.preventDefault(); send(); } }, problem,
    el("div.field", {}, el("span.label.needed", {}, gettext("Communities")), picker.element),
    el("div.field", {}, el("label.needed", { htmlFor: name.id }, gettext("Name")), name),
    el("fieldset.field", {}, el("legend", {}, gettext("Start from")), el("div.choices", {}, ...starts.map(([id, label], index) =>
      el("label.choice", {}, el("input", { type: "radio", name: "start", id: `start-${id}`, checked: index === 0, onchange: show }), el("span", {}, label))))),
    more, el("button", { hidden: true }));
  const key = newKey();
  const make = button(gettext("Make the plan"), () => send(), true);

  async function send() {
    problem.hidden = true;
    if (!picker.chosen().length) return complain(problem, new Error(gettext("Choose at least one community.")));
    if (!name.value.trim()) {
      name.focus();
      return complain(problem, new Error(gettext("Give the plan a name.")));
    }
    const which = start();
    const given = { name: name.value.trim(), communities: picker.chosen(), start: which, client_key: key };
    if (which === "plan" && !from.value) return complain(problem, new Error(gettext("Choose a plan to start from.")));
    if (which === "plan") given.from = Number(from.value);
    if (which === "outline") given.grids = Number(grids.value) || 1;
    let body = given;
    if (which === "file") {
      if (!file.files.length) return complain(problem, new Error(gettext("Choose a file.")));
      body = new FormData();
      for (const [entry, value] of Object.entries(given)) {
        if (Array.isArray(value)) for (const one of value) body.append(entry, one);
        else body.append(entry, value);
      }
      body.append("file", file.files[0]);
      for (const [entry, input] of [["crs", crs], ["layer", layer], ["code_field", codes], ["name_field", names]]) if (input.value.trim()) body.append(entry, input.value.trim());
    }
    make.classList.add("busy");
    try {
      const plan = await request(plansURL(), { method: "POST", body, key, timeout: 120000 });
      location.href = `/planner/${plan.id}/`;
    } catch (error) {
      complain(problem, error, { name, file, crs, layer, code_field: codes, name_field: names, from, grids });
      problem.scrollIntoView({ block: "nearest" });
    } finally {
      make.classList.remove("busy");
    }
  }

  const dialog = openDialog(gettext("New plan"), form, { foot: [button(gettext("Cancel"), () => dialog.close()), make] });
  dialog.querySelector(".area-picker input").focus();
}

/** Name, note and standard of a plan; withdrawing it. */
export function editPlan(draft, { done }) {
  const { plan } = draft;
  const problem = el("div.banner.bad", { role: "alert", hidden: true });
  const name = el("input", { id: "edit-name", value: plan.name, maxLength: 100 });
  const note = el("textarea", { id: "edit-note", value: plan.note ?? "", maxLength: 2000 });
  const low = el("input", { id: "edit-low", type: "number", min: 1, max: 5000, value: plan.standard.low });
  const high = el("input", { id: "edit-high", type: "number", min: 1, max: 5000, value: plan.standard.high });
  const save = button(gettext("Save"), async () => {
    try {
      await request(draft.url, { method: "PATCH", body: { name: name.value.trim(), note: note.value, standard: { low: Number(low.value), high: Number(high.value) } } });
      dialog.close();
      done();
    } catch (error) {
      complain(problem, error, { name, note, standard: low });
    }
  }, true);
  const withdraw = el("button.button.danger", { type: "button", onclick: async () => {
    try {
      await request(draft.url, { method: "DELETE" });
      location.href = "/planner/";
    } catch (error) {
      complain(problem, error);
    }
  } }, icon("stop"), gettext("Withdraw the plan"));
  const dialog = openDialog(gettext("Name, note and standard"), el("form.stack", { onsubmit: (event) => { event.preventDefault(); save.click(); } }, problem,
    field(gettext("Name"), name), field(gettext("Note"), note),
    el("div.two", {}, field(gettext("Fewest households of a grid"), low), field(gettext("Most households of a grid"), high)),
    el("p.hint", {}, gettext("A withdrawn plan can be taken back from the list.")), el("button", { hidden: true })),
  { foot: [withdraw, el("span.grow"), button(gettext("Cancel"), () => dialog.close()), save] });
  name.select();
}

/** @returns {Promise<{name, kind}|null>} what a carved grid shall be called */
export function askGrid(kinds) {
  return new Promise((resolve) => {
    let answer = null;
    const name = el("input", { id: "carve-name", maxLength: 100, autocomplete: "off" });
    const kind = el("select", { id: "carve-kind" }, ...kinds.map((one) => el("option", { value: one.id, selected: one.id === "exclusive" }, one.label)));
    const finish = () => {
      answer = { name: name.value.trim(), kind: kind.value };
      dialog.close();
    };
    const dialog = openDialog(gettext("The carved grid"), el("form.stack", { onsubmit: (event) => { event.preventDefault(); finish(); } },
      field(gettext("Name"), name, gettext("A market, a hospital, a development zone: what it is known by.")), field(gettext("Kind"), kind), el("button", { hidden: true })),
    { foot: [button(gettext("Cancel"), () => dialog.close()), button(gettext("Carve out"), finish, true)], onclose: () => resolve(answer) });
    name.focus();
  });
}

/** Somebody else changed the same ground: who did what; see it, try again, or let it be. */
export function conflict({ detail, edits, show, again, blocked }) {
  const dialog = openDialog(gettext("Somebody was faster"), [
    el("p", {}, detail),
    edits.length ? el("ul.conflict-edits", {}, ...edits.map((edit) => el("li", {}, icon("user"), el("span.grow", {}, el("b", {}, edit.user), " ", edit.summary), el("small.muted", {}, ago(edit.at))))) : null,
    el("p.hint", {}, gettext("Nothing was overwritten. The map shows the draft as it is now; your stroke was not made.")),
  ], {
    foot: [
      button(gettext("Leave it"), () => dialog.close()),
      button(gettext("Show"), () => { dialog.close(); show(); }),
      blocked ? null : button(gettext("Try again"), () => { dialog.close(); again(); }, true),
    ].filter(Boolean),
  });
  return dialog;
}

/** What was repaired when a file was read, or what stood against it. */
export function findingsList(findings, show, { bad = false } = {}) {
  return el("ul.faults", {}, ...findings.map((finding) => el("li", {}, el(`button.fault.is-${bad ? "overdue" : "soon"}`, {
    type: "button", onclick: () => show(finding),
  }, icon(bad ? "bang" : "info"), el("span.grow", {}, finding.text), finding.geometry ? icon("locate") : null))));
}
