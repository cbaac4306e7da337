// A picker: a field that narrows a list of choices while somebody types. What is chosen stays in sight, and is told.
import { all, el, one } from "./dom.js";
import { fill, gettext } from "./i18n.js";

const wanted = (input) => input.value.trim().toLowerCase();
/** Those that the words mean, without those that only stay because they are chosen. */
const matching = (place, words) => all("[data-text]", place).filter((choice) => choice.dataset.text.includes(words));

function narrow(input) {
  const words = wanted(input);
  const place = input.closest(".popover, .picker");
  const list = one(".pick-list", place);
  if (list) list.removeAttribute("data-closed");
  for (const choice of all("[data-text]", place)) {
    choice.hidden = !choice.dataset.text.includes(words) && !one("input[type=checkbox]:checked", choice);
  }
  for (const group of all("[data-group]", place)) group.hidden = !group.querySelector("[data-text]:not([hidden])");
  if (!list) return;
  const none = one("[data-none]", list) ?? list.appendChild(el("p.hint", { "data-none": "", role: "status" }));
  none.textContent = matching(place, words).length ? "" : gettext("Nothing matches.");
}

/** Which of the boxes are ticked, in words. */
function tell(place) {
  const line = one("[data-chosen]", place);
  if (!line) return;
  const names = all("input:checked", place).map((box) => one("[data-name]", box.closest(".pick")).textContent.trim());
  line.textContent = names.length ? fill(gettext("%(n)s chosen: %(names)s"), { n: names.length, names: names.join("、") }) : "";
}

export function startNarrowing() {
  for (const input of all("[data-narrow][hidden]")) input.hidden = false;
  for (const place of all(".picker")) tell(place);
  document.addEventListener("input", ({ target }) => { if (target.matches("[data-narrow]")) narrow(target); });
  document.addEventListener("change", ({ target }) => { if (target.closest(".picker")) tell(target.closest(".picker")); });
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (!target.matches("[data-narrow]") || (key !== "Enter" && key !== "ArrowDown") || event.isComposing) return;
    const place = target.closest(".popover, .picker");
    const first = matching(place, wanted(target))[0];
    // Enter looks for a choice; it does not send the form that the choice is part of.
    event.preventDefault();
    if (first) one("a, button, input", first).focus();
  });
}
