// Keys of a page: on("j", act). Never while somebody types or a dialog is open, never with Ctrl, Alt or Meta.
import { typing } from "./dom.js";

const bound = new Map();

export function on(key, act) {
  bound.set(key, act);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || typing(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  const act = bound.get(event.key);
  if (act && act(event) !== false) event.preventDefault();
});
