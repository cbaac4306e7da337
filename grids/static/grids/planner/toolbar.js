// The tools at the top with their keys, and the line over the map that says what the one in hand does.
import { el, icon } from "@geo/dom.js";
import { fill, gettext, ngettext } from "@geo/i18n.js";
import { fullName } from "./draft.js";

export class Toolbar {
  constructor(place, line, given) {
    Object.assign(this, { place, line }, given);
    const { draft, hand, queue } = this;
    const tool = (id, shape, label, key, words) => el("button.tool-button", {
      type: "button", "data-tool": id, "aria-pressed": "false", title: `${words} (${key})`, "aria-keyshortcuts": key, onclick: () => hand.take(id),
    }, icon(shape), el("span", {}, label), key ? el("kbd", {}, key) : null);
    this.step = (which, shape, label, keys) => el("button.tool-button.narrow", {
      type: "button", "data-step": which, title: `${label} (${keys})`, "aria-label": label, onclick: () => this[which](),
    }, icon(shape));
    this.tools = el("div.tool-row", {},
      tool("hand_over", "tool-hand", gettext("Hand over"), "B", gettext("Blocks go from grid to grid")),
      tool("border", "tool-border", gettext("Move border"), "V", gettext("Drag corners and edges")),
      tool("cut", "tool-cut", gettext("Cut"), "C", gettext("Cut a grid along a line")),
      tool("merge", "tool-merge", gettext("Merge"), "M", gettext("Two grids become one")),
      tool("carve", "tool-carve", gettext("Carve"), "X", gettext("Carve a grid out of others")),
      tool("lock", "lock", gettext("Lock"), "L", gettext("Nothing changes in a locked grid")));
    this.steps = el("div.tool-row", {}, this.step("undo", "undo", gettext("Undo"), "Ctrl+Z"), this.step("redo", "redo", gettext("Redo"), "Ctrl+Shift+Z"));
    this.state = el("span.queue-state.small", { role: "status" });
    this.links = el("div.tool-row.tool-links", {},
      el("a.button", { href: `/planner/${draft.id}/compare/` }, icon("swipe"), el("span", {}, gettext("Compare"))),
      el("a.button.main", { href: `/planner/${draft.id}/review/` }, icon("check"), el("span", {}, gettext("Review"))));
    place.append(this.tools, this.steps, this.state, el("span.grow"), this.links);
    hand.addEventListener("change", () => this.refresh());
    for (const name of ["change", "plan", "edits"]) draft.on(name, () => this.refresh());
    queue.addEventListener("change", () => this.refresh());
    this.refresh();
  }

  refresh() {
    const { draft, hand, queue } = this;
    const may = draft.open;
    this.tools.hidden = this.steps.hidden = !may;
    for (const button of this.tools.querySelectorAll("[data-tool]")) {
      const pressed = hand.tool?.id === button.dataset.tool || (button.dataset.tool === "border" && hand.tool?.id === "reshape");
      button.setAttribute("aria-pressed", String(pressed));
    }
    for (const which of ["undo", "redo"]) {
      const button = this.steps.querySelector(`[data-step="${which}"]`);
      const next = draft.plan[which];
      button.disabled = !next;
      const label = which === "undo" ? gettext("Undo") : gettext("Redo");
      button.title = next ? `${label}: ${next.summary} · ${next.user} (${which === "undo" ? "Ctrl+Z" : "Ctrl+Shift+Z"})` : label;
    }
    this.state.textContent = queue.size ? fill(ngettext("%(n)s stroke is being saved", "%(n)s strokes are being saved", queue.size), { n: queue.size }) : may ? "" : gettext("Read only");
    this.#line();
  }

  /** Says something for a while where the tool's words stand. */
  hint(words) {
    const place = this.line.querySelector(".tool-hint");
    if (place) place.textContent = words;
  }

  #line() {
    const { tool } = this.hand;
    this.line.hidden = !tool;
    if (!tool) return this.line.replaceChildren();
    const hint = this.line.querySelector(".tool-hint")?.textContent ?? "";
    const changed = this.shownTool !== tool;
    this.shownTool = tool;
    this.line.replaceChildren(...[el("span.grow", {}, tool.words()), ...this.#options(tool),
      el("button.button.small.quiet.icon-only", { type: "button", title: `${gettext("Lay the tool down")} (Esc)`, "aria-label": gettext("Lay the tool down"), onclick: () => this.hand.take(null) }, icon("close")),
      el("span.tool-hint", {}, changed ? "" : hint)]);
  }

  #options(tool) {
    const mode = (id, shape, label) => el("button.button.small", { type: "button", "aria-pressed": String(tool.mode === id), "data-mode": id, onclick: () => { tool.cancel(); tool.mode = id; this.refresh(); } }, icon(shape), label);
    const snap = () => el("button.button.small", { type: "button", "data-snap": "", "aria-pressed": String(this.snap()), title: gettext("Drawn lines follow roads that are near (S)"), onclick: () => { this.snap(!this.snap()); this.refresh(); } }, icon("link"), gettext("Snap to roads"));
    if (tool.id === "hand_over") {
      const target = el("select.input.small-input", { "aria-label": gettext("To grid"), "data-target": "", onchange: ({ currentTarget }) => { tool.target = currentTarget.value === "new" ? "new" : Number(currentTarget.value); } },
        el("option", { value: "", disabled: true, selected: !tool.target }, gettext("To grid …")),
        ...this.draft.active().map((grid) => el("option", { value: grid.number, selected: tool.target === grid.number, disabled: grid.locked }, fullName(grid))),
        el("option", { value: "new", selected: tool.target === "new" }, gettext("A new grid")));
      return [target, el("span.segmented", {}, mode("paint", "brush", gettext("Paint")), mode("lasso", "lasso", gettext("Lasso")), mode("estate", "home", gettext("Estate")), mode("building", "building", gettext("Building")))];
    }
    if (tool.id === "border" || tool.id === "reshape") {
      const kind = (id, shape, label) => el("button.button.small", { type: "button", "aria-pressed": String(tool.id === id), "data-mode": id, onclick: () => { if (tool.id !== id) this.hand.take(id); } }, icon(shape), label);
      return [el("span.segmented", {}, kind("border", "tool-border", gettext("Drag")), kind("reshape", "tool-line", gettext("New line"))), snap(), ...this.#lineButtons(tool)];
    }
    if (tool.id === "cut" || tool.id === "carve") return [snap(), ...this.#lineButtons(tool)];
    return this.#lineButtons(tool);
  }

  #lineButtons(tool) {
    if (!tool.finish) return [];
    const few = tool.points.length < tool.least;
    return [el("button.button.small", { type: "button", disabled: !tool.points.length, "data-back": "", onclick: () => tool.back() }, icon("undo"), gettext("Last corner")),
      el("button.button.small.main", { type: "button", disabled: few, "data-finish": "", onclick: () => tool.finish() }, icon("check"), gettext("Finish"))];
  }
}
