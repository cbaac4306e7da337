// What is only on this phone, what has arrived, and what needs a decision.
import { ask } from "@geo/dialog.js";
import { badge, el, icon, stateBox } from "@geo/dom.js";
import { fill, gettext } from "@geo/i18n.js";
import { ago, exact } from "@geo/times.js";
import { toast } from "@geo/toast.js";
import { app, online, send } from "./app.js";
import { cancel, edit, uncertain } from "./outbox.js";
import { previewUrl } from "./photo.js";
import { backToDraft } from "./report.js";
import { entries, onOutbox } from "./store.js";
import { checkResult, entryKind, entryState, entryTrouble, metres, receipts, size } from "./words.js";

export async function outboxScreen(root, { rest, go }) {
  const [key] = rest;
  const urls = new Set();
  let leaving = false;
  const stop = onOutbox(draw);
  await draw();
  return () => {
    leaving = true;
    stop();
    urls.forEach((url) => URL.revokeObjectURL(url));
  };

  async function draw() {
    if (leaving) return;
    const all = (await entries()).filter((entry) => entry.user.id === app.user?.id);
    const mine = key ? all.filter((entry) => entry.key === key) : all.reverse();
    if (leaving) return;
    if (key && !mine.length) return go("/m/outbox", { replace: true });
    const open = all.filter((entry) => entry.state !== "sent");
    urls.forEach((url) => URL.revokeObjectURL(url));
    urls.clear();
    const parts = key ? onePart(mine[0]) : allPart(mine, open);
    root.replaceChildren(...parts);
  }

  function allPart(mine, open) {
    if (!mine.length) return [stateBox("inbox", gettext("Nothing waits here"), gettext("What you report is kept here until it has arrived, with or without a signal."), el("a.button", { href: "/m/report" }, gettext("Report a problem")))];
    return [
      el("p.lead", { role: "status" }, open.length
        ? online() ? gettext("These are only on this phone. They go out by themselves; the app may be closed once they have arrived.") : gettext("No signal. These are only on this phone and go out by themselves as soon as there is one. Do not clear the browser's data until then.")
        : gettext("Everything has arrived. This list is kept for a week.")),
      open.length > 0 && el("button.button.wide", { type: "button", onclick: () => send({ now: true }) }, icon("upload"), gettext("Try now")),
      el("ul.outbox", {}, ...mine.map((entry) => el("li", {}, entryCard(entry)))),
    ].filter(Boolean);
  }

  function onePart(entry) {
    const sent = entry.state === "sent";
    return [
      el(`section.sent-head.${sent ? "done" : "waits"}`, { role: "status" },
        icon(sent ? "tick" : entry.state === "refused" ? "bang" : "device"),
        el("h2", {}, sent ? gettext("It has arrived") : entry.state === "refused" ? gettext("It needs you") : online() ? gettext("On its way…") : gettext("Kept on this phone")),
        el("p", {}, sent
          ? entry.result?.number ? fill(gettext("Case %(number)s"), { number: entry.result.number }) : ""
          : entry.state === "refused" ? "" : gettext("It goes out by itself, also when you do something else."))),
      entryCard(entry),
      el("div.buttons.column", {},
        sent && entry.result?.number && el("a.button", { href: `/m/task/${entry.result.number}` }, gettext("Show the case")),
        (entry.kind === "report" || entry.kind === "supplement") && el("a.button.main", { href: "/m/report" }, icon("photo"), gettext("Report another problem")),
        el("a.button", { href: "/m/" }, gettext("Back to the tasks"))),
    ];
  }

  function entryCard(entry) {
    const { tone, shape, text } = entryState(entry);
    const title = [entryKind(entry), entry.label.type || entry.label.target].filter(Boolean).join(": ");
    const trouble = entryTrouble(entry);
    const result = entry.state === "sent" && entry.kind === "check_in" ? checkResult(entry.result?.result) : null;
    return el("article.card.entry", {},
      el("header", {}, el("h3.grow", {}, title || entryKind(entry)), badge(tone, shape, text)),
      el("div.body", {},
        el("p.muted", {}, el("time", { dateTime: new Date(entry.created).toISOString(), title: exact(entry.created) }, ago(entry.created)), entry.tries > 1 && ` · ${fill(gettext("%(n)s tries"), { n: entry.tries })}`),
        entry.fields.description && el("p", {}, entry.fields.description),
        entry.fields.reason && el("p", {}, entry.fields.reason),
        entry.files.length > 0 && el("p.receipts", {}, icon("photo"), receipts(entry)),
        entry.files.length > 0 && el("div.photos", {}, ...entry.files.filter((file) => file.kind === "photo").map((file, index) => filePart(entry, file, index))),
        result && el("p", {}, badge(result.tone, result.shape, result.text), " ", metres(entry.result.distance_m)),
        result && el("ul.reasons", {}, ...(entry.result.reasons || []).map((reason) => el("li", {}, reason.label || reason))),
        trouble && el("p.warn", { role: entry.state === "refused" ? "alert" : "status" }, icon(entry.state === "refused" ? "bang" : "info"), " ", trouble),
        entry.error?.errors?.length > 1 && el("ul.reasons", {}, ...entry.error.errors.map((error) => el("li", {}, error.detail))),
        entry.state !== "sent" && actions(entry)));
  }

  function filePart(entry, file, index) {
    const url = previewUrl(file);
    if (url) urls.add(url);
    const label = fill(gettext("Photo %(n)s"), { n: index + 1 });
    const refused = entry.state === "refused" && (!entry.error?.file || entry.error.file === file.key);
    return el("figure.photo", {},
      url ? el("img", { src: url, alt: label }) : el("span.no-photo", {}, icon("photo")),
      el("figcaption.tag", {}, file.arrived ? icon("tick") : icon("device"), file.arrived ? gettext("arrived") : size(file.size)),
      refused && el("button.remove", { type: "button", "aria-label": `${gettext("Remove")} ${label}`, onclick: () => change(entry, (old) => { old.files = old.files.filter((one) => one.key !== file.key); }) }, icon("close")));
  }

  function actions(entry) {
    if (entry.state === "sending") return null;
    return el("div.buttons", {},
      entry.state === "refused" && el("button.button.main", { type: "button", onclick: () => change(entry, () => null) }, icon("upload"), gettext("Send again")),
      (entry.kind === "report" || entry.kind === "supplement") && !uncertain(entry) && el("button.button", { type: "button", onclick: () => reopen(entry) }, icon("edit"), gettext("Change")),
      entry.fields.number && el("a.button", { href: `/m/task/${entry.fields.number}` }, gettext("Show the case")),
      el("button.button.danger", { type: "button", onclick: () => drop(entry) }, icon("trash"), gettext("Cancel it")));
  }

  async function change(entry, how) {
    leaving = Boolean(key);
    const changedEntry = await edit(entry.key, how);
    leaving = false;
    if (!changedEntry) return busy();
    if (key && changedEntry.key !== key) go(`/m/outbox/${changedEntry.key}`, { replace: true });
    else draw();
    send({ now: true });
  }

  async function reopen(entry) {
    // First the draft, then out of the outbox: nothing is lost in between.
    await backToDraft(entry);
    leaving = true;
    if (!(await cancel(entry.key))) {
      leaving = false;
      return busy();
    }
    go("/m/report");
  }

  async function drop(entry) {
    const words = uncertain(entry)
      ? gettext("It may have arrived although no answer came back. Cancelling only deletes it from this phone.")
      : gettext("It has not been sent. It is deleted from this phone, photos included.");
    if (!(await ask(gettext("Cancel this?"), words, gettext("Delete it")))) return;
    if (!(await cancel(entry.key))) busy();
  }

  function busy() {
    toast(gettext("It is being sent this moment."), { bad: true });
  }
}
