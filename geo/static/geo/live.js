// Live events: one EventSource per browser, whatever the number of tabs.
//
// The tab that holds the lock "wangge-events" listens for all and passes events on by BroadcastChannel; when it
// goes, the next takes over. Where locks are missing (plain http) each visible tab listens for itself. After
// 20 seconds without a connection, listeners poll: they are told {"layer": "*"} every 30 seconds.
import { getJSON } from "./http.js";
import { gettext } from "./i18n.js";

const listeners = new Set();
const watchers = new Set();
const channel = "BroadcastChannel" in window ? new BroadcastChannel("wangge-events") : null;
let state = "connecting";
let started = false;
let pollTimer = null;

function tell(event) {
  for (const listener of listeners) listener(event);
}

function become(next) {
  if (next === state) return;
  state = next;
  for (const watcher of watchers) watcher(state);
  const polls = next === "polling" || next === "offline";
  if (polls && !pollTimer) pollTimer = setInterval(() => navigator.onLine && tell({ layer: "*", verb: "poll" }), 30e3);
  if (!polls && pollTimer) {
    clearInterval(pollTimer);
    pollTimer = null;
    tell({ layer: "*", verb: "caught-up" });
  }
}

function share(next, event) {
  become(next);
  if (event) tell(event);
  channel?.postMessage({ state: next, event });
}

async function listen() {
  let wait = 1000;
  let lost = Date.now();
  let last = "";
  for (;;) {
    let stream;
    try {
      const { token, url } = await getJSON("/api/events/token");
      const address = new URL(url ?? "/events/", location.href);
      if (!address.searchParams.has("token")) address.searchParams.set("token", token);
      if (last) address.searchParams.set("last", last);
      stream = new EventSource(address);
    } catch (error) {
      if (error.status === 401 || error.status === 403) return share("offline");
    }
    if (stream) {
      await new Promise((over) => {
        stream.onopen = () => { wait = 1000; share("live"); };
        stream.onmessage = (message) => {
          last = message.lastEventId || last;
          share("live", JSON.parse(message.data));
        };
        // The token is short-lived, so a lost stream is opened anew with a fresh one, not by the browser.
        stream.onerror = () => { stream.close(); over(); };
      });
      if (state === "live") lost = Date.now();
    }
    share(!navigator.onLine ? "offline" : Date.now() - lost > 20e3 ? "polling" : "reconnecting");
    await new Promise((again) => setTimeout(again, wait + Math.random() * 500));
    wait = Math.min(wait * 2, 30e3);
  }
}

function start() {
  started = true;
  channel?.addEventListener("message", ({ data }) => {
    if (data.ask) return state !== "connecting" && channel.postMessage({ state });
    become(data.state);
    if (data.event) tell(data.event);
  });
  channel?.postMessage({ ask: true });
  if (navigator.locks) navigator.locks.request("wangge-events", listen);
  else listen();
  window.addEventListener("offline", () => become("offline"));
}

/**
 * Hears of changes: {layer, row, verb, area, at}. Tells that something changed, never what it now is.
 * A layer of "*" means "something may have changed": refetch what you show.
 * @returns {() => void} stops hearing
 */
export function subscribe(listener) {
  listeners.add(listener);
  if (!started) start();
  return () => listeners.delete(listener);
}

/** Is told the connection's state: connecting, live, reconnecting, polling, offline. */
export function watch(watcher) {
  watchers.add(watcher);
  watcher(state);
}

export const stateWord = (now) => ({
  connecting: gettext("Connecting"),
  live: gettext("Live"),
  reconnecting: gettext("Reconnecting"),
  polling: gettext("Every 30 s"),
  offline: gettext("Offline"),
})[now];
