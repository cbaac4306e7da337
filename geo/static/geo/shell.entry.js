// What every desk page does: menus, popovers, search, keys, messages, offline, live sign, htmx.
import htmx from "htmx.org";
import { all, el, icon, one, onClick } from "./dom.js";
import { csrfToken, getJSON } from "./http.js";
import { gettext } from "./i18n.js";
import { startIdle } from "./idle.js";
import { startInPlace } from "./inplace.js";
import { on } from "./keys.js";
import { stateWord, subscribe, watch } from "./live.js";
import { startNarrowing } from "./narrow.js";
import { awayHeaders } from "./presence.js";
import { startSearch } from "./search.js";
import { ago, exact, keepFresh } from "./times.js";
import { toast } from "./toast.js";

window.htmx = htmx;
htmx.config.timeout = 60e3;
const year = 31536000;
const remember = (name, value) => { document.cookie = `${name}=${value};path=/;max-age=${year};samesite=lax`; };

/** A fragment did not come: said where it would stand if something was waiting there, else in a toast. */
function missed({ elt, target, requestConfig }, words, passes) {
  const polls = /every/.test(elt.getAttribute("hx-trigger") ?? "");
  const { verb, path } = requestConfig;
  const place = target?.querySelector(".skeleton") ? target : null;
  const again = () => {
    if (verb === "get") return htmx.ajax("GET", path, { source: elt, target, swap: elt.getAttribute("hx-swap") ?? undefined }).catch(() => {}); // told like the first
    if (elt.matches("form")) return elt.requestSubmit();
    return elt.click();
  };
  if (place) {
    const button = passes ? el("button.button.small", { type: "button", onclick: () => { place.replaceChildren(el("span.skeleton.w60")); again(); } }, gettext("Try again")) : "";
    place.replaceChildren(el("p.row", { role: "alert" }, icon("bang"), el("span.grow", {}, words), button));
    return;
  }
  // What asks every second by itself needs no button.
  toast(words, passes && !polls && elt.isConnected ? { bad: true, action: again, actionLabel: gettext("Try again") } : { bad: true });
}

// --- htmx: our token goes with every request; an error says what happened -----------------------------------
document.addEventListener("htmx:configRequest", ({ detail }) => {
  Object.assign(detail.headers, awayHeaders());
  if (detail.verb !== "get") detail.headers["X-CSRFToken"] = csrfToken();
});
document.addEventListener("htmx:responseError", ({ detail }) => {
  const { xhr } = detail;
  let words = gettext("The server could not do this. Try again later.");
  if (xhr.status === 401) words = gettext("Your session has ended. Log in again.");
  if (xhr.status === 403) words = gettext("Your roles do not allow this.");
  if (xhr.status === 404) words = gettext("Not found, or not within your scope.");
  try {
    const problem = JSON.parse(xhr.responseText);
    words = problem.detail || problem.title || words;
  } catch { /* not a problem document */ }
  missed(detail, words, xhr.status >= 500 || xhr.status === 429);
});
const noAnswer = ({ detail }) => missed(detail, gettext("No answer from the server. Check the connection and try again."), true);
document.addEventListener("htmx:sendError", noAnswer);
document.addEventListener("htmx:timeout", noAnswer);
// A session that has ended answers a fragment with the log-in page: go there instead of showing it in a pane.
document.addEventListener("htmx:beforeSwap", (event) => {
  const answered = new URL(event.detail.xhr.responseURL || location.href);
  if (/\/login\//.test(answered.pathname)) {
    event.preventDefault();
    const next = encodeURIComponent(location.pathname + location.search);
    location.href = `/login/?next=${next}${answered.searchParams.get("ended") === "idle" ? "&ended=idle" : ""}`;
  }
});

// --- header and menu ---------------------------------------------------------------------------------------
const desk = one("#desk");
onClick("[data-fold]", (button) => {
  const folded = desk.classList.toggle("folded");
  button.setAttribute("aria-pressed", String(folded));
  remember("folded", folded ? 1 : 0);
  window.dispatchEvent(new Event("resize"));
});
onClick("[data-menu-open]", (button) => {
  button.setAttribute("aria-expanded", String(desk.classList.toggle("menu-shown")));
});
onClick(".menu .group-name", (button) => {
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", String(open));
  one(`#${button.getAttribute("aria-controls")}`).hidden = !open;
});
onClick("[data-large]", (button) => {
  const large = document.documentElement.classList.toggle("large-type");
  button.setAttribute("aria-pressed", String(large));
  remember("large", large ? 1 : 0);
});
onClick("[data-back]", () => history.back());
onClick("[data-close]", (button) => button.closest("dialog")?.close());
onClick("[data-dialog]", (button) => one(`#${button.dataset.dialog}`)?.showModal());
onClick("[data-print]", () => window.print());
const showKeys = () => one("#keys")?.showModal();
onClick("[data-keys]", showKeys);
on("?", showKeys);

function closePopovers(except) {
  for (const button of all("[data-popover][aria-expanded='true']")) {
    if (button === except) continue;
    button.setAttribute("aria-expanded", "false");
    const popover = one(`#${button.dataset.popover}`);
    if (popover) popover.hidden = true;
  }
}
onClick("[data-popover]", (button) => {
  closePopovers(button);
  const popover = one(`#${button.dataset.popover}`);
  popover.hidden = !popover.hidden;
  button.setAttribute("aria-expanded", String(!popover.hidden));
  if (!popover.hidden && popover.dataset.src) fillMessages(popover);
});
document.addEventListener("click", (event) => { if (!event.target.closest(".has-popover")) closePopovers(); });
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = one("[data-popover][aria-expanded='true']");
  if (open) {
    closePopovers();
    open.focus();
    event.stopImmediatePropagation();
  }
  desk?.classList.remove("menu-shown");
});

// A narrow touch screen that did not say it is a phone: offer the phone app, or go there who works outside.
const offer = one("[data-phone-offer]");
if (offer && matchMedia("(pointer: coarse) and (max-width: 600px)").matches && !/(^|; )desk=1/.test(document.cookie)) {
  if (offer.dataset.phoneOffer === "go" && !location.search) location.replace("/?desk=0");
  else offer.hidden = false;
  onClick("[data-stay]", () => { remember("desk", 1); offer.hidden = true; });
}

const search = one("[data-search]");
if (search) startSearch(search);

// --- messages ----------------------------------------------------------------------------------------------
async function fillMessages(popover) {
  popover.replaceChildren(el("p.title", {}, gettext("Messages")));
  try {
    const { messages = [] } = await getJSON(popover.dataset.src);
    if (!messages.length) popover.append(el("p.title", {}, gettext("No messages.")));
    popover.append(...messages.map((message) =>
      el("a.item", { href: message.url || "#" }, icon(message.icon || "bell"),
        el("span.grow", {}, message.title,
          el("small", { title: exact(message.at) }, [message.detail, ago(message.at)].filter(Boolean).join(" · "))))));
    const dot = one("[data-message-count]");
    if (dot) dot.textContent = "";
  } catch (error) {
    popover.append(el("p.title", {}, error.message));
  }
}

// --- offline, live, times ----------------------------------------------------------------------------------
const offline = one("[data-offline]");
const showOffline = () => { if (offline) offline.hidden = navigator.onLine; };
window.addEventListener("online", showOffline);
window.addEventListener("offline", showOffline);
showOffline();

// The browser would replace the page with its own error, and what was filled in would be gone.
document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (navigator.onLine || event.defaultPrevented || form.method === "dialog" || form.matches("[hx-get], [hx-post]")) return;
  event.preventDefault();
  toast(gettext("No connection: nothing was sent, and your entries stay here."), { bad: true, seconds: 60, action: () => form.requestSubmit(submitter), actionLabel: gettext("Try again") });
});

// Pressed twice, a form would be sent twice.
const AGAIN_AFTER = 3000;
document.addEventListener("submit", (event) => {
  const { target: form } = event;
  if (event.defaultPrevented || form.method !== "post" || form.matches("[data-in-place]")) return;
  if (event.timeStamp - Number(form.dataset.sentAt ?? -AGAIN_AFTER) < AGAIN_AFTER) event.preventDefault();
  else form.dataset.sentAt = event.timeStamp;
});
startInPlace();

const sign = one("[data-live]");
if (sign && document.body.dataset.user) {
  sign.hidden = false;
  watch((state) => {
    sign.dataset.state = state;
    sign.textContent = stateWord(state);
  });
  subscribe((event) => {
    const dot = one("[data-message-count]");
    if (event.layer === "messages" && dot) dot.textContent = String(Number(dot.textContent || 0) + 1);
  });
}
startIdle();
startNarrowing();
const refresh = keepFresh();
document.addEventListener("htmx:afterSettle", refresh);
