// The phone app: one page, screens by address, everything that matters also without a signal.
import { all, el, icon, one } from "@geo/dom.js";
import { fill, gettext, ngettext } from "@geo/i18n.js";
import { subscribe } from "@geo/live.js";
import { soonest } from "@geo/pace.js";
import { keepFresh } from "@geo/times.js";
import { app, askSession, begin, listen, onApp, online, refresh, refreshTasks, send } from "./phone/app.js";
import { checkinScreen } from "./phone/checkin.js";
import { homeScreen } from "./phone/home.js";
import { meScreen } from "./phone/me.js";
import { messagesScreen, unreadMessages } from "./phone/messages.js";
import { outboxScreen } from "./phone/outbox-screen.js";
import { reportScreen } from "./phone/report.js";
import { taskScreen } from "./phone/task.js";
import { refreshShell, startWorker } from "./phone/worker.js";

const screens = {
  "": { tab: "home", title: () => gettext("Tasks"), draw: homeScreen },
  map: { tab: "map", title: () => gettext("Map"), draw: async (...given) => (await import("./phone/map.js")).mapScreen(...given) },
  report: { tab: "report", title: () => gettext("Report a problem"), draw: reportScreen },
  messages: { tab: "messages", title: () => gettext("Messages"), draw: messagesScreen },
  me: { tab: "me", title: () => gettext("Me"), draw: meScreen },
  outbox: { title: () => gettext("Outbox"), back: "/m/", draw: outboxScreen },
  "check-in": { title: () => gettext("Check in"), back: "/m/", draw: checkinScreen },
  task: { title: () => gettext("Case"), back: "/m/", draw: taskScreen },
};

let leave = null;
let turn = 0;

/** Go to a screen: `go("/m/outbox")`. */
export function go(address, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"]({}, "", address);
  return show();
}

async function show() {
  const mine = (turn += 1);
  const [name, ...rest] = location.pathname.replace(/^\/m\/?/, "").replace(/\/$/, "").split("/").map(decodeURIComponent);
  const screen = screens[name] || screens[""];
  leave?.();
  leave = null;
  const main = one("#screen");
  main.replaceChildren();
  delete main.dataset.key;
  main.className = `screen-${name || "home"}`;
  one("#title").textContent = screen.title();
  document.title = `${screen.title()} · ${gettext("Wangge")}`;
  const back = one(".top .back");
  back.hidden = !screen.back;
  back.href = screen.back || "/m/";
  for (const tab of all(".tabbar a")) {
    if (tab.dataset.tab === screen.tab) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  window.scrollTo(0, 0);
  const end = await screen.draw(main, { rest, params: new URLSearchParams(location.search), go, shown: () => mine === turn });
  // Somebody may have gone on while a map was loading.
  if (mine === turn) leave = end || null;
  else end?.();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || link.target) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || !url.pathname.startsWith("/m/")) return;
  event.preventDefault();
  go(url.pathname + url.search);
});
addEventListener("popstate", show);

function drawState() {
  const place = one(".outbox-state");
  const waiting = app.unsent.length;
  const refused = app.unsent.filter((entry) => entry.state === "refused").length;
  const signal = online();
  const words = refused
    ? fill(ngettext("%(n)s needs you", "%(n)s need you", refused), { n: refused })
    : waiting
      ? fill(gettext("%(n)s on phone"), { n: waiting })
      : signal
        ? gettext("Online")
        : gettext("No signal");
  place.replaceChildren(icon(refused ? "bang" : waiting ? "device" : signal ? "tick" : "offline"), el("span", {}, words));
  place.classList.toggle("bad", refused > 0);
  place.classList.toggle("waiting", refused === 0 && (waiting > 0 || !signal));
  place.setAttribute("aria-label", `${words}. ${gettext("Open the outbox")}`);
}

function drawNotices() {
  const notices = [];
  if (!globalThis.isSecureContext) {
    notices.push(
      el("p.banner", {}, icon("lock"), el("span", {}, gettext("This address is not secure: position, recording and opening without a signal need https. Ask your administrator for the secure address."))),
    );
  }
  if (app.signedIn === false) {
    const waiting = app.unsent.length;
    const words = waiting
      ? fill(ngettext("Your session has ended. %(n)s entry waits safely on this phone.", "Your session has ended. %(n)s entries wait safely on this phone.", waiting), { n: waiting })
      : gettext("Your session has ended.");
    notices.push(el("p.banner", { role: "alert" }, icon("lock"), el("span.grow", {}, words), el("a.button.main", { href: loginAddress() }, gettext("Sign in"))));
  }
  if (app.others > 0) {
    notices.push(
      el("p.banner", {}, icon("users"), el("span", {}, fill(ngettext("%(n)s entry of another account waits on this phone until that account signs in here.", "%(n)s entries of another account wait on this phone until that account signs in here.", app.others), { n: app.others }))),
    );
  }
  if (app.update) {
    notices.push(
      el("p.banner.info", {}, icon("refresh"), el("span.grow", {}, gettext("A new version is ready.")), el("button.button", { type: "button", onclick: app.update }, gettext("Use it"))),
    );
  }
  const place = one("#notices");
  const key = notices.map((notice) => notice.textContent).join("|");
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(...notices);
}

function loginAddress() {
  const [path] = document.body.dataset.login.split("?");
  return `${path}?next=${encodeURIComponent(location.pathname)}`;
}

async function drawUnread() {
  const unread = await unreadMessages();
  const tab = one('.tabbar a[data-tab="messages"]');
  tab.querySelector(".dot")?.remove();
  if (unread) tab.append(el("span.dot", { "aria-label": fill(ngettext("%(n)s new", "%(n)s new", unread), { n: unread }) }, String(Math.min(unread, 99))));
}

async function main() {
  onApp(() => {
    drawState();
    drawNotices();
  });
  listen();
  startWorker();
  keepFresh();
  await begin();
  // Whoever worked here before sees the own work at once; a new phone waits for the server's word.
  const asked = askSession();
  if (!app.user) await asked;
  if (!app.user) {
    if (app.signedIn === false) return location.replace(loginAddress());
    one("#screen").replaceChildren(
      el("div.state", {}, icon("offline"), el("h2", {}, gettext("No signal")), el("p", {}, gettext("Sign in once with a signal; after that this app also works without.")),
        el("div.buttons", {}, el("button.button.main", { type: "button", onclick: () => location.reload() }, gettext("Try again")))),
    );
    return drawState();
  }
  const shownFor = app.user.id;
  await show();
  const who = await asked;
  if (who?.user && app.user.id !== shownFor) await show();
  if (who && !document.documentElement.lang.startsWith(who.language.slice(0, 2))) await otherWords(who.language);
  await Promise.all([refresh(), send({ now: true })]);
  drawUnread();
  hear();
  // From here on the app opens and works without a signal.
  if (app.base && (await navigator.serviceWorker?.ready)) document.documentElement.dataset.offline = "ready";
}

const MOMENT = 1500;
const LONG = { rows: 50, pause: 20e3 };

// What happens to my cases shows within moments; many changes at once are fetched once, and the long list of a
// desk that hears of a whole city not with each of its cases; what is told to me alone does not wait for that.
function hear() {
  const fetchIn = soonest(() => online() && refreshTasks().then(drawUnread));
  subscribe(({ layer }) => {
    if (!["cases", "tasks", "*"].includes(layer) || document.visibilityState !== "visible") return;
    const long = layer === "cases" && app.tasks?.length > LONG.rows;
    fetchIn(long ? Math.max(MOMENT, app.tasksAt + LONG.pause - Date.now()) : MOMENT);
  });
}

// The kept shell speaks another language than this account: fetch it anew, once.
async function otherWords(language) {
  if (sessionStorage.getItem("language") === language) return;
  sessionStorage.setItem("language", language);
  await refreshShell();
  location.reload();
}

main();
