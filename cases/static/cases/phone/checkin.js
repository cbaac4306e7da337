// Check in: I am here, at a task or in my grid. Kept whatever the result, with or without a signal.
import { badge, el, icon } from "@geo/dom.js";
import { fill, gettext } from "@geo/i18n.js";
import { app, onApp, send } from "./app.js";
import { onShift, positionFields } from "./home.js";
import { add } from "./outbox.js";
import { inside, metresBetween, position, retryPosition, watchPosition } from "./position.js";
import { componentsNear } from "./report-place.js";
import { getEntry, onOutbox } from "./store.js";
import { checkResult, entryTrouble, metres, noPosition } from "./words.js";

const MOST_TASKS = 6;
const MOST_THINGS = 3;

/** What one may check in at, nearest first: own grids, tasks, and what stands within reach. */
function targets(fix) {
  const grids = (app.base?.grids || []).map((grid) => ({
    kind: "grid",
    code: grid.code,
    name: [grid.community.name, grid.name || grid.code].join(" · "),
    distance: fix && inside(fix, grid.geometry) ? 0 : null,
  }));
  const tasks = (app.tasks || [])
    .filter((task) => task.lon !== undefined)
    .map((task) => ({ kind: "case", code: task.number, name: task.type_name || task.number, more: task.address || task.description, distance: fix ? metresBetween(fix, task) : null }))
    .sort((a, b) => (a.distance ?? Infinity) - (b.distance ?? Infinity));
  const things = (fix ? componentsNear(fix).slice(0, MOST_THINGS) : []).map(({ row, distance }) => ({
    kind: "component",
    code: row[0],
    name: row[1],
    more: row[0],
    distance,
  }));
  return [...grids, ...tasks.slice(0, MOST_TASKS), ...things];
}

export function checkinScreen(root, { params }) {
  const where = el("p.place-line", { role: "status" });
  const list = el("div.targets", { role: "radiogroup", "aria-label": gettext("Where") });
  const outcome = el("div.outcome", { "aria-live": "assertive" });
  const button = el("button.button.main.big", { type: "button", onclick: mark }, icon("check"), gettext("Check in here"));
  const off = el("p.banner", { hidden: true }, icon("shift"), el("span.grow", {}, gettext("Positions are taken only on shift. Start your shift first.")), el("a.button", { href: "/m/" }, gettext("To the shift")));
  let wanted = params.get("case") ? `case:${params.get("case")}` : null;
  let shown = null;
  root.append(outcome, off, el("section.card.step", {}, el("div.body", {}, where, list)), el("div.send-bar", {}, button));

  function draw() {
    const { fix, error } = position;
    where.replaceChildren(
      ...(fix
        ? [icon("place"), el("span.grow", {}, gettext("Your position is known")), el("span.muted", {}, fix.accuracy ? fill(gettext("exact to %(m)s"), { m: metres(fix.accuracy) }) : "")]
        : error ? [icon("bang"), el("span.grow", {}, noPosition(error)), el("button.button", { type: "button", onclick: retryPosition }, gettext("Try again"))]
          : [el("span.spinner", {}), el("span", {}, gettext("Looking for your position…"))]),
    );
    const options = targets(fix);
    wanted ??= options[0] ? `${options[0].kind}:${options[0].code}` : null;
    if (params.get("case") && !options.some((one) => one.code === params.get("case"))) {
      options.unshift({ kind: "case", code: params.get("case"), name: params.get("case"), distance: null });
    }
    list.replaceChildren(
      ...options.map((one) => {
        const id = `${one.kind}:${one.code}`;
        return el("label.target", {},
          el("input", { type: "radio", name: "target", value: id, checked: id === wanted, onchange: () => { wanted = id; } }),
          el("span.grow", {}, el("b", {}, one.name), one.more && el("span.line.muted.ellipsis", {}, one.more)),
          el("span.muted", {}, one.kind === "grid" ? (one.distance === 0 ? gettext("you are in it") : gettext("my grid")) : metres(one.distance)));
      }),
    );
    allow();
    if (!options.length) list.replaceChildren(el("p.hint", {}, gettext("No grid and no task is known here; the check-in is kept with your position alone.")));
  }

  function allow() {
    off.hidden = onShift();
    button.setAttribute("aria-disabled", String(!onShift() || !position.fix));
  }

  async function mark() {
    if (!onShift()) return;
    if (!position.fix) {
      outcome.replaceChildren(el("p.warn", { role: "alert" }, icon("bang"), " ", noPosition(position.error) || gettext("A check-in needs your position. Wait a moment, or step into the open.")));
      return;
    }
    button.classList.add("busy");
    const one = targets(position.fix).find((target) => `${target.kind}:${target.code}` === wanted) || (wanted ? { kind: wanted.split(":")[0], code: wanted.slice(wanted.indexOf(":") + 1), name: "" } : null);
    // Accuracy and age travel along; the server says inside, outside or uncertain, and why.
    const entry = await add("check_in", app.user, {
      kind: one?.kind === "grid" ? "patrol" : "arrive",
      ...(one ? { target: { kind: one.kind, code: one.code } } : {}),
      ...positionFields(position.fix),
    }, [], { target: one?.name || "" });
    shown = entry.key;
    button.classList.remove("busy");
    await tell();
    await send({ now: true });
    await tell();
  }

  async function tell() {
    const entry = shown && (await getEntry(shown));
    if (!entry) return;
    if (entry.state === "sent") {
      const result = checkResult(entry.result?.result) || checkResult("uncertain");
      outcome.replaceChildren(
        el(`section.card.result.is-${result.tone}`, {},
          el("p.large", {}, badge(result.tone, result.shape, result.text)),
          el("p", {}, [entry.label.target, metres(entry.result?.distance_m)].filter(Boolean).join(" · ")),
          entry.result?.reasons?.length ? el("ul.reasons", {}, ...entry.result.reasons.map((reason) => el("li", {}, reason.label || reason))) : null,
          el("p.muted", {}, gettext("It is kept, whatever the result."))));
    } else {
      outcome.replaceChildren(
        el("section.card.result", {},
          el("p.large", {}, badge(entry.state === "refused" ? "overdue" : "waiting", entry.state === "refused" ? "bang" : "device", entry.state === "refused" ? gettext("Needs you") : gettext("Only on this phone"))),
          el("p", {}, entryTrouble(entry) || gettext("Your check-in is kept with its time and position, and goes out with the next signal.")),
          el("a.button", { href: `/m/outbox/${entry.key}` }, gettext("Open the outbox"))));
    }
    window.scrollTo(0, 0);
  }

  const stopOutbox = onOutbox(tell);
  const stopPosition = watchPosition(draw);
  const stopApp = onApp(allow);
  draw();
  return () => {
    stopApp();
    stopOutbox();
    stopPosition();
  };
}
