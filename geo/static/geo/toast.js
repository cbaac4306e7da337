// A short word at the bottom of the page, with undo where undoing is possible.
import { el, one } from "./dom.js";
import { gettext } from "./i18n.js";

/**
 * toast("Saved"), toast("Deleted", {undo: () => …}), toast(error, {bad: true})
 * @returns {HTMLElement} the toast, which leaves by itself (errors stay twice as long).
 */
export function toast(message, { undo, bad = false, action, actionLabel, seconds } = {}) {
  const place = one("#toasts") ?? document.body.appendChild(el("div.toasts", { id: "toasts", role: "status" }));
  const words = String(message?.message ?? message);
  // Said again while it still stands there, it stays one.
  if (bad) [...place.children].find((one) => one.dataset.words === words)?.remove();
  const box = el(bad ? "div.toast.bad" : "div.toast", bad ? { role: "alert" } : {}, el("span", {}, words));
  box.dataset.words = words;
  const leave = () => box.remove();
  if (undo) box.append(el("button", { type: "button", onclick: () => { leave(); undo(); } }, gettext("Undo")));
  if (action) box.append(el("button", { type: "button", onclick: () => { leave(); action(); } }, actionLabel));
  box.append(el("button", { type: "button", onclick: leave }, gettext("Close")));
  place.append(box);
  let timer = setTimeout(leave, (seconds ?? (undo || bad ? 10 : 5)) * 1000);
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("pointerleave", () => { timer = setTimeout(leave, 3000); });
  return box;
}
