// The residents' pages. Every page works without this file where it can; here is what makes it quicker.
import { all, one, onClick } from "@geo/dom.js";
import { gettext } from "@geo/i18n.js";
import { toast } from "@geo/toast.js";

for (const part of all("[data-needs-script]")) part.hidden = false;

const offline = one("[data-offline]");
const showOffline = () => { if (offline) offline.hidden = navigator.onLine; };
window.addEventListener("online", showOffline);
window.addEventListener("offline", showOffline);
showOffline();

// A page that comes back from the browser's memory holds a form that was sent: fetch it anew.
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

onClick("[data-copy]", async (button) => {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    toast(gettext("Copied. Whoever has the link can see the report."));
  } catch {
    window.prompt(gettext("Copy this link"), button.dataset.copy);
  }
});

// Forms that the browser sends itself: not into nowhere, and not twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-report]") || form.method !== "post") return;
  if (!navigator.onLine) {
    event.preventDefault();
    toast(gettext("No connection: nothing was sent. Try again when it is back."), { bad: true });
    return;
  }
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 8000);
});

const report = one("[data-report]");
if (report) import("./public/report.js").then((module) => module.start(report));
if (one("#city-map")) import("./public/citymap.js").then((module) => module.start());
if (one("[data-nearby]")) import("./public/nearby.js").then((module) => module.start());
if (one("[data-captcha]")) import("./public/captcha.js").then((module) => module.start());
