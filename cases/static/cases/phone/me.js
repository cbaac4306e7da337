// Me: duties, shift, language, what this phone keeps, leaving.
import { el, icon } from "@geo/dom.js";
import { ask } from "@geo/dialog.js";
import { fill, gettext, locale, ngettext } from "@geo/i18n.js";
import { session } from "./api.js";
import { app, onApp } from "./app.js";
import { shiftPart } from "./home.js";
import { redraw } from "./redraw.js";
import { forget, persist } from "./store.js";
import { size } from "./words.js";
import { refreshShell } from "./worker.js";

export function meScreen(root) {
  const draw = () =>
    redraw(root, [app.user, app.me, app.base?.as_of, app.unsent.map((entry) => entry.kind + entry.state)], parts);
  const stop = onApp(draw);
  draw();
  return stop;
}

function parts() {
  const { me, base, user } = app;
  const grids = base?.grids || [];
  return [
    el("section.card.person", {},
      el("span.avatar", { "aria-hidden": "true" }, (user?.name || "?").slice(0, 1)),
      el("div.grow", {},
        el("h2", {}, user?.name || ""),
        el("p.muted", {}, [me?.organisation?.name, me?.worker?.staff_kind_label].filter(Boolean).join(" · ")))),
    me?.worker && el("section.card", {}, el("header", {}, el("h2", {}, gettext("Shift"))), el("div.body", {}, shiftPart(me))),
    el("section.card", {},
      el("header", {}, el("h2", {}, gettext("Grids on duty"))),
      grids.length
        ? el("ul.plain", {}, ...grids.map((grid) =>
            el("li", {},
              el("b", {}, [grid.community.name, grid.name || grid.code].join(" · ")),
              el("span.muted", {}, grid.role === "leader" ? gettext("Grid leader") : gettext("Grid member"), " · ", el("span.code", {}, grid.code)),
              grid.leader && !grid.leader.is_me && el("span.muted", {}, fill(gettext("Grid leader: %(name)s"), { name: grid.leader.name }), " ", grid.leader.phone && el("a", { href: `tel:${grid.leader.phone}` }, grid.leader.phone)))))
        : el("p.body.muted", {}, gettext("No grid is assigned to you."))),
    el("section.card", {},
      el("header", {}, el("h2", {}, gettext("On this phone"))),
      storagePart()),
    el("section.card", {},
      el("header", {}, el("h2", {}, gettext("Language"))),
      el("div.segmented.languages", { role: "group", "aria-label": gettext("Language") },
        ...[["zh-hans", "简体中文"], ["en", "English"]].map(([code, name]) =>
          el("button.button", { type: "button", lang: code, "aria-pressed": String(locale().startsWith(code.slice(0, 2))), onclick: () => speak(code) }, name)))),
    el("a.button.wide", { href: "/me/notifications/" }, icon("bell"), gettext("Notifications")),
    el("a.button.wide", { href: "/?desk=1" }, icon("table"), gettext("Open the desk")),
    el("button.button.danger.wide", { type: "button", onclick: leave }, icon("logout"), gettext("Log out")),
  ].filter(Boolean);
}

function storagePart() {
  const list = el("dl.facts.body", {},
    el("dt", {}, gettext("Waiting to be sent")), el("dd", {}, el("a", { href: "/m/outbox" }, fill(ngettext("%(n)s entry", "%(n)s entries", app.unsent.length), { n: app.unsent.length }))),
    el("dt", {}, gettext("Types and components")), el("dd", {}, fill(gettext("%(types)s types, %(components)s components"), { types: app.types.length, components: app.base?.components.length || 0 })));
  persist()
    .then(async (safe) => {
      const room = await navigator.storage?.estimate?.();
      list.append(
        el("dt", {}, gettext("Kept safe")),
        el("dd", {}, safe ? gettext("Yes, the browser does not clear it by itself") : gettext("The browser may clear it when room is short: send soon")),
        ...(room ? [el("dt", {}, gettext("Room used")), el("dd", {}, size(room.usage || 0))] : []),
      );
    })
    .catch(() => null);
  return list;
}

async function post(url, fields) {
  const { csrf } = await session();
  return fetch(url, { method: "POST", credentials: "same-origin", headers: { "X-CSRFToken": csrf }, body: new URLSearchParams(fields) });
}

async function speak(language) {
  try {
    await post(document.body.dataset.language, { language, next: "/m/me" });
    await refreshShell();
    location.reload();
  } catch {
    await ask(gettext("No signal"), gettext("The language can be changed when there is a signal."), gettext("All right"));
  }
}

async function leave() {
  const waiting = app.unsent.length;
  if (waiting) {
    const sure = await ask(
      fill(ngettext("%(n)s entry has not been sent", "%(n)s entries have not been sent", waiting), { n: waiting }),
      gettext("They stay on this phone and go out when you sign in here again. Nobody else who signs in can read or send them. Better wait for a signal first."),
      gettext("Log out all the same"),
    );
    if (!sure) return;
  }
  try {
    await post(document.body.dataset.logout, {});
  } catch {
    await ask(gettext("No signal"), gettext("Logging out needs a signal. What this phone keeps is deleted now; log out again when you have a signal."), gettext("All right"));
  }
  await forget();
  location.replace(document.body.dataset.login);
}
