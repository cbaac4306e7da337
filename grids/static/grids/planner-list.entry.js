// The list of plans: a new one, news about those being prepared, taking back a withdrawn one.
import { all, el, onClick } from "@geo/dom.js";
import { sendJSON } from "@geo/http.js";
import { gettext } from "@geo/i18n.js";
import { subscribe } from "@geo/live.js";
import { paced } from "@geo/pace.js";
import { toast } from "@geo/toast.js";
import { newPlan } from "./planner/dialogs.js";
import { plansURL } from "./planner/draft.js";

onClick("[data-new-plan]", () => newPlan());

for (const row of all('tr[data-state="withdrawn"]')) {
  row.lastElementChild.append(" ", el("button.button.small", { type: "button", onclick: async () => {
    try {
      await sendJSON(`${plansURL(row.dataset.plan)}restore/`, {});
      location.reload();
    } catch (error) {
      toast(error, { bad: true });
    }
  } }, gettext("Take back")));
}

// A row that is being prepared is drawn anew when it changes; nothing else moves under somebody's hand.
const refresh = paced(() => { if (!document.querySelector("dialog[open]")) location.reload(); }, 3000);
if (all('tr[data-state="preparing"]').length) {
  subscribe((event) => { if (event.layer === "plans" || event.layer === "*") refresh(); });
}
