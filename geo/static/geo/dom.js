// Elements without innerHTML: text stays text, whoever wrote it.
const SPRITE = "/static/geo/icons.svg";
const SVG = "http://www.w3.org/2000/svg";

/**
 * el("button.button.main", {onclick, type: "button"}, "Send", child)
 * Properties named on… are listeners, data-… and aria-… attributes; null children are left out.
 */
export function el(selector, attributes = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && !name.includes("-") && name !== "list") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A stroke icon of the sprite. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

/** A state with its shape and word: badge("overdue", "bang", "1 day overdue"). */
export const badge = (tone, shape, text, title = "") => el(`span.badge.is-${tone}`, { title }, icon(shape), text);

/** Nothing here, or not now: picture, heading, words, buttons. */
export const stateBox = (shape, heading, text, ...buttons) =>
  el("div.state", { role: "status" }, icon(shape), el("h2", {}, heading), text && el("p", {}, text),
    buttons.length ? el("div.buttons", {}, ...buttons) : null);

export const one = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Calls `act` on clicks on (or in) elements that match, also ones that come later. */
export function onClick(selector, act, root = document) {
  root.addEventListener("click", (event) => {
    const target = event.target.closest(selector);
    if (target && root.contains(target)) act(target, event);
  });
}

export const typing = (target) =>
  target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName ?? "");
