// The editor of a model's tree, and small behaviour of the forms of evaluation.
import { ask } from "@geo/dialog.js";
import { all, el, icon, one } from "@geo/dom.js";
import { sendJSON } from "@geo/http.js";
import { fill, gettext } from "@geo/i18n.js";
import { toast } from "@geo/toast.js";

// --- forms ------------------------------------------------------------------------------------------------------
for (const form of all("form[data-ask]")) {
  form.addEventListener("submit", async (event) => {
    if (form.dataset.sure) return;
    event.preventDefault();
    const verb = one("button", form).textContent.trim();
    if (await ask(verb, form.dataset.ask, verb)) { form.dataset.sure = "1"; form.requestSubmit(); }
  });
}
for (const box of all("[data-all]")) {
  box.addEventListener("change", () => {
    for (const other of all(`input[name="${box.dataset.all}"]`)) other.checked = box.checked;
  });
}
const indicator = one("[data-indicator]");
if (indicator) {
  const kind = one("[name=kind]", indicator);
  const show = () => {
    for (const field of all("[data-for]", indicator)) field.hidden = !field.dataset.for.split(" ").includes(kind.value);
  };
  kind.addEventListener("change", show);
  show();
}

// --- the tree: lines with a level; a line's children are those below it with a higher level ----------------------
const DEEPEST = 4;
const editor = one("#tree-editor");

const cents = (text) => {
  const number = Number(String(text).replace(",", "."));
  return Number.isFinite(number) && String(text).trim() ? Math.round(number * 100) : NaN;
};
const plain = (hundredths) => String(hundredths / 100);

class Tree {
  constructor(root) {
    this.root = root;
    this.place = one("[data-tree]", root);
    this.indicators = JSON.parse(one("#model-indicators").textContent);
    this.lines = [];
    this.past = [];
    this.serial = 0;
    this.revision = Number(root.dataset.revision);
    this.#read(JSON.parse(one("#model-tree").textContent), 0);
    this.saved = this.#state();
    this.tell(JSON.parse(one("#model-faults").textContent));
    this.draw();
    this.#listen();
  }

  #read(items, level) {
    for (const item of items) {
      this.lines.push(this.#line(level, item.name, item.weight, item.indicator));
      this.#read(item.children ?? [], level + 1);
    }
  }

  #line(level, name = "", weight = "", indicator = null) {
    this.serial += 1;
    return { key: this.serial, level, name, weight, indicator };
  }

  // --- what it is made of ---------------------------------------------------------------------------------------
  /** Index after the last line below line `at`. */
  end(at) {
    let next = at + 1;
    while (next < this.lines.length && this.lines[next].level > this.lines[at].level) next += 1;
    return next;
  }

  isParent(at) { return this.end(at) > at + 1; }

  parent(at) {
    for (let above = at - 1; above >= 0; above -= 1) if (this.lines[above].level < this.lines[at].level) return above;
    return -1;
  }

  /** Indexes of the children of a line; of the top lines for -1. */
  children(at) {
    const level = at < 0 ? 0 : this.lines[at].level + 1;
    const found = [];
    const stop = at < 0 ? this.lines.length : this.end(at);
    for (let below = at + 1; below < stop; below += 1) if (this.lines[below].level === level) found.push(below);
    return found;
  }

  sum(at) { return this.children(at).reduce((total, child) => total + cents(this.lines[child].weight), 0); }

  nested(at = -1) {
    return this.children(at).map((child) => {
      const { name, weight, indicator } = this.lines[child];
      const children = this.nested(child);
      return { name, weight, indicator: children.length ? null : indicator, children };
    });
  }

  #state() {
    return JSON.stringify([this.nested(), one("#model-name").value, one("#model-note").value]);
  }

  get dirty() { return this.#state() !== this.saved; }

  // --- changes --------------------------------------------------------------------------------------------------
  change(act, focus) {
    this.past.push(JSON.stringify(this.lines));
    if (this.past.length > 50) this.past.shift();
    act();
    this.draw();
    if (focus !== undefined) this.focus(focus);
  }

  undo() {
    const before = this.past.pop();
    if (!before) return;
    this.lines = JSON.parse(before);
    this.draw();
  }

  add(after = this.lines.length - 1, level = after < 0 ? 0 : this.lines[after].level) {
    const at = after < 0 ? 0 : this.lines[after].level >= level ? this.end(after) : after + 1;
    const line = this.#line(level);
    this.change(() => this.lines.splice(at, 0, line), line.key);
  }

  remove(at) {
    const near = this.lines[at - 1] ?? this.lines[this.end(at)];
    this.change(() => this.lines.splice(at, this.end(at) - at), near?.key);
    toast(gettext("Removed"), { undo: () => this.undo() });
  }

  shift(at, by) {
    const line = this.lines[at];
    const end = this.end(at);
    if (by > 0 && (at === 0 || this.lines[at - 1].level < line.level)) return;
    if (by < 0 && line.level === 0) return;
    const deepest = Math.max(...this.lines.slice(at, end).map((one) => one.level));
    if (deepest + by >= DEEPEST) { toast(fill(gettext("A model has at most %(n)s levels."), { n: DEEPEST }), { bad: true }); return; }
    this.change(() => { for (let below = at; below < end; below += 1) this.lines[below].level += by; }, line.key);
  }

  swap(at, by) {
    const line = this.lines[at];
    const siblings = this.children(this.parent(at));
    const other = siblings[siblings.indexOf(at) + by];
    if (other === undefined) return;
    this.change(() => {
      const first = by < 0 ? other : at;
      const moved = this.lines.splice(first, this.end(first) - first);
      // The second now begins where the first did.
      this.lines.splice(this.end(first), 0, ...moved);
    }, line.key);
  }

  /** Gives the children of every parent whose sum is not 100 equal weights, the rest to the first. */
  even() {
    this.change(() => {
      for (const at of [-1, ...this.lines.keys()]) {
        const children = this.children(at);
        if (!children.length || this.sum(at) === 10000) continue;
        const share = Math.floor(10000 / children.length);
        children.forEach((child, place) => { this.lines[child].weight = plain(place ? share : 10000 - share * (children.length - 1)); });
      }
    });
  }

  // --- drawing --------------------------------------------------------------------------------------------------
  draw() {
    this.place.replaceChildren(...this.lines.map((line, at) => this.#row(line, at)), this.#total());
    if (!this.lines.length) this.place.prepend(el("p.muted", {}, gettext("Begin with a group (for example: handling) or with an indicator.")));
    this.sums();
  }

  #row(line, at) {
    const parent = this.isParent(at);
    const options = [el("option", { value: "" }, parent ? gettext("group") : gettext("Indicator…")),
      ...this.indicators.map((choice) => el("option", { value: choice.id, selected: choice.id === line.indicator }, `${choice.name} · ${choice.kind}`))];
    const button = (shape, label, act, off = false) =>
      el("button.button.quiet.icon-only.small", { type: "button", tabIndex: -1, title: label, "aria-label": `${label}: ${line.name || gettext("new item")}`, disabled: off, onclick: act }, icon(shape));
    return el("div.tree-row", { role: "treeitem", "aria-level": line.level + 1, "data-key": line.key, "data-level": line.level, ...(parent ? { "aria-expanded": "true" } : {}) },
      el("input.input", { value: line.name, "data-field": "name", maxLength: 80, placeholder: gettext("Name of the item"), "aria-label": gettext("Name of the item") }),
      el("select.input", { "data-field": "indicator", disabled: parent, "aria-label": `${gettext("Indicator")}: ${line.name}` }, ...options),
      el("span.weight", {}, el("input.input", { value: line.weight, "data-field": "weight", inputMode: "decimal", "aria-label": `${gettext("Weight")}: ${line.name}` })),
      el("span.sum", { "data-sum": line.key, "aria-live": "polite" }),
      el("span.row-tools", {},
        button("left", gettext("Move out"), () => this.shift(this.at(line.key), -1), line.level === 0),
        button("right", gettext("Move in"), () => this.shift(this.at(line.key), 1)),
        button("up", gettext("Move up"), () => this.swap(this.at(line.key), -1)),
        button("down", gettext("Move down"), () => this.swap(this.at(line.key), 1)),
        button("plus", gettext("Add below it"), () => this.add(this.at(line.key), line.level + 1), line.level + 1 >= DEEPEST),
        button("trash", gettext("Remove"), () => this.remove(this.at(line.key)))));
  }

  #total() {
    return el("div.tree-total", {}, el("span.grow", {}, gettext("Top level")), el("span.sum", { "data-sum": "top" }));
  }

  at(key) { return this.lines.findIndex((line) => line.key === key); }

  focus(key, field = "name") { one(`[data-key="${key}"] [data-field="${field}"]`, this.place)?.focus(); }

  /** The sums of all parents, live; never by colour alone. */
  sums() {
    const show = (element, at) => {
      if (!element) return;
      const children = this.children(at);
      element.replaceChildren();
      if (!children.length) return;
      const total = this.sum(at);
      const good = total === 10000;
      const words = Number.isNaN(total) ? gettext("a weight is no number") : good ? "100" : `${plain(total)} ≠ 100`;
      element.append(el(`span.badge.is-${good ? "ontime" : "overdue"}`, { title: gettext("Sum of the weights below") }, icon(good ? "tick" : "bang"), `Σ ${words}`));
    };
    this.lines.forEach((line, at) => show(one(`[data-sum="${line.key}"]`, this.place), at));
    show(one('[data-sum="top"]', this.place), -1);
    one("[data-undo]", this.root).disabled = !this.past.length;
    one("[data-saved]", this.root).textContent = this.dirty ? gettext("Not saved yet") : "";
  }

  tell(faults) {
    one("[data-faults]", this.root).replaceChildren(...faults.map((text) => el("li", {}, icon("bang"), text)));
  }

  // --- saving ---------------------------------------------------------------------------------------------------
  async save() {
    const state = this.#state();
    try {
      const body = { revision: this.revision, tree: this.nested(), name: one("#model-name").value, note: one("#model-note").value };
      const answer = await sendJSON(this.root.dataset.save, body);
      this.revision = answer.revision;
      this.saved = state;
      this.tell(answer.faults);
      this.sums();
      if (!this.dirty) one("[data-saved]", this.root).textContent = answer.faults.length ? gettext("Saved; not ready to be published") : gettext("Saved; ready to be published");
      return true;
    } catch (error) {
      this.tell(error.errors?.length ? error.errors.map((found) => found.detail) : [error.message]);
      toast(error, { bad: true });
      return false;
    }
  }

  #listen() {
    this.place.addEventListener("input", ({ target }) => {
      const line = this.lines[this.at(Number(target.closest("[data-key]")?.dataset.key))];
      if (!line) return;
      if (target.dataset.field === "indicator") {
        line.indicator = target.value ? Number(target.value) : null;
        const chosen = this.indicators.find((choice) => choice.id === line.indicator);
        const name = one('[data-field="name"]', target.closest("[data-key]"));
        if (chosen && !line.name) { line.name = chosen.name; name.value = chosen.name; }
      } else line[target.dataset.field] = target.value.trim();
      this.sums();
    });
    this.place.addEventListener("keydown", (event) => {
      const row = event.target.closest("[data-key]");
      if (!row) return;
      const at = this.at(Number(row.dataset.key));
      const field = event.target.dataset.field ?? "name";
      const done = () => event.preventDefault();
      if (event.altKey) {
        const moves = { ArrowLeft: () => this.shift(at, -1), ArrowRight: () => this.shift(at, 1), ArrowUp: () => this.swap(at, -1), ArrowDown: () => this.swap(at, 1) };
        if (moves[event.key]) { done(); moves[event.key](); }
      } else if (event.key === "Enter" && event.target.tagName !== "BUTTON") {
        done();
        this.add(at);
      } else if (event.key === "Delete" && (event.ctrlKey || event.metaKey)) {
        done();
        this.remove(at);
      } else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && event.target.tagName === "INPUT") {
        const other = this.lines[at + (event.key === "ArrowUp" ? -1 : 1)];
        if (other) { done(); this.focus(other.key, field); }
      }
    });
    document.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "s") { event.preventDefault(); this.save(); }
    });
    one("[data-add]", this.root).addEventListener("click", () => this.add(this.lines.length - 1, 0));
    one("[data-even]", this.root).addEventListener("click", () => this.even());
    one("[data-undo]", this.root).addEventListener("click", () => this.undo());
    one("[data-save-now]", this.root).addEventListener("click", () => this.save());
    for (const id of ["#model-name", "#model-note"]) one(id).addEventListener("input", () => this.sums());
    const publish = one("[data-publish]", this.root);
    publish.addEventListener("submit", async (event) => {
      if (!this.dirty) return;
      event.preventDefault();
      if (await this.save()) publish.requestSubmit();
    });
    window.addEventListener("beforeunload", (event) => { if (this.dirty) event.preventDefault(); });
  }
}

if (editor) {
  const tree = new Tree(editor);
  editor.dataset.ready = "1";
  window.evaluationTree = tree;
}
