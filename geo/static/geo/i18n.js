// Words from the catalogue at /jsi18n/, which the page loads before any module.
const missing = (text) => text;

export const gettext = (text) => (window.gettext ?? missing)(text);

export const ngettext = (one, many, count) =>
  window.ngettext ? window.ngettext(one, many, count) : count === 1 ? one : many;

/** fill("%(n)s rows", {n: 3}) -> "3 rows" */
export const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => String(values[name] ?? ""));

export const locale = () => document.documentElement.lang || "zh-CN";
