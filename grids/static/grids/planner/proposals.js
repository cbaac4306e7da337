// The proposal panel: what is wanted, progress and a stop, the alternatives beside each other, taking one.
import { badge, el, icon } from "@geo/dom.js";
import { getJSON, newKey, sendJSON } from "@geo/http.js";
import { fill, gettext } from "@geo/i18n.js";
import { toast } from "@geo/toast.js";
import { ago } from "@geo/times.js";
import { colourOf } from "./draft.js";
import { count, measured } from "./words.js";

const POLL_MS = 1200;
const GOING = ["waiting", "running"];
const WIDTH = 220;
const HEIGHT = 130;

export class Proposals {
  constructor(place, { draft, stage, take, conflict }) {
    Object.assign(this, { place, draft, stage, take, conflict, list: [], shown: false, preview: null });
    this.open = new Map(); // id -> whole proposal
  }

  get url() {
    return `${this.draft.url}proposals/`;
  }

  async show() {
    this.shown = true;
    this.place.replaceChildren(el("div.skeletons.planner-skeletons", {}, el("span.skeleton.box"), el("span.skeleton.box")));
    await this.load();
  }

  hide() {
    this.shown = false;
    clearTimeout(this.timer);
    this.#unpreview();
  }

  async load() {
    clearTimeout(this.timer);
    try {
      const found = await getJSON(this.url);
      this.list = found.proposals;
      this.measures = found.measures;
      // The ground of the alternatives is fetched for the latest ones only.
      for (const one of this.list.slice(0, 3)) if (!GOING.includes(one.state) && !this.open.has(one.id)) this.open.set(one.id, await getJSON(`${this.url}${one.id}/`));
    } catch (error) {
      this.place.replaceChildren(el("div.state.small", {}, icon("offline"), el("p", {}, error.message), el("button.button", { type: "button", onclick: () => this.load() }, gettext("Try again"))));
      return;
    }
    this.draw();
    if (this.shown && this.list.some((one) => GOING.includes(one.state))) this.timer = setTimeout(() => this.load(), POLL_MS);
  }

  draw() {
    if (!this.shown) return;
    const form = this.place.querySelector("form");
    const keepForm = form && form.dataset.may === String(this.draft.open) ? form : null;
    const old = this.place.querySelector(".proposal-list");
    const list = el("div.proposal-list", {}, ...this.list.map((one) => this.#card(one)));
    if (!this.list.length) list.append(el("p.muted", {}, gettext("No proposals yet: say how many grids, and on what they shall be balanced.")));
    if (keepForm && old) old.replaceWith(list);
    else this.place.replaceChildren(el("div.consequences", {}, this.#form(), list));
  }

  #form() {
    const { draft } = this;
    if (!draft.open) return el("p.muted.pad", {}, gettext("The draft is closed: proposals can be read, not asked for."));
    const field = (label, input, hint) => el("div.field", {}, el("label", { htmlFor: input.id }, label), input, hint ? el("p.hint", {}, hint) : null);
    const community = el("select", { id: "proposal-community" }, ...draft.plan.communities.map((one) => el("option", { value: one.code }, one.name)));
    const now = () => draft.active().filter((grid) => grid.community_code === community.value).length;
    const grids = el("input", { id: "proposal-grids", type: "number", min: 2, max: 60, value: Math.max(2, now()) });
    community.addEventListener("change", () => { grids.value = Math.max(2, now()); });
    const measure = el("select", { id: "proposal-measure" }, ...Object.entries(this.measures).map(([id, label]) => el("option", { value: id, selected: id === "households" }, label)));
    const tolerance = el("select", { id: "proposal-tolerance" }, ...[5, 10, 15, 20, 30].map((one) => el("option", { value: one / 100, selected: one === 10 }, `± ${one} %`)));
    const keep = el("input", { id: "proposal-keep", type: "range", min: 0, max: 1, step: 0.1, value: 0.5 });
    const wanted = el("select", { id: "proposal-wanted" }, ...[1, 2, 3, 5].map((one) => el("option", { value: one, selected: one === 3 }, String(one))));
    const seed = el("input", { id: "proposal-seed", type: "number", min: 0, max: 2147483647, placeholder: gettext("by chance") });
    const problem = el("div.banner.bad", { role: "alert", hidden: true });
    const ask = el("button.button.main", {}, icon("spark"), gettext("Propose"));
    return el("form.proposal-form", {
      "data-may": String(draft.open),
      onsubmit: async (event) => {
        event.preventDefault();
        problem.hidden = true;
        ask.classList.add("busy");
        try {
          await sendJSON(this.url, {
            community: community.value, grids: Number(grids.value), measure: measure.value, tolerance: Number(tolerance.value),
            keep_weight: Number(keep.value), alternatives: Number(wanted.value), ...(seed.value ? { seed: Number(seed.value) } : {}),
          }, { key: newKey() });
          await this.load();
        } catch (error) {
          problem.hidden = false;
          problem.replaceChildren(icon("bang"), el("span.grow", {}, [error.message, ...(error.errors ?? []).map((one) => one.detail)].filter((line, index, all) => all.indexOf(line) === index).join(" ")));
        } finally {
          ask.classList.remove("busy");
        }
      },
    }, problem, draft.plan.communities.length > 1 ? field(gettext("Community"), community) : null,
    el("div.two", {}, field(gettext("Grids in all"), grids), field(gettext("Balanced on"), measure)),
    el("div.two", {}, field(gettext("Tolerance"), tolerance), field(gettext("Alternatives"), wanted)),
    field(gettext("Keep present borders"), keep, gettext("Left: freely anew. Right: as near to today as balance allows.")),
    el("details", {}, el("summary.small", {}, gettext("Seed")), field(gettext("The same seed gives the same proposals"), seed)),
    el("div.buttons", {}, ask, el("span.hint", {}, gettext("Locked and exclusive grids stay as they are; estates stay whole."))));
  }

  #card(one) {
    const going = GOING.includes(one.state);
    const whole = this.open.get(one.id) ?? one;
    const tone = { ready: ["ontime", "tick"], failed: ["overdue", "bang"], stopped: ["waiting", "stop"] }[one.state] ?? ["soon", "clock"];
    const place = this.draft.plan.communities.find((area) => area.code === (one.community))?.name ?? "";
    return el("section.proposal", { "data-proposal": one.id }, el("div.row", {},
      el("h3.grow", {}, fill(gettext("%(n)s grids"), { n: one.grids }), " · ", `± ${Math.round((one.tolerance ?? 0) * 100)} %`, place && this.draft.plan.communities.length > 1 ? ` · ${place}` : ""),
      badge(tone[0], tone[1], one.state_label)),
    el("p.small.muted", {}, [one.message, one.created_at && ago(one.created_at), fill(gettext("seed %(seed)s"), { seed: one.seed })].filter(Boolean).join(" · ")),
    going ? el("div.row", {}, el("progress.grow", { max: 1, value: one.progress ?? 0, "aria-label": gettext("Progress") }),
      el("span.small.nowrap", {}, `${Math.round((one.progress ?? 0) * 100)} %`),
      el("button.button.small", { type: "button", onclick: ({ currentTarget }) => this.#stop(one, currentTarget) }, icon("stop"), gettext("Stop"))) : null,
    el("div.alternatives", {}, ...(whole.alternatives ?? []).filter((alternative) => alternative.blocks).map((alternative) => this.#alternative(whole, alternative))));
  }

  #alternative(proposal, alternative) {
    const stale = this.draft.open && Object.keys(alternative.blocks).some((id) => !this.draft.blocks.has(Number(id)));
    const values = alternative.grids.map((grid) => grid[proposal.measure]).filter((one) => typeof one === "number");
    const measure = this.draft.figures?.measures?.find((one) => one.id === proposal.measure) ?? { id: proposal.measure };
    const shown = this.preview === alternative.blocks;
    return el("article.alternative", { "data-alternative": alternative.index }, this.#thumbnail(alternative),
      el("dl.facts.small", {}, el("dt", {}, gettext("Farthest off")), el("dd", {}, `${(alternative.deviation * 100).toFixed(1)} %`),
        el("dt", {}, gettext("Homes that stay")), el("dd", {}, `${Math.round(alternative.kept * 100)} %`),
        el("dt", {}, gettext("Compactness")), el("dd", {}, count(alternative.compactness, 2)),
        values.length ? el("dt", {}, gettext("Smallest, largest")) : null, values.length ? el("dd", {}, `${measured(Math.min(...values), measure)} – ${measured(Math.max(...values), measure)}`) : null),
      el("div.buttons", {}, el("button.button.small", { type: "button", "aria-pressed": String(shown), onclick: () => this.#preview(proposal, alternative) }, icon("eye"), gettext("Show on the map")),
        this.draft.open ? el("button.button.small.main", { type: "button", disabled: stale, title: stale ? gettext("The draft was cut differently since: propose again.") : "", onclick: ({ currentTarget }) => this.#apply(proposal, alternative, currentTarget) }, icon("check"), gettext("Take it")) : null));
  }

  /** A small picture of the parts, drawn from the blocks themselves. */
  #thumbnail(alternative) {
    const ratio = window.devicePixelRatio || 1;
    const canvas = el("canvas", { width: WIDTH * ratio, height: HEIGHT * ratio, role: "img", "aria-label": fill(gettext("Sketch of proposal %(n)s"), { n: alternative.index + 1 }) });
    const blocks = Object.entries(alternative.blocks).map(([id, part]) => [this.draft.blocks.get(Number(id)), part]).filter(([block]) => block);
    if (!blocks.length) return canvas;
    const box = blocks.reduce((all, [{ box: one }]) => [Math.min(all[0], one[0]), Math.min(all[1], one[1]), Math.max(all[2], one[2]), Math.max(all[3], one[3])], [Infinity, Infinity, -Infinity, -Infinity]);
    const squeeze = Math.cos((((box[1] + box[3]) / 2) * Math.PI) / 180);
    const scale = Math.min((WIDTH - 8) / ((box[2] - box[0]) * squeeze), (HEIGHT - 8) / (box[3] - box[1])) * ratio;
    const [dx, dy] = [(WIDTH * ratio - (box[2] - box[0]) * squeeze * scale) / 2, (HEIGHT * ratio - (box[3] - box[1]) * scale) / 2];
    const at = ([x, y]) => [dx + (x - box[0]) * squeeze * scale, HEIGHT * ratio - dy - (y - box[1]) * scale];
    const pen = canvas.getContext("2d");
    const trace = (ring) => ring.forEach((point, index) => (index ? pen.lineTo(...at(point)) : pen.moveTo(...at(point))));
    const parts = new Map();
    for (const [block, part] of blocks) {
      if (!parts.has(part)) parts.set(part, []);
      parts.get(part).push(block.id);
    }
    for (const [part, ids] of parts) {
      pen.beginPath();
      for (const polygon of this.draft.topology.union(ids)) for (const ring of polygon) trace(ring);
      pen.fillStyle = `${colourOf({ number: Number(part) + 1 })}99`;
      pen.fill("evenodd");
      pen.strokeStyle = "#2b4148";
      pen.lineWidth = 1.2 * ratio;
      pen.stroke();
    }
    return canvas;
  }

  #unpreview() {
    if (!this.preview) return;
    this.preview = null;
    this.stage.preview(null);
  }

  #preview(proposal, alternative) {
    if (this.preview === alternative.blocks) this.#unpreview();
    else {
      this.preview = alternative.blocks;
      this.stage.preview(alternative.blocks, this.#words(proposal, alternative));
    }
    this.draw();
  }

  /** What a part of an alternative holds, as its label on the map says it. */
  #words(proposal, { grids }) {
    const measure = this.draft.figures?.measures?.find((one) => one.id === proposal.measure) ?? { id: proposal.measure };
    const unit = proposal.measure === "households" ? ` ${gettext("homes")}` : "";
    return (part) => (typeof grids[part]?.[proposal.measure] === "number" ? measured(grids[part][proposal.measure], measure) + unit : "");
  }

  async #stop(one, button) {
    button.disabled = true;
    try {
      await sendJSON(`${this.url}${one.id}/stop/`, {});
    } catch (error) {
      toast(error, { bad: true });
    }
    this.load();
  }

  async #apply(proposal, alternative, button) {
    button.classList.add("busy");
    try {
      const change = await sendJSON(`${this.url}${proposal.id}/apply/`, { alternative: alternative.index, base: this.draft.revision, client_key: newKey() }, { timeout: 60000 });
      this.#unpreview();
      await this.take(change);
      toast(gettext("The proposal is now the draft; undo takes it back."));
    } catch (error) {
      if (error.status === 409) this.conflict(error);
      else toast(error, { bad: true });
    } finally {
      button.classList.remove("busy");
      this.draw();
    }
  }
}
