// Another question in place of the one that stands there.
import { one, onClick } from "@geo/dom.js";

/** Asks the server for a new question; `words` for one in words. What was typed elsewhere stays. */
export async function renewCaptcha(words = false) {
  const part = one("[data-captcha]");
  if (!part) return;
  const answer = await fetch(`${part.dataset.captcha}${words ? "?words" : ""}`, { credentials: "same-origin" });
  if (!answer.ok) return;
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = parsed.querySelector("[data-captcha]");
  if (fresh) part.replaceWith(document.adoptNode(fresh));
}

export function start() {
  onClick("[data-captcha-other]", (link, event) => {
    event.preventDefault();
    renewCaptcha(link.dataset.captchaOther === "words");
  });
}
