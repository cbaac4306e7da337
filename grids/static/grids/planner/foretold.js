// What publishing would do, in words: lineage, what moves, whose duty goes on where, what stands against it.
import { el, icon } from "@geo/dom.js";
import { fill, gettext, ngettext } from "@geo/i18n.js";

const SHOWN = 8;

function part(title, rows, more = 0) {
  if (!rows.length) return null;
  return el("div.stack.foretold", {}, el("h3", {}, title), el("ul.consequence-list", {}, ...rows.map((row) => el("li", {}, row))),
    more > 0 ? el("p.small.muted", {}, fill(gettext("and %(n)s more"), { n: more })) : null);
}

/** Words for grids that are not as they were: "split from 003". */
function fate(grid) {
  const from = grid.from.map((code) => code.slice(-3)).join("、");
  return `${grid.name || grid.code.slice(-3)}（${grid.code.slice(-3)}） ${grid.lineage_label}${from ? ` ← ${from}` : ""}`;
}

/** @param all whether every row is listed (the page before publishing) or only the first ones */
export function foretold(found, { all = false } = {}) {
  const cut = (rows) => (all ? rows : rows.slice(0, SHOWN));
  const grids = (found.grids ?? []).filter((grid) => grid.lineage !== "kept");
  const against = [found.problem?.detail, ...(found.problem?.errors ?? []).map((one) => one.detail), found.busy,
    ...(found.faults ?? []).filter((fault) => fault.severity === "error").map((fault) => fault.text)]
    .filter((line, index, lines) => line && lines.indexOf(line) === index);
  // What may be published all the same, and should have been seen; how many homes a grid has stands in the table.
  const doubts = (found.faults ?? []).filter((fault) => fault.severity === "warning").map((fault) => fault.text);
  const kept = (found.grids ?? []).length - grids.length;
  const nothing = !found.settled && !grids.length && !(found.retired ?? []).length && !found.problem;
  return el("div.stack", {},
    found.settled ? el("p", {}, found.settled) : null,
    against.length ? el("div.banner.bad", {}, icon("bang"), el("div.grow", {}, el("p.strong", {}, gettext("This stands against it")), ...against.map((line) => el("p", {}, line)))) : null,
    nothing ? el("p.muted", {}, gettext("The borders stay as they are today.")) : null,
    kept && !nothing && !found.settled ? el("p", {}, fill(ngettext("%(n)s grid stays as it is.", "%(n)s grids stay as they are.", kept), { n: kept })) : null,
    part(gettext("Grids"), cut(grids).map(fate), grids.length - cut(grids).length),
    part(gettext("Codes that retire"), (found.retired ?? []).map((grid) => `${grid.name || grid.code.slice(-3)}（${grid.code}） → ${grid.to.map((code) => code.slice(-3)).join("、") || gettext("nobody")}`)),
    found.total ? el("p", {}, el("b", {}, gettext("In all change grid: ")), found.total) : null,
    part(gettext("What moves"), cut(found.flows ?? []).map((flow) => flow.sentence), (found.flows ?? []).length - cut(found.flows ?? []).length),
    part(gettext("Duties that go on elsewhere"), (found.duties ?? []).map((duty) => `${duty.worker} · ${duty.role_label}：${duty.from.slice(-3)} → ${duty.to.map((code) => code.slice(-3)).join("、") || gettext("ends")}`)),
    part(gettext("Worth a look"), cut(doubts), doubts.length - cut(doubts).length));
}

export const blocked = (found) => Boolean(found.problem || found.busy || found.ground?.changed || (found.faults ?? []).some((fault) => fault.severity === "error"));
