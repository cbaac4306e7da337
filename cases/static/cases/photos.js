// A photo of a case, large, over the page.
import { el, icon, onClick } from "@geo/dom.js";
import { gettext } from "@geo/i18n.js";

export function startPhotos() {
  onClick("[data-photo]", (link, event) => {
    event.preventDefault();
    const viewer = el("dialog.wide", { "aria-label": link.dataset.photo },
      el("div.dialog", {},
        el("div.dialog-head", {}, el("h2", {}, link.dataset.photo),
          el("button.button.quiet.icon-only", { type: "button", "aria-label": gettext("Close"), onclick: () => viewer.close() }, icon("close"))),
        el("div.dialog-body", {}, el("img", { src: link.href, alt: link.dataset.photo }))));
    viewer.addEventListener("close", () => viewer.remove());
    viewer.addEventListener("click", (click) => { if (click.target === viewer) viewer.close(); });
    document.body.append(viewer);
    viewer.showModal();
  });
}
