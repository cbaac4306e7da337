// Forms marked data-in-place are sent behind the page: a send that fails leaves every entry and every photo where it is.
// The server answers such a send with the address that it would have led to (geo.middleware.InPlace).
import { all, el, icon, one } from "./dom.js";
import { csrfToken, words } from "./http.js";
import { gettext } from "./i18n.js";
import { awayHeaders } from "./presence.js";
import { toast } from "./toast.js";

// What has to be done to a form's data before they go, by form.
const preparing = new WeakMap();
/** `prepare(data)` is awaited before the form is sent; it may change the FormData. */
export const beforeSending = (form, prepare) => preparing.set(form, prepare);

const parse = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");

function tell(form, submitter, text, fields = []) {
  const buttons = submitter?.closest(".buttons") ?? form.lastElementChild;
  const told = one("[data-told]", form) ?? el("div.banner.bad", { "data-told": "", role: "alert" }, icon("bang"), el("span.grow"));
  one("span", told).textContent = text;
  buttons.before(told);
  told.scrollIntoView({ block: "nearest" });
  for (const field of all("[aria-invalid]", form)) field.removeAttribute("aria-invalid");
  for (const name of fields) form.elements.namedItem(name)?.setAttribute?.("aria-invalid", "true");
}

/** Why the server refused, from the page it answered with. */
async function why(answer) {
  if (answer.status === 413 || answer.status >= 500) return [words(answer.status)];
  const page = await parse(answer);
  const said = one(".banner.bad:not([hidden]) .grow", page) ?? one("[role=alert] p", page) ?? one("[role=alert] h1", page);
  return [said?.textContent.trim() || words(answer.status), all("[aria-invalid='true']", page).map((field) => field.name)];
}

/** Only the form's own row is drawn anew, so that what was begun in other rows stays. */
async function refresh(row, address) {
  const page = await parse(await fetch(address, { headers: awayHeaders() }));
  const fresh = page.getElementById(row.id);
  if (fresh) row.replaceWith(document.importNode(fresh, true));
  else row.remove();
  for (const old of all("#toasts .bad")) old.remove();
  for (const part of all("[data-fresh]")) part.replaceWith(document.importNode(page.getElementById(part.id), true));
  for (const line of all(".messages .banner", page)) toast(line.textContent.trim(), { bad: line.matches(".bad") });
}

/** @returns whether the page is being left. */
async function send(form, submitter) {
  const data = new FormData(form);
  if (submitter?.name) data.append(submitter.name, submitter.value);
  await preparing.get(form)?.(data);
  // Whoever had to log in again meanwhile has another one.
  data.set("csrfmiddlewaretoken", csrfToken());
  let answer;
  try {
    // Not form.action: a field of that name would stand in its place.
    answer = await fetch(form.getAttribute("action") || location.href, { method: "POST", body: data, headers: { ...awayHeaders(), Accept: "text/html", "X-In-Place": "1" }, signal: AbortSignal.timeout?.(120000) });
  } catch {
    tell(form, submitter, gettext("No answer from the server: your entries are still here. Check the connection and send again."));
    return false;
  }
  const address = answer.headers.get("X-Location");
  const row = form.dataset.inPlace && form.closest(form.dataset.inPlace);
  if (!address) {
    tell(form, submitter, ...(await why(answer).catch(() => [words(answer.status)])));
    return false;
  }
  if (/^\/login\//.test(address)) {
    tell(form, submitter, gettext("Your session has ended. Log in again in another tab, then send again."));
    return false;
  }
  if (row) return refresh(row, address).catch(() => { location.assign(address); return true; });
  const next = new URL(address, location.href);
  if (next.pathname + next.search === location.pathname + location.search) location.reload();
  else location.assign(next);
  return true;
}

function release(form) {
  delete form.dataset.sending;
  for (const button of all(".busy", form)) button.classList.remove("busy");
}

export function startInPlace() {
  document.addEventListener("submit", async (event) => {
    const { target: form, submitter } = event;
    if (event.defaultPrevented || !form.matches("[data-in-place]")) return;
    event.preventDefault();
    if ("sending" in form.dataset) return;
    form.dataset.sending = "";
    submitter?.classList.add("busy");
    if (!(await send(form, submitter))) release(form);
  });
  // Back from where it led, the page may still be as it was left.
  window.addEventListener("pageshow", (event) => { if (event.persisted) all("form[data-sending]").forEach(release); });
}
