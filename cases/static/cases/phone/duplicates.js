// Cases that may be the same problem, shown before sending: "that's it", or "no, report".
import { el, icon } from "@geo/dom.js";
import { gettext } from "@geo/i18n.js";
import { ago } from "@geo/times.js";
import { caseRow, get, query, rows } from "./api.js";
import { noticed, online } from "./app.js";
import { metres } from "./words.js";

let asked = "";
let turn = 0;

/**
 * Ask for likely duplicates of a draft and draw them into `place`; `count(n)` hears how many there are,
 * `decide(number)` which one is meant, `decide(null)` that it is none of them. Without a signal nothing is asked: the server links later.
 */
export async function duplicatesPart(place, draft, count, decide) {
  if (!draft.place || !(draft.type || draft.component) || !online()) {
    asked = "";
    count(0);
    return place.replaceChildren();
  }
  const params = {
    lon: draft.place.lon.toFixed(5),
    lat: draft.place.lat.toFixed(5),
    type: draft.type,
    component: draft.component?.code,
  };
  const key = JSON.stringify(params);
  if (key === asked && place.childElementCount) return;
  asked = key;
  const mine = (turn += 1);
  let found;
  try {
    found = rows(await get(`/api/cases/duplicates/?${query(params)}`, 8)).map(caseRow);
  } catch (error) {
    noticed(error);
    return place.replaceChildren();
  }
  if (mine !== turn) return;
  draw();

  function draw() {
    // What is only of the same class is shown, not pressed upon anybody.
    count(found.filter((row) => row.why !== "class").length);
    if (!found.length) return place.replaceChildren();
    if (draft.notDuplicate && !draft.joined) {
      return place.replaceChildren(
        el("p.hint.row", {}, icon("check"), gettext("Reported as a new problem."), el("button.button.quiet", { type: "button", onclick: () => say(undefined) }, gettext("Look again"))));
    }
    place.replaceChildren(
      el("section.card", { "aria-label": gettext("Already reported?") },
        el("header", {}, icon("ring"), el("h2", {}, gettext("Already reported?"))),
        el("ul.found", {},
          ...found.slice(0, 3).map((row) =>
            el(draft.joined === row.number ? "li.chosen" : "li", {},
              row.thumbnail_url && el("img", { src: row.thumbnail_url, alt: "" }),
              el("span.grow", {},
                el("b", {}, row.type_name || row.number),
                el("span.line.muted", {}, [metres(row.distance_m), ago(row.reported_at), row.state_label].filter(Boolean).join(" · ")),
                row.description && el("span.line", {}, row.description)),
              el("button.button", { type: "button", "aria-pressed": String(draft.joined === row.number), onclick: () => say(row.number) }, icon("check"), gettext("That's it"))))),
        el("div.body", {}, el("button.button.wide", { type: "button", onclick: () => say(null) }, gettext("No, it is a new problem")))),
    );
  }

  function say(number) {
    if (number === undefined) draft.notDuplicate = false;
    else decide(number);
    draw();
  }
}
