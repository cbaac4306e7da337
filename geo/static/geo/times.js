// Times as people say them; the exact time stands in the title. Same words as geo/templatetags/times.py.
import { fill, gettext, locale } from "./i18n.js";

const MINUTE = 60e3;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ZONE = "Asia/Shanghai";

export const exact = (when) =>
  new Intl.DateTimeFormat(locale(), { timeZone: ZONE, dateStyle: "medium", timeStyle: "short" }).format(new Date(when));

/** A length in one or two words: "3 hours", "2 days". Milliseconds, absolute. */
export function length(ms) {
  const span = Math.abs(ms);
  if (span < HOUR) return fill(gettext("%(n)s min"), { n: Math.max(1, Math.round(span / MINUTE)) });
  if (span < 48 * HOUR) return fill(gettext("%(n)s h"), { n: Math.round(span / HOUR) });
  return fill(gettext("%(n)s d"), { n: Math.round(span / DAY) });
}

export function ago(when, now = Date.now()) {
  const span = now - new Date(when);
  if (span < MINUTE) return gettext("just now");
  if (span < 7 * DAY) return fill(gettext("%(span)s ago"), { span: length(span) });
  return new Intl.DateTimeFormat(locale(), { timeZone: ZONE, dateStyle: "medium" }).format(new Date(when));
}

/**
 * What a deadline means now. "Due soon" is the last fifth of the time given, at most 4 hours, at least 15 minutes.
 * @returns {{tone: string, shape: string, text: string, title: string}}
 */
export function deadline(dueAt, { from = null, now = Date.now() } = {}) {
  const due = new Date(dueAt).getTime();
  const left = due - now;
  const given = from ? due - new Date(from).getTime() : 20 * HOUR;
  const soon = Math.min(4 * HOUR, Math.max(15 * MINUTE, given / 5));
  const title = exact(dueAt);
  if (left < 0) return { tone: "overdue", shape: "bang", text: fill(gettext("%(span)s overdue"), { span: length(left) }), title };
  const text = fill(gettext("%(span)s left"), { span: length(left) });
  return left <= soon ? { tone: "soon", shape: "clock", text, title } : { tone: "ontime", shape: "ring", text, title };
}

/** Words on the page grow old: refresh [data-due] and [data-ago] each half minute. */
export function keepFresh(root = document) {
  const refresh = () => {
    for (const element of root.querySelectorAll("[data-ago]")) element.textContent = ago(element.dataset.ago);
    for (const element of root.querySelectorAll("[data-due]")) {
      const { tone, shape, text } = deadline(element.dataset.due, { from: element.dataset.from });
      element.className = element.className.replace(/\bis-\w+/, `is-${tone}`);
      const word = element.querySelector("[data-word]");
      if (word && word.textContent !== text) word.textContent = text;
      element.querySelector("use")?.setAttribute("href", `/static/geo/icons.svg#${shape}`);
    }
  };
  setInterval(refresh, 30e3);
  return refresh;
}
