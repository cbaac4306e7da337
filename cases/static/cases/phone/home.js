// First screen: who I am on duty for, one big button, what waits, and today's list.
import { badge, el, icon, stateBox } from "@geo/dom.js";
import { fill, gettext, ngettext } from "@geo/i18n.js";
import { ago, deadline, exact } from "@geo/times.js";
import { add } from "./outbox.js";
import { app, changed, mayReport, onApp, online, refreshMe, refreshTasks, send } from "./app.js";
import { currentFix, metresBetween, watchPosition } from "./position.js";
import { redraw } from "./redraw.js";
import { headline, inAll, metres } from "./words.js";

let order = "due";

export function homeScreen(root) {
  const duty = el("section.card.duty", { "aria-label": gettext("My duty") });
  const outbox = el("a.card.signal", { href: "/m/outbox" });
  const list = el("ul.tasks", {});
  const orders = el("div.segmented", { role: "group", "aria-label": gettext("Order") });
  const heading = el("h2.grow", {}, gettext("Today"));
  const report = el("a.button.main.big", { href: "/m/report" }, icon("photo"), gettext("Report a problem"));
  let here = null;

  root.append(
    duty,
    report,
    outbox,
    el("div.list-head", {}, heading, orders),
    list,
  );

  function draw() {
    const minute = Math.floor(Date.now() / 60e3);
    const shift = [app.me?.shift, onShift(), app.unsent.map((entry) => entry.kind + entry.state)];
    redraw(duty, [app.user, app.me, app.base?.as_of, shift], dutyParts);
    report.hidden = !mayReport();
    drawSignal(outbox);
    redraw(orders, order, () =>
      [["due", gettext("Most urgent")], ["near", gettext("Nearest")]].map(([id, words]) =>
        el("button.button", { type: "button", "aria-pressed": String(order === id), onclick: () => { order = id; draw(); } }, words)),
    );
    heading.textContent = app.tasks?.length ? fill(gettext("Tasks (%(n)s)"), { n: inAll(app.tasksInAll) }) : gettext("Tasks");
    redraw(list, [order, here && [here.lon.toFixed(4), here.lat.toFixed(4)], app.tasks, app.tasksAt, online(), minute], () => taskParts(here));
  }

  let last = null;
  const stopPosition = watchPosition(({ fix }) => {
    here = fix;
    // Numbers that dance under the thumb help nobody.
    if (fix && (!last || metresBetween(fix, last) > 10)) {
      last = fix;
      draw();
    }
  });
  const stopApp = onApp(draw);
  const ticking = setInterval(draw, 30e3);
  draw();
  return () => {
    clearInterval(ticking);
    stopApp();
    stopPosition();
  };
}

function dutyParts() {
  const { me, base, user } = app;
  const grids = base?.grids || me?.grids || [];
  const parts = [];
  const [grid] = grids;
  parts.push(
    el("div.grow", {},
      el("p.muted", {}, `${user?.name || ""}${(grid || me?.worker) && me?.organisation?.name ? ` · ${me.organisation.name}` : ""}`),
      grid
        ? el("p.grid-name", {}, icon("grid"), [grid.community?.name, grid.name || grid.code].filter(Boolean).join(" · "))
        : el("p.grid-name", {}, !me ? gettext("Loading…") : me.worker ? gettext("No grid on duty") : me.organisation?.name || user.name),
      grid?.leader && !grid.leader.is_me && el("p.muted", {}, fill(gettext("Grid leader: %(name)s"), { name: grid.leader.name }), " ",
        grid.leader.phone && el("a", { href: `tel:${grid.leader.phone}` }, grid.leader.phone)),
      grids.length > 1 && el("p.muted", {}, fill(ngettext("and %(n)s more grid", "and %(n)s more grids", grids.length - 1), { n: grids.length - 1 })),
    ),
  );
  if (me?.worker) parts.push(shiftPart(me));
  return parts;
}

/** Whether a shift runs, and the buttons to begin, end and check in. */
export function shiftPart(me) {
  const pending = pendingPunch();
  const running = onShift();
  const since = pending?.kind === "punch_in" ? pending.fields.device_at : me.shift?.punched_in_at;
  const planned = me.shift && !running
    ? fill(gettext("Shift %(from)s–%(to)s"), { from: clock(me.shift.planned_start), to: clock(me.shift.planned_end) })
    : gettext("Not on shift");
  return el("div.shift", {},
    running
      ? el("p", { title: exact(since) }, badge("ontime", "shift", fill(gettext("On shift since %(time)s"), { time: clock(since) })), pending && el("span.muted", {}, ` ${gettext("only on this phone")}`))
      : el("p.muted", {}, planned, pending && ` · ${gettext("only on this phone")}`),
    el("div.buttons", {},
      el("button.button", { type: "button", onclick: (event) => punch(event.currentTarget, running ? "punch_out" : "punch_in") },
        icon(running ? "stop" : "play"), running ? gettext("End shift") : gettext("Start shift")),
      el("a.button.check", { href: "/m/check-in" }, icon("place"), gettext("Check in"))),
  );
}

const clock = (when) =>
  new Date(when).toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: "Asia/Shanghai" });

async function punch(button, kind) {
  button.classList.add("busy");
  const fix = await currentFix(60000, 8);
  await add(kind, app.user, positionFields(fix));
  await send({ now: true });
  await refreshMe();
  changed();
}

/** Position as the API takes it; nothing where there is none. */
export function positionFields(fix) {
  if (!fix) return {};
  return {
    lon: fix.lon,
    lat: fix.lat,
    crs: "wgs84",
    position_source: "browser",
    accuracy_m: fix.accuracy,
    fix_at: new Date(fix.at).toISOString(),
  };
}

const pendingPunch = () =>
  app.unsent.filter((entry) => (entry.kind === "punch_in" || entry.kind === "punch_out") && entry.state !== "refused").pop();

/** Whether a shift runs, as far as this phone knows: what waits in the outbox counts. */
export function onShift() {
  const pending = pendingPunch();
  return pending ? pending.kind === "punch_in" : Boolean(app.me?.shift?.punched_in_at && !app.me.shift.punched_out_at);
}

function drawSignal(place) {
  const waiting = app.unsent.length;
  const refused = app.unsent.filter((entry) => entry.state === "refused").length;
  const signal = online();
  place.classList.toggle("has-waiting", waiting > 0);
  place.replaceChildren(
    icon(signal ? "upload" : "offline"),
    el("span.grow", {},
      el("b", {}, signal ? gettext("Connected") : gettext("No signal")),
      el("span.muted", {}, refused
        ? fill(ngettext("%(n)s entry needs your decision", "%(n)s entries need your decision", refused), { n: refused })
        : waiting
          ? fill(ngettext("%(n)s entry only on this phone", "%(n)s entries only on this phone", waiting), { n: waiting })
          : signal ? gettext("Everything has arrived") : gettext("Reports and photos wait here and go out by themselves"))),
    icon("right"),
  );
}

function taskParts(here) {
  if (app.tasks === null) {
    if (online()) return [1, 2, 3].map(() => el("li", { "aria-hidden": "true" }, el("span.skeleton.box")));
    return [el("li", {}, stateBox("offline", gettext("No list on this phone yet"), gettext("It comes with the first signal. Reporting works all the same.")))];
  }
  if (!app.tasks.length) {
    return [el("li", {}, stateBox("tick", gettext("Nothing to do"), mayReport() ? gettext("New tasks appear here. Have you seen a problem on the way?") : gettext("New tasks appear here."), mayReport() && el("a.button", { href: "/m/report" }, gettext("Report a problem"))))];
  }
  const rows = app.tasks.map((task) => ({ task, distance: here && task.lon !== undefined ? metresBetween(here, task) : null }));
  const due = ({ task }) => (task.due_at ? Date.parse(task.due_at) : Infinity);
  const urged = ({ task }) => (task.supervised ? 0 : 1);
  rows.sort((a, b) => (order === "near" ? (a.distance ?? Infinity) - (b.distance ?? Infinity) || due(a) - due(b) : urged(a) - urged(b) || due(a) - due(b) || (a.distance ?? 0) - (b.distance ?? 0)));
  const parts = rows.map(({ task, distance }) => taskRow(task, distance));
  if (app.tasksInAll.count > app.tasks.length) {
    parts.push(el("li.muted.as-of", {}, fill(gettext("The %(n)s most urgent are on this phone."), { n: app.tasks.length }), " ",
      online()
        ? el("a.button.quiet", { href: "/?view=mine" }, gettext("See all in the full view"))
        : gettext("All are in the full view, which needs a signal.")));
  }
  if (app.tasksAt && (!online() || Date.now() - app.tasksAt > 15 * 60e3)) {
    parts.push(el("li.muted.as-of", {}, fill(gettext("As of %(when)s"), { when: ago(app.tasksAt) }), " ",
      online() && el("button.button.quiet", { type: "button", onclick: refreshTasks }, icon("refresh"), gettext("Refresh"))));
  }
  return parts;
}

function picture(url) {
  const image = el("img", { src: url, alt: "", loading: "lazy" });
  image.addEventListener("error", () => image.replaceWith(el("span.no-photo", {}, icon("photo"))));
  return image;
}

/** One case in a list. */
export function taskRow(task, distance) {
  const when = task.due_at ? deadline(task.due_at) : null;
  return el("li", {},
    el("a.task", { href: `/m/task/${task.number}` },
      task.thumbnail_url ? picture(task.thumbnail_url) : el("span.no-photo", {}, icon("case")),
      el("span.grow", {},
        el("b", {}, headline(task)),
        el("span.line", {}, task.state_label, task.flow && task.flow !== "city_management" && el("span.badge.is-kind", {}, task.flow_label), task.supervised && task.phase !== "ended" && badge("overdue", "bang", gettext("Supervised")), when && badge(when.tone, when.shape, when.text, when.title)),
        el("span.line.muted", {}, distance !== null && el("span", {}, metres(distance)), el("span.ellipsis", {}, task.address || task.description || task.number))),
      icon("right")));
}
