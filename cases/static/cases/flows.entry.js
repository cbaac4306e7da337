// A flow: its picture, the dialogs in which a draft is edited, printing.
import { all, one, onClick } from "@geo/dom.js";

const part = one("#part");
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target !== part) return;
  if (!part.open) part.showModal();
  one("input:not([type=hidden]), select", part)?.focus();
});
// What was wrong comes back as the dialog itself.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target === part && detail.xhr.status >= 400 && detail.xhr.status < 500) {
    detail.shouldSwap = true;
    detail.isError = false;
  }
});
onClick("[data-open]", (button) => {
  if (button.getAttribute("aria-disabled") !== "true") one(`#${button.dataset.open}`).showModal();
});
onClick("[data-close]", (button) => button.closest("dialog").close());
onClick("[data-print]", () => window.print());

// A state that is pointed at shows its arrows.
const graph = one(".flow-graph svg");
function ring(code) {
  for (const edge of all(".edge", graph)) edge.classList.toggle("on", Boolean(code) && [edge.dataset.from, edge.dataset.to].includes(code));
}
if (graph) {
  for (const node of all("[data-node]", graph)) {
    node.addEventListener("pointerenter", () => ring(node.dataset.node));
    node.addEventListener("pointerleave", () => ring(one(".node.on", graph)?.dataset.node));
    node.addEventListener("focus", () => ring(node.dataset.node));
  }
  ring(one(".node.on", graph)?.dataset.node);
}
