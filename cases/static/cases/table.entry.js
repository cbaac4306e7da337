// The table of cases: filters as in the list; its columns chosen and put in order.
import { one, onClick } from "@geo/dom.js";
import { startList } from "./list.js";

startList("table");
onClick("[data-move]", (button) => {
  const line = button.closest("li");
  const other = button.dataset.move === "1" ? line.nextElementSibling : line.previousElementSibling;
  if (!other) return;
  if (button.dataset.move === "1") other.after(line);
  else other.before(line);
  button.focus();
  line.scrollIntoView({ block: "nearest" });
});
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.id === "list-pane") one("#list-scroll").scrollTop = 0;
});
