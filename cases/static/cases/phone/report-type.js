// What it is: by the component, six recent types, pinyin initials or a word, or the tree.
import { el, icon } from "@geo/dom.js";
import { fill, gettext } from "@geo/i18n.js";
import { app, recentTypes } from "./app.js";

const byId = (id) => app.types.find((type) => type.id === id);

export const typeName = (id) => byId(id)?.name || "";

export const keepsNoPhoto = (id) => Boolean(byId(id)?.no_photo);

const plain = (text) => (text || "").toLowerCase().replace(/\s/g, "");

function search(words) {
  const wanted = plain(words);
  const scored = [];
  for (const type of app.types) {
    const initials = plain(type.initials);
    const names = plain(`${type.name} ${type.class_name}`);
    const rank = initials.startsWith(wanted) ? 0 : plain(type.name).startsWith(wanted) ? 1 : initials.includes(wanted) ? 2 : names.includes(wanted) ? 3 : null;
    if (rank !== null) scored.push([rank, type]);
  }
  return scored.sort((a, b) => a[0] - b[0]).slice(0, 12).map(([, type]) => type);
}

export function typeStep({ draft, changed }) {
  const chosen = el("div.chosen-type", {});
  const recent = el("div.chips", {});
  const found = el("div.chips", { "aria-live": "polite" });
  const tree = el("div.tree", { hidden: true });
  const input = el("input.input", {
    type: "search", id: "type-search", enterKeyHint: "search", autocapitalize: "off",
    placeholder: gettext("Pinyin initials or a word"),
    oninput: () => { const words = input.value.trim(); found.replaceChildren(...(words ? chips(search(words), gettext("Nothing found. Look in the tree below.")) : [])); },
  });
  const treeButton = el("button.button.wide", { type: "button", "aria-expanded": "false", onclick: toggleTree }, icon("list"), gettext("All types"));
  const picker = el("div.picker", {}, recent, el("label.visually-hidden", { htmlFor: "type-search" }, gettext("Find a type")), input, found, treeButton, tree);
  const element = el("div", {}, chosen, picker);
  let again = false;

  function chips(types, none = "") {
    if (!types.length) return none ? [el("p.hint", {}, none)] : [];
    return types.map((type) =>
      el("button.chip", { type: "button", "aria-pressed": String(draft.type === type.id), onclick: () => pick(type.id) }, type.name));
  }

  function pick(id) {
    draft.type = id;
    // Another type than the component's own: the component stays only if it is of that type.
    if (draft.component && draft.component.type !== id) draft.component = null;
    again = false;
    changed("type");
  }

  function toggleTree() {
    const open = tree.hidden;
    tree.hidden = !open;
    treeButton.setAttribute("aria-expanded", String(open));
    if (open && !tree.childElementCount) {
      const kinds = { component: gettext("Components"), event: gettext("Events") };
      for (const [kind, heading] of Object.entries(kinds)) {
        const types = app.types.filter((type) => type.kind === kind);
        const classes = [...new Set(types.map((type) => type.class_name))];
        if (!types.length) continue;
        tree.append(el("h3", {}, heading), ...classes.map((name) => {
          const inside = types.filter((type) => type.class_name === name);
          return el("details", {}, el("summary", {}, el("span.grow", {}, name), el("span.count", {}, String(inside.length))), el("div.chips", {}, ...chips(inside)));
        }));
      }
    }
  }

  async function draw() {
    const name = typeName(draft.type) || draft.component?.name;
    const last = (await recentTypes()).map(byId).filter(Boolean);
    const key = [name, draft.type, draft.component?.code, again, app.types.length, last.map((type) => type.id)].join();
    if (key === element.dataset.key) return;
    element.dataset.key = key;
    chosen.hidden = !name;
    chosen.replaceChildren(
      ...(name ? [icon("tick"), el("b.grow", {}, name), draft.component && el("span.muted.code", {}, draft.component.code.slice(-6)), el("button.button", { type: "button", onclick: () => { again = true; draw(); input.focus(); } }, gettext("Change"))].filter(Boolean) : []),
    );
    picker.hidden = Boolean(name) && !again;
    recent.replaceChildren(...(last.length ? [el("span.hint", {}, gettext("Recent")), ...chips(last)] : []));
    input.dispatchEvent(new Event("input"));
    if (!app.types.length && !picker.hidden) found.replaceChildren(el("p.hint", {}, gettext("The list of types is not on this phone yet. Send without: the desk adds it.")));
  }

  return { element, draw };
}
