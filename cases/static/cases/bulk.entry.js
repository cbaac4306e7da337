// Many cases at once: all or none chosen; what was shown is old once the choice changes.
import { all, one } from "@geo/dom.js";

const form = one("#bulk");
const every = one("[data-all]");
form?.addEventListener("change", ({ target }) => {
  if (target === every) for (const box of all("[name=numbers]", form)) box.checked = every.checked;
  else if (target.name === "numbers") every.checked = all("[name=numbers]", form).every((box) => box.checked);
  else if (target.id !== "bulk-action") return;
  one("#bulk-preview").replaceChildren();
});
