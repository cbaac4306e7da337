// What happened to my cases.
import { el, icon, stateBox } from "@geo/dom.js";
import { fill, gettext } from "@geo/i18n.js";
import { ago, exact } from "@geo/times.js";
import { rows } from "./api.js";
import { app, fetchKept, online } from "./app.js";
import { keep, kept } from "./store.js";

const words = (row) =>
  ({
    reject: gettext("Not accepted"),
    void: gettext("Ended as void"),
    merge: gettext("Shown with another report of the same problem"),
    accept: gettext("Accepted"),
    auto_accept: gettext("Accepted"),
    file_case: gettext("Filed"),
    auto_file: gettext("Filed"),
    dispatch: row.mine ? fill(gettext("Sent to %(unit)s"), { unit: row.to_unit }) : gettext("Sent to your unit"),
    auto_dispatch: row.mine ? fill(gettext("Sent to %(unit)s"), { unit: row.to_unit }) : gettext("Sent to your unit"),
    start: gettext("Being handled"),
    report_handled: gettext("Handled, to be checked"),
    ask_verify_before: gettext("Please verify on the spot"),
    ask_verify_after: gettext("Please check whether it is handled"),
    verify_true: gettext("Somebody in your grid has verified it: it is so"),
    verify_false: gettext("Somebody in your grid has verified it: it is not so"),
    verify_pass: gettext("Somebody in your grid has checked it: handled"),
    verify_fail: gettext("Check failed: to be done again"),
    return_back: gettext("Returned"),
    close: gettext("Closed"),
  })[row.action] || row.state_label;

const shapes = { reject: "return", void: "return", return_back: "return", verify_fail: "rework", verify_true: "check", verify_false: "check", verify_pass: "check", close: "tick", report_handled: "check", ask_verify_before: "eye", ask_verify_after: "eye" };

async function load() {
  const answer = app.user ? await fetchKept("messages", "/m/data/messages") : null;
  return answer ? rows(answer.value) : null;
}

const lastSeen = async () => (app.user && (await kept("messages-seen", app.user.id))?.value) || 0;

/** How many messages have come since the tab was last open. */
export async function unreadMessages() {
  if (!app.user) return 0;
  const [messages, seen] = await Promise.all([load(), lastSeen()]);
  return (messages || []).filter((row) => row.id > seen).length;
}

export async function messagesScreen(root) {
  const list = el("ul.messages", {}, ...[1, 2, 3].map(() => el("li", {}, el("span.skeleton.box"))));
  root.append(list);
  const [messages, seen] = await Promise.all([load(), lastSeen()]);
  if (messages === null) {
    list.replaceChildren(el("li", {}, stateBox("offline", gettext("No messages on this phone"), gettext("They come with the next signal."))));
  } else if (!messages.length) {
    list.replaceChildren(el("li", {}, stateBox("inbox", gettext("No messages yet"), gettext("You hear here what becomes of your reports, and what you are asked to check."))));
  } else {
    list.replaceChildren(
      ...messages.map((row) =>
        el("li", {},
          el(row.id > seen ? "a.message.new" : "a.message", { href: `/m/task/${row.number}` },
            icon(shapes[row.action] || "case"),
            el("span.grow", {},
              el("b", {}, words(row), row.id > seen && el("span.visually-hidden", {}, ` (${gettext("new")})`)),
              el("span.line", {}, row.type || row.number),
              row.reason && el("span.line.muted", {}, row.reason)),
            el("time.muted", { dateTime: row.at, title: exact(row.at), "data-ago": row.at }, ago(row.at))))),
    );
    if (!online()) list.append(el("li.muted.as-of", {}, gettext("No signal: this is what was known last.")));
    await keep("messages-seen", app.user.id, Math.max(seen, ...messages.map((row) => row.id)));
    document.querySelector('.tabbar a[data-tab="messages"] .dot')?.remove();
  }
}
