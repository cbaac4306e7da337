// What the draft means against today: totals, what moves from where to where, the chosen grid, faults that zoom.
import { badge, el, icon } from "@geo/dom.js";
import { fill, gettext, ngettext } from "@geo/i18n.js";
import { openDialog } from "@geo/dialog.js";
import { fullName } from "./draft.js";
import { boxOf } from "./topology.js";
import { count, difference, measured, statusWord } from "./words.js";

const FLOWS_SHOWN = 12;
const FAULTS_SHOWN = 40;
// Read off the shape of a grid, not counted in it: they do not move with the ground.
const TONES = { under: ["soon", "trend-down"], within: ["ontime", "tick"], over: ["overdue", "trend-up"] };

export class Consequences {
  constructor(place, { draft, stage, choose }) {
    Object.assign(this, { place, draft, stage, choose, chosen: null, shown: true });
    for (const name of ["figures", "change", "today"]) draft.on(name, () => this.draw());
  }

  measures() {
    return this.draft.figures?.measures ?? [];
  }

  #gridName(code) {
    for (const grid of this.draft.grids.values()) if (grid.in_force === code && grid.active) return fullName(grid);
    return this.draft.today.get(code)?.name || code?.slice(-3) || gettext("outside all grids");
  }

  draw() {
    if (!this.shown || !this.draft.figures) return;
    const scroll = this.place.scrollTop;
    this.place.replaceChildren(el("div.consequences", {}, this.#summary(), this.#grid(), this.#flows(), this.#faults()));
    this.place.scrollTop = scroll;
    // Errors stand on the map by themselves; what is only worth a look shows when it is chosen.
    this.stage.faults((this.draft.figures.faults ?? []).filter((fault) => fault.severity === "error").map((fault) => fault.geometry));
  }

  #summary() {
    const { figures } = this.draft;
    const active = this.draft.active();
    // Exclusive grids have no standard.
    const statuses = active.map((grid) => figures.grids?.[grid.number]?.status).filter(Boolean);
    const within = statuses.filter((one) => one === "within").length;
    const before = Object.keys(figures.today ?? {}).length;
    const moved = (figures.flows ?? []).filter((flow) => this.draft.grids.get(flow.to)?.in_force !== flow.from)
      .reduce((sum, flow) => sum + (flow.households ?? 0), 0);
    const homes = active.map((grid) => figures.grids?.[grid.number]?.households).filter((one) => typeof one === "number");
    const figure = (value, label) => el("div.figure", {}, el("b", {}, value), el("span", {}, label));
    return el("section", {},
      el("div.figures.small-figures", {},
        figure(active.length, before && before !== active.length ? fill(gettext("grids, today %(n)s"), { n: before }) : gettext("grids")),
        figure(`${within}/${statuses.length}`, gettext("within the standard")),
        figure(count(moved), gettext("homes change grid"))),
      homes.length ? el("p.small.muted", {}, fill(gettext("From %(low)s to %(high)s homes a grid"), { low: count(Math.min(...homes)), high: count(Math.max(...homes)) })) : null,
      el("button.button.small", { type: "button", onclick: () => this.#all() }, icon("table"), gettext("All figures")));
  }

  #grid() {
    const grid = this.draft.grids.get(this.chosen);
    if (!grid?.active) return null;
    const now = this.draft.figures.grids?.[grid.number] ?? {};
    const before = grid.in_force ? this.draft.figures.today?.[grid.in_force] : null;
    const [tone, shape] = TONES[now.status] ?? [];
    return el("section", {}, el("h3.section-title", {}, fullName(grid), tone ? badge(tone, shape, statusWord(now.status)) : null),
      el("table.table.dense.measure-table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, gettext("Measure")),
        el("th.number", { scope: "col" }, gettext("Today")), el("th.number", { scope: "col" }, gettext("Plan")), el("th.number", { scope: "col" }, "±"))),
      el("tbody", {}, ...this.measures().filter((measure) => now[measure.id] || before?.[measure.id]).map((measure) => {
        const by = difference(now[measure.id], before?.[measure.id], measure);
        return el("tr", {}, el("th", { scope: "row", title: measure.definition ?? "" }, measure.label), el("td.number", {}, before ? measured(before[measure.id], measure) : "—"),
          el("td.number.strong", {}, measured(now[measure.id], measure)), el("td.number.by", {}, by));
      }))));
  }

  /** "142 households", "3 open cases" of a flow: every measure that has something to say. */
  flowWords(flow) {
    const parts = [];
    for (const measure of this.measures()) {
      const value = flow[measure.id];
      if (!value || measure.flow === false) continue;
      parts.push(fill(gettext("%(value)s %(what)s"), { value: measured(value, measure), what: measure.label }));
    }
    return parts;
  }

  #flows() {
    const flows = (this.draft.figures.flows ?? []).filter((flow) => this.draft.grids.get(flow.to)?.in_force !== flow.from);
    flows.sort((a, b) => (b.households ?? 0) - (a.households ?? 0));
    const mine = this.chosen ? flows.filter((flow) => flow.to === this.chosen || this.draft.grids.get(this.chosen)?.in_force === flow.from) : flows;
    const shown = mine.slice(0, FLOWS_SHOWN);
    return el("section", {}, el("h3.section-title", {}, gettext("What moves")),
      shown.length ? el("ul.flows", {}, ...shown.map((flow) => el("li", {},
        el("button.flow", { type: "button", onclick: () => { this.choose(flow.to); this.#showFlow(flow); } },
          el("span.strong", {}, this.#gridName(flow.from)), icon("right"), el("span.strong", {}, fullName(this.draft.grids.get(flow.to) ?? { number: flow.to }))),
        el("span.small", {}, this.flowWords(flow).join("、") || gettext("nothing but ground")))))
        : el("p.muted", {}, this.chosen ? gettext("Nothing moves into this grid or out of it.") : gettext("Nothing moves: the draft is as today.")),
      mine.length > FLOWS_SHOWN ? el("p.small.muted", {}, fill(gettext("and %(n)s more"), { n: mine.length - FLOWS_SHOWN })) : null);
  }

  #showFlow(flow) {
    const blocks = [...this.draft.blocks.values()].filter((block) => block.grid === flow.to && (block.today ?? null) === flow.from);
    if (!blocks.length) return;
    const polygons = blocks.map((block) => block.polygon);
    this.stage.zoomTo(boxOf(polygons));
    this.stage.flash(polygons);
  }

  #faults() {
    const faults = this.draft.figures.faults ?? [];
    return el("section", {}, el("h3.section-title", {}, gettext("Faults"), el("span.count", {}, String(faults.length))),
      faults.length ? el("ul.faults", {}, ...faults.slice(0, FAULTS_SHOWN).map((fault) =>
        el("li", {}, el(`button.fault.is-${fault.severity === "error" ? "overdue" : "soon"}`, { type: "button", onclick: () => this.#showFault(fault) },
          icon(fault.severity === "error" ? "bang" : "info"), el("span.grow", {}, fault.text), fault.bbox || fault.geometry ? icon("locate") : null))))
        : el("p.muted", {}, icon("tick"), " ", gettext("None: no gap, no overlap, nothing cut in two.")),
      faults.length > FAULTS_SHOWN ? el("p.small.muted", {}, fill(gettext("and %(n)s more"), { n: faults.length - FAULTS_SHOWN })) : null);
  }

  #showFault(fault) {
    if (fault.grid) this.choose(fault.grid);
    const box = fault.bbox ?? (fault.geometry ? boxOf(fault.geometry.coordinates ?? []) : this.stage.draft.box(fault.grid));
    this.stage.zoomTo(box);
    if (fault.geometry) this.stage.faults([fault.geometry]);
    this.stage.announce?.(fault.text);
  }

  /** Every measure of every grid, the change against today beneath. */
  #all() {
    const { figures } = this.draft;
    const measures = this.measures();
    const table = el("table.table.dense.all-figures", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, gettext("Grid")),
      ...measures.map((measure) => el("th.number", { scope: "col", title: measure.definition ?? "" }, measure.label)))),
    el("tbody", {}, ...this.draft.active().map((grid) => {
      const now = figures.grids?.[grid.number] ?? {};
      const before = grid.in_force ? figures.today?.[grid.in_force] : null;
      return el("tr", {}, el("th", { scope: "row" }, fullName(grid)), ...measures.map((measure) => {
        const by = difference(now[measure.id], before?.[measure.id], measure);
        return el("td.number", {}, measured(now[measure.id], measure), by ? el("span.by", {}, by) : null);
      }));
    })), figures.total ? el("tfoot", {}, el("tr", {}, el("th", { scope: "row" }, gettext("All grids")), ...measures.map((measure) => el("td.number", {}, measured(figures.total[measure.id], measure))))) : null);
    openDialog(gettext("All figures"), [
      el("p.hint", {}, fill(ngettext("%(n)s measure; the small figure is the change against today.", "%(n)s measures; the small figures are the change against today.", measures.length), { n: measures.length })),
      el("div.table-wrap", { tabIndex: 0, role: "region", "aria-label": gettext("All figures") }, table)], { wide: true });
  }
}
