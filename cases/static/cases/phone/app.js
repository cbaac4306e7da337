// What every screen shares: who works here, what was kept for a time without a signal, and sending.
import { Refused, Unreachable, caseRow, get, rows, session } from "./api.js";
import { flush, hurry } from "./outbox.js";
import { entries, forget, keep, kept, onOutbox } from "./store.js";

/**
 * `user` is {id, name} or null; `signedIn` is null until the server could be asked; `reachable` likewise.
 * `me`, `base`, `types`, `tasks` are the last answers known, from the server or from this phone; `meAt` is
 * when `me` was asked for (ms). `tasksInAll` counts also those that are not on this phone.
 */
export const app = {
  user: null,
  signedIn: null,
  reachable: null,
  me: null,
  meAt: 0,
  base: null,
  types: [],
  tasks: null,
  tasksAt: null,
  tasksInAll: null,
  found: new Map(), // components the server named, by code, beside the kept set
  unsent: [],
  others: 0,
  update: null,
};

const watchers = new Set();

/** Hear of changes in `app`; the returned function ends it. */
export function onApp(watcher) {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function changed() {
  watchers.forEach((watcher) => watcher(app));
}

/** Ask the server, or give what was kept: {value, at, fresh}; null when there is neither. */
export async function fetchKept(name, url) {
  try {
    const value = await get(url);
    app.reachable = true;
    if (app.user) await keep(name, app.user.id, value);
    return { value, at: Date.now(), fresh: true };
  } catch (error) {
    noticed(error);
    const row = app.user ? await kept(name, app.user.id) : null;
    return row ? { value: row.value, at: row.at, fresh: false } : null;
  }
}

/** Learn from a failure what it says about connection and session. */
export function noticed(error) {
  if (error instanceof Unreachable) app.reachable = false;
  if (error instanceof Refused) {
    app.reachable = true;
    if (error.status === 401) app.signedIn = false;
  }
  changed();
}

/** Begin with what this phone knows: its last user works on at once, the server corrects that when it answers. */
export async function begin() {
  const last = await kept("user", null);
  app.user = last ? last.value : null;
  if (app.user) await fromPhone();
  arrivedAt = lastArrival(await count());
  changed();
}

export async function askSession() {
  try {
    const who = await session();
    app.reachable = true;
    app.signedIn = Boolean(who.user);
    if (who.user && who.user.id !== app.user?.id) {
      await forget();
      Object.assign(app, { me: null, base: null, tasks: null, tasksAt: null, tasksInAll: null });
    }
    if (who.user) {
      app.user = who.user;
      await keep("user", who.user.id, who.user);
    }
    await count();
    changed();
    return who;
  } catch (error) {
    noticed(error);
    return null;
  }
}

async function fromPhone() {
  const [me, base, tasks] = await Promise.all(
    ["me", "base", "tasks"].map((name) => kept(name, app.user.id)),
  );
  app.me = me?.value || null;
  app.meAt = me?.at || 0;
  useBase(base?.value || null);
  if (tasks) useTasks(tasks);
}

/** Fetch anew what the app works with. */
export async function refresh() {
  if (!app.user || app.signedIn === false) return;
  await Promise.all([refreshMe(), refreshTasks(), refreshBase()]);
}

export async function refreshMe() {
  const asked = Date.now();
  const answer = await fetchKept("me", "/api/me/");
  if (answer) Object.assign(app, { me: answer.value, meAt: answer.fresh ? asked : answer.at });
  await count();
  changed();
}

export async function refreshTasks() {
  const answer = await fetchKept("tasks", "/api/me/tasks");
  if (answer) useTasks(answer);
  changed();
}

function useTasks({ value, at }) {
  const tasks = rows(value).map(caseRow);
  Object.assign(app, { tasks, tasksAt: at, tasksInAll: { count: value.count ?? tasks.length, exact: value.count_exact !== false } });
}

async function refreshBase() {
  const base = await fetchKept("base", "/m/data/base");
  if (base) useBase(base.value);
  changed();
  // The service worker keeps these two, so that the map opens without a signal.
  if (base?.fresh) for (const register of ["layers", "basemaps"]) get(`/api/${register}/`).catch(() => null);
}

function useBase(base) {
  app.base = base;
  app.types = base?.types || [];
}

/** A component as a short row (code, name, type id, lon, lat): of the kept set, or one the server named. */
export const component = (code) => app.base?.components.find((row) => row[0] === code) || app.found.get(code);

/** Remember components of an answer; true when one is new. */
export function foundComponents(list) {
  const fresh = list.filter((one) => !component(one.code));
  for (const one of fresh) app.found.set(one.code, [one.code, one.name, one.type?.id ?? one.type, one.lon, one.lat]);
  return fresh.length > 0;
}

export async function count() {
  const all = await entries();
  const open = all.filter((entry) => entry.state !== "sent");
  app.unsent = open.filter((entry) => entry.user.id === app.user?.id);
  app.others = open.length - app.unsent.length;
  takeShift(all);
  return all;
}

const lastArrival = (all) =>
  Math.max(0, ...all.filter((entry) => entry.user.id === app.user?.id && entry.state === "sent").map((entry) => entry.sent));

let arrivedAt = 0;
let arriving = null;

/** What has arrived changes the list, whoever sent it: this tab, another one or the service worker. */
function afterArrival(all) {
  const last = lastArrival(all);
  if (last <= arrivedAt) return;
  arrivedAt = last;
  clearTimeout(arriving);
  arriving = setTimeout(refreshTasks, 300);
}

/** The answer to a punch is the shift, known though the signal went before `me` could be fetched again. */
function takeShift(all) {
  const punches = all.filter((entry) => entry.user.id === app.user?.id && entry.state === "sent" && entry.result
    && (entry.kind === "punch_in" || entry.kind === "punch_out") && entry.sent > app.meAt);
  const last = punches.sort((a, b) => a.sent - b.sent).pop();
  if (last && app.me) app.me = { ...app.me, shift: last.result };
}

let timer = null;
let sending = null;

/** Send what waits, and come back when the next is due. Called at start, on signal, on return, after adding. */
export function send({ now = false } = {}) {
  clearTimeout(timer);
  sending ??= (async () => {
    try {
      if (now) await hurry();
      const answer = await flush();
      app.reachable = answer.reachable ? (answer.left || answer.sent ? true : app.reachable) : false;
      if (answer.user) app.signedIn = true;
      if (answer.user === null) app.signedIn = false;
      if (answer.wait) timer = setTimeout(send, answer.wait);
    } finally {
      sending = null;
      await count();
      changed();
    }
  })();
  return sending;
}

/** Keep the app in step with the signal and with what other tabs and the worker send. */
export function listen() {
  onOutbox(async () => {
    afterArrival(await count());
    changed();
  });
  addEventListener("online", () => {
    app.reachable = null;
    changed();
    askSession().then(() => send({ now: true }));
  });
  addEventListener("offline", () => {
    app.reachable = false;
    changed();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    send({ now: true });
    if (navigator.onLine) refreshTasks();
  });
}

/** Whether this user's roles report cases; believed until the server has said otherwise. */
export const mayReport = () => !app.me || app.me.permissions.includes("cases.report");

export const online = () => navigator.onLine && app.reachable !== false;

/** What makes six lists out of one: types last used by this user, newest first. */
export async function recentTypes() {
  return (app.user && (await kept("recent-types", app.user.id))?.value) || [];
}

export async function useType(id) {
  const recent = [id, ...(await recentTypes()).filter((one) => one !== id)].slice(0, 6);
  if (app.user) await keep("recent-types", app.user.id, recent);
}
