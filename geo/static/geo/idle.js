// A session that nobody uses ends. The page tells so two minutes before; any touch keeps it, in any tab.
import { one } from "./dom.js";
import { getJSON, sendJSON } from "./http.js";
import { fill, gettext, ngettext } from "./i18n.js";
import { lastTouch } from "./presence.js";

const ADDRESS = "/api/session";

export function startIdle() {
  const { idle, idleWarning } = document.body.dataset;
  const bar = one("[data-idle-bar]");
  if (!idle || !bar) return;
  let told = Date.now(); // when the server last said how much is left
  let left = Number(idle);
  let warning = Number(idleWarning);
  let asking = false;
  let asked = 0;

  const take = (answer) => {
    told = Date.now();
    ({ left, warning } = answer);
  };
  async function ask(send) {
    if (asking) return;
    asking = true;
    asked = Date.now();
    try {
      take(await send());
    } catch (error) {
      if (error.status === 401 || error.status === 403) return leave();
      // No answer: the clock goes on, and the server is asked again soon.
    } finally {
      asking = false;
    }
    draw();
  }
  const stay = () => ask(() => sendJSON(ADDRESS));
  const look = () => ask(() => getJSON(ADDRESS));

  function leave() {
    const next = encodeURIComponent(location.pathname + location.search);
    location.href = `/login/?ended=idle&next=${next}`;
  }
  const rest = () => left - (Date.now() - told) / 1000;

  function draw() {
    const seconds = Math.max(0, Math.ceil(rest()));
    bar.hidden = seconds > warning;
    if (bar.hidden) return;
    // In steps, or a screen reader would read it out every second.
    const minutes = Math.ceil(seconds / 60);
    const tens = Math.ceil(seconds / 10) * 10;
    const words = seconds > 60
      ? ngettext("You will be logged out in %(n)s minute, because nothing was done for a while. What is not saved is lost then.",
        "You will be logged out in %(n)s minutes, because nothing was done for a while. What is not saved is lost then.", minutes)
      : ngettext("You will be logged out in %(n)s second, because nothing was done for a while. What is not saved is lost then.",
        "You will be logged out in %(n)s seconds, because nothing was done for a while. What is not saved is lost then.", tens);
    const text = fill(words, { n: seconds > 60 ? minutes : tens });
    const place = one("[data-idle-words]", bar);
    if (place.textContent !== text) place.textContent = text;
  }

  function tick() {
    if (!left) return;
    const now = Date.now();
    const seconds = rest();
    const soon = seconds <= warning;
    if (lastTouch() > told && now - asked > 2e3 && (soon || now - told > Math.min(300, warning * 2) * 1000)) return stay();
    // Another tab may have kept the session, or ended it.
    if (soon && now - asked > (seconds > 0 ? 15e3 : 2e3)) return look();
    draw();
  }
  one("[data-idle-stay]", bar).addEventListener("click", stay);
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && tick());
}
