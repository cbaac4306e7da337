// The edit log as a strip: every stroke in order, those undone after the mark; a click steps there.
import { el, icon } from "@geo/dom.js";
import { fill, gettext } from "@geo/i18n.js";
import { ago, exact } from "@geo/times.js";
import { toast } from "@geo/toast.js";

export class Strip {
  constructor(place, { draft, queue, canStep }) {
    Object.assign(this, { place, draft, queue, canStep });
    for (const name of ["edits", "plan", "change"]) draft.on(name, () => this.draw());
  }

  /** The strokes that count: those that a later stroke dropped are history nobody can return to. */
  strokes() {
    return this.draft.edits.filter((edit) => !edit.dropped);
  }

  draw() {
    const strokes = this.strokes();
    const done = strokes.filter((edit) => !edit.undone);
    const now = done.at(-1)?.number ?? 0;
    const may = this.canStep();
    const step = (button, edit) => {
      button.disabled = true;
      this.go(edit);
    };
    // The beginning of a long log is fetched when somebody asks for it.
    const start = this.draft.earlier ? el("button.stroke", { type: "button", onclick: ({ currentTarget }) => this.#more(currentTarget) }, icon("left"), gettext("Earlier strokes")) : el("button.stroke", { type: "button", disabled: !may, "aria-current": now ? null : "step", title: gettext("As the draft began"), onclick: ({ currentTarget }) => step(currentTarget, null) }, gettext("Start"));
    const items = strokes.map((edit) => el(edit.undone ? "button.stroke.undone" : "button.stroke", {
      type: "button", disabled: !may, "data-edit": edit.number, "aria-current": edit.number === now ? "step" : null,
      title: `${edit.summary}\n${edit.user} · ${exact(edit.at)}${edit.undone ? `\n${gettext("Undone")}` : ""}`,
      onclick: ({ currentTarget }) => step(currentTarget, edit),
    }, el("span.summary", {}, edit.summary), el("small", {}, `${edit.user} · ${ago(edit.at)}`)));
    this.place.replaceChildren(el("span.strip-name", {}, icon("clock"), gettext("Log")), el("div.strokes", may ? { tabIndex: -1 } : { tabIndex: 0, role: "group", "aria-label": gettext("Log") }, start, ...items));
    this.place.querySelector('[aria-current="step"]')?.scrollIntoView({ block: "nearest", inline: "center" });
  }

  async #more(button) {
    button.disabled = true;
    try {
      await this.draft.loadEdits();
      this.place.querySelector(".strokes").scrollLeft = 0;
    } catch (error) {
      button.disabled = false;
      toast(error, { bad: true });
    }
  }

  /** Steps to the state just after a stroke; null: to the beginning. */
  go(edit) {
    const strokes = this.strokes();
    if (edit?.undone) return this.queue.step("redo", edit.number);
    const after = strokes.find((one) => !one.undone && one.number > (edit?.number ?? 0));
    if (!after) return this.draw();
    return this.queue.step("undo", after.number);
  }

  static words(edits) {
    return edits.map((edit) => fill(gettext("%(who)s: %(what)s"), { who: edit.user, what: edit.summary })).join("；");
  }
}
