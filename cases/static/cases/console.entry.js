// The console: list, map and drawer bound together; live; by keyboard.
import { all, one, onClick } from "@geo/dom.js";
import { getJSON } from "@geo/http.js";
import { fill, gettext, ngettext } from "@geo/i18n.js";
import { on } from "@geo/keys.js";
import { subscribe } from "@geo/live.js";
import { paced } from "@geo/pace.js";
import { toast } from "@geo/toast.js";
import { copyLink } from "./copy.js";
import { startForms, startParts } from "./forms.js";
import { startList } from "./list.js";
import { ListMap } from "./listmap.js";
import { startPhotos } from "./photos.js";
import { startRegister } from "./register.js";

const panes = one("#panes");
const pane = one("#list-pane");
const drawer = one("#drawer");
const dialog = one("#act");
let lastRow = null;
let drawerOpener = null;

const filters = startList();
startPhotos();
startParts();
const rows = () => all("#rows a[data-number]");
const rowOf = (number) => (number ? one(`#rows a[data-number="${CSS.escape(number)}"]`) : null);
const lonlat = (element) => [Number(element.dataset.lon), Number(element.dataset.lat)];
const inHand = () => one(".drawer-head", drawer)?.dataset.case ?? null;

function loadList(params) {
  const text = params.toString();
  return window.htmx.ajax("GET", `/${text ? `?${text}` : ""}`, { target: "#list-pane", source: pane }).then(() => {
    const number = inHand();
    const path = number ? `/cases/${encodeURIComponent(number)}/` : "/";
    history.replaceState(history.state, "", `${path}${text ? `?${text}` : ""}${location.hash}`);
    marked(number);
  });
}

// --- the map ------------------------------------------------------------------------------------------------
const map = new ListMap(one("#map"), {
  filters,
  onPick: (number) => open(number),
  onHover: (number) => {
    for (const row of all("#rows .ringed")) row.classList.remove("ringed");
    rowOf(number)?.classList.add("ringed");
  },
  onArea: (ring) => {
    const params = filters();
    if (ring) params.set("within", ring.map(([lon, lat]) => `${lon.toFixed(5)},${lat.toFixed(5)}`).join(";"));
    else if (!params.has("within")) return;
    else params.delete("within");
    loadList(params);
  },
  onMove: (box) => {
    if (one("[data-follow]", pane)?.getAttribute("aria-pressed") !== "true") return;
    const params = filters();
    params.set("bbox", box.map((value) => value.toFixed(5)).join(","));
    loadList(params);
  },
});

onClick("[data-follow]", (button) => {
  const follow = button.getAttribute("aria-pressed") !== "true";
  const params = filters();
  if (follow) params.set("bbox", map.extent().map((value) => value.toFixed(5)).join(","));
  else params.delete("bbox");
  loadList(params);
}, pane);

pane.addEventListener("pointerover", (event) => {
  const row = event.target.closest("a[data-lon]");
  if (row === lastRow) return;
  lastRow = row;
  map.ring(row ? lonlat(row) : null);
});
pane.addEventListener("pointerleave", () => { lastRow = null; map.ring(null); });
pane.addEventListener("focusin", (event) => {
  const row = event.target.closest("a[data-lon]");
  if (row) map.ring(lonlat(row));
});
onClick("[data-switch]", (button) => {
  const shown = panes.classList.toggle("show-map");
  one("[data-word-map]", button).hidden = shown;
  one("[data-word-list]", button).hidden = !shown;
});

// --- rows and drawer ------------------------------------------------------------------------------------------
function marked(number) {
  for (const row of rows()) {
    if (row.dataset.number === number) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

function open(number) {
  const row = rowOf(number);
  if (row) {
    row.scrollIntoView({ block: "nearest" });
    row.click();
  } else {
    const path = `/cases/${encodeURIComponent(number)}/${location.search}`;
    window.htmx.ajax("GET", path, { target: "#drawer" }).then(() => history.replaceState(history.state, "", path + location.hash));
  }
}

function drawerShown() {
  const head = one(".drawer-head", drawer);
  if (!head) return;
  const wasHidden = drawer.hidden;
  drawer.hidden = false;
  panes.classList.add("with-drawer");
  marked(head.dataset.case);
  map.choose(lonlat(head), { quietly: true });
  map.rule(null);
  if (wasHidden) drawerOpener = document.activeElement;
}

function closeDrawer() {
  if (drawer.hidden) return;
  const number = inHand();
  drawer.replaceChildren();
  drawer.hidden = true;
  panes.classList.remove("with-drawer");
  map.choose(null);
  map.rule(null);
  marked(null);
  history.replaceState(history.state, "", `/${location.search}${location.hash}`);
  (rowOf(number) ?? drawerOpener)?.focus?.();
}

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target === drawer) drawerShown();
  else if (detail.target === dialog) {
    if (!dialog.open) dialog.showModal();
    startForms(dialog);
    startRegister(dialog, pickPlace);
    one("input:not([type=hidden]), textarea, select", dialog)?.focus();
  } else if (detail.target === pane) {
    marked(inHand());
    map.reload();
    news.reset();
  }
});
// On a small screen the map is behind the list: it comes to the front while a place is picked.
async function pickPlace() {
  const behind = !panes.classList.contains("show-map");
  if (behind) panes.classList.add("show-map");
  const place = await map.pickPlace();
  if (behind) panes.classList.remove("show-map");
  return place;
}
onClick("[data-close-drawer]", closeDrawer);
onClick("[data-show-place]", () => map.flyTo(lonlat(one(".drawer-head", drawer))));
onClick("[data-show-rule]", (button) => {
  const shown = map.rule(JSON.parse(one(".drawer-head", drawer).dataset.polygon));
  button.setAttribute("aria-pressed", String(shown));
});
onClick("[data-copy-link]", () => copyLink(`/cases/${encodeURIComponent(inHand())}/`));
onClick("[data-off='within']", () => map.showArea(null));

// --- acting ---------------------------------------------------------------------------------------------------
document.addEventListener("case-acted", ({ detail }) => {
  if (dialog.open) dialog.close();
  toast(detail.words, { bad: detail.bad, ...(detail.registered ? { seconds: 12, action: () => open(detail.number), actionLabel: gettext("Open it") } : {}) });
  refreshRow(detail.number);
  if (inHand() === detail.number) refreshDrawer();
  news.counts();
  map.reload();
});

function refreshDrawer() {
  const number = inHand();
  if (number) window.htmx.ajax("GET", `/cases/${encodeURIComponent(number)}/${location.search}`, { target: "#drawer" });
}

/** Draws one row anew where it stands: it does not move and does not vanish under somebody's hand. */
function refreshRow(number) {
  if (!rowOf(number)) return;
  window.htmx.ajax("GET", `/cases/${encodeURIComponent(number)}/${location.search}`, { target: `#row-${number}`, swap: "outerHTML" })
    .then(() => {
      const row = rowOf(number);
      row?.classList.add("fresh");
      if (row && inHand() === number) row.setAttribute("aria-current", "true");
    });
}

// --- live -----------------------------------------------------------------------------------------------------
const news = {
  reset() {
    const button = one("[data-new]", pane);
    if (button) button.hidden = true;
  },
  soon: paced(() => news.counts(), 1500),
  /** Counts on the tabs move; new rows only knock. */
  async counts() {
    const params = filters();
    const scroll = one("#list-scroll");
    params.set("view", scroll.dataset.view);
    params.set("since", scroll.dataset.stamp);
    try {
      const { fresh, tabs } = await getJSON(`/console/news/?${params}`);
      for (const [id, count] of Object.entries(tabs)) {
        const place = one(`[data-count="${id}"]`, pane);
        if (place && place.textContent !== count) place.textContent = count;
      }
      const button = one("[data-new]", pane);
      button.hidden = !fresh;
      button.textContent = fill(ngettext("%(n)s new case", "%(n)s new cases", fresh), { n: fresh === 100 ? "100+" : fresh });
    } catch { /* the sign in the header tells that the line is down */ }
  },
};
onClick("[data-new]", () => { one("#list-scroll").scrollTop = 0; loadList(filters()); }, pane);

subscribe((event) => {
  if (event.layer !== "cases" && event.layer !== "tasks" && event.layer !== "*") return;
  news.soon();
  map.soon();
  if (event.row) {
    const row = one(`#rows a[data-row="${CSS.escape(event.row)}"]`);
    if (row) refreshRow(row.dataset.number);
    const head = one(".drawer-head", drawer);
    if (head?.dataset.row === event.row && !dialog.open) refreshDrawer();
  }
});

// --- keys -----------------------------------------------------------------------------------------------------
function step(by) {
  const list = rows();
  if (!list.length) return;
  const now = list.findIndex((row) => row === document.activeElement || row.hasAttribute("aria-current"));
  const next = list[Math.min(list.length - 1, Math.max(0, now < 0 ? 0 : now + by))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  if (!drawer.hidden) next.click();
}
on("j", () => step(1));
on("k", () => step(-1));
on("e", () => {
  const main = one("[data-main]", drawer);
  if (main) main.click();
  else toast(gettext("There is no main action for you here."));
});
on("m", () => { panes.classList.add("show-map"); one("#map").focus(); });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]") && !event.defaultPrevented) closeDrawer();
});

// On paper the map shows the case in hand, at a scale that tells where it is.
window.addEventListener("beforeprint", () => {
  const head = one(".drawer-head", drawer);
  if (head) map.forPaper(lonlat(head));
});

// --- first look -----------------------------------------------------------------------------------------------
map.start({ at: panes.dataset.at, home: panes.dataset.home, within: filters().get("within") }).then(() => {
  if (inHand()) {
    drawerShown();
    map.flyTo(lonlat(one(".drawer-head", drawer)));
  }
});
