// <dialog> with our head and foot; the browser keeps focus inside and closes on Esc.
import { el, icon } from "./dom.js";
import { gettext } from "./i18n.js";

/**
 * Opens a dialog around `content` and removes it when closed.
 * @returns {HTMLDialogElement}
 */
export function openDialog(title, content, { foot = [], wide = false, onclose } = {}) {
  const id = `dialog-${Math.random().toString(36).slice(2)}`;
  const dialog = el(wide ? "dialog.wide" : "dialog", { "aria-labelledby": id },
    el("div.dialog", {},
      el("div.dialog-head", {}, el("h2", { id }, title),
        el("button.button.quiet.icon-only", { type: "button", "aria-label": gettext("Close"), onclick: () => dialog.close() }, icon("close"))),
      el("div.dialog-body", {}, content),
      foot.length ? el("div.dialog-foot", {}, ...foot) : null));
  document.body.append(dialog);
  dialog.addEventListener("close", () => { dialog.remove(); onclose?.(); });
  dialog.showModal();
  return dialog;
}

/** Asks before something that cannot be undone. @returns {Promise<boolean>} */
export function ask(title, text, verb) {
  return new Promise((resolve) => {
    let answer = false;
    const dialog = openDialog(title, el("p", {}, text), {
      foot: [
        el("button.button", { type: "button", onclick: () => dialog.close() }, gettext("Cancel")),
        el("button.button.main", { type: "button", onclick: () => { answer = true; dialog.close(); } }, verb),
      ],
      onclose: () => resolve(answer),
    });
  });
}
