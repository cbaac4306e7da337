// The smaller inputs of an action (stars, working time, a day, units, choices), drawn as the server tells them.
import { el } from "@geo/dom.js";
import { fill, gettext } from "@geo/i18n.js";
import { get } from "./api.js";

/**
 * Fields for `inputs` (see the API's InputOut). Returns {elements, read, lacks}: what to show, the values as the
 * API takes them, and what is still missing in words.
 */
export function inputFields(number, inputs) {
  const fields = inputs.map((input) => ({ input, ...(MAKERS[input.kind] || choice)(input, number) }));
  // What a person said is asked for only once the person was reached.
  const reached = fields.find(({ input }) => input.name === "contacted");
  const after = fields.filter(({ input }) => input.name === "solved" || input.name === "satisfied");
  const follow = () => after.forEach((field) => { field.element.hidden = reached.read() !== true; });
  if (reached) {
    reached.element.addEventListener("change", follow);
    follow();
  }
  const asked = () => fields.filter((field) => !field.element.hidden);
  return {
    elements: fields.map((field) => field.element),
    read: () => Object.fromEntries(asked().map((field) => [field.input.name, field.read()]).filter(([, value]) => value !== null && value !== "")),
    lacks: () => asked()
      .filter(({ input, read }) => (input.needed || after.some((field) => field.input === input)) && empty(read()))
      .map(({ input }) => fill(gettext("Missing: %(what)s."), { what: input.label })),
  };
}

const empty = (value) => value === null || value === "" || (Array.isArray(value) && !value.length);
const TRUTH = { yes: true, no: false };

function choice(input) {
  const radios = input.choices.map(([value, words]) => {
    const radio = el("input", { type: "radio", name: `in-${input.name}`, value, checked: value === input.value });
    return { radio, label: el("label.check", {}, radio, words) };
  });
  return {
    element: el("fieldset.field", {}, el("legend", { className: input.needed ? "needed" : "" }, input.label), el("div.row-wrap", {}, ...radios.map((one) => one.label))),
    read: () => {
      const chosen = radios.find((one) => one.radio.checked)?.radio.value ?? null;
      if (input.name === "stars") return chosen === null ? null : Number(chosen);
      return chosen in TRUTH ? TRUTH[chosen] : chosen;
    },
  };
}

function labelled(input, control) {
  return el("div.field", {}, el("label", { htmlFor: control.id, className: input.needed ? "needed" : "" }, input.label), control);
}

function number(input) {
  const control = el("input.input", { id: `in-${input.name}`, type: "number", min: "0.5", step: "0.5", max: String(input.most), value: input.value || "", inputMode: "decimal" });
  return {
    element: el("div.field", {}, labelled(input, control), el("p.hint", {}, fill(gettext("At most %(most)s %(unit)s."), { most: input.most, unit: input.unit }))),
    read: () => (control.value === "" ? null : Number(control.value)),
  };
}

function day(input) {
  const control = el("input.input", { id: `in-${input.name}`, type: "date", min: input.first, max: input.last || "", value: input.value || "" });
  return { element: labelled(input, control), read: () => control.value || null };
}

// Units are many and change: they are asked for when the dialog opens, which needs a signal.
function units(input, caseNumber) {
  const many = input.kind === "units";
  const control = el("select.input", { id: `in-${input.name}`, multiple: many, size: many ? 5 : 1 }, !many && el("option", { value: "" }, gettext("Loading…")));
  get(`/api/cases/${encodeURIComponent(caseNumber)}/units/`).then(({ results }) => {
    control.replaceChildren(...(many ? [] : [el("option", { value: "" }, gettext("Choose"))]), ...results.map((unit) => el("option", { value: String(unit.id) }, unit.name)));
  }).catch(() => {
    control.replaceChildren(el("option", { value: "" }, gettext("The units can be chosen when there is a signal.")));
  });
  return {
    element: labelled(input, control),
    read: () => (many ? [...control.selectedOptions].map((option) => option.value).filter(Boolean) : control.value),
  };
}

const MAKERS = { choice, number, day, unit: units, units };
