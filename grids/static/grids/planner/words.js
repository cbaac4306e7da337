// Numbers and measures as the planner writes them.
import { gettext, locale } from "@geo/i18n.js";
import { areaWords, lengthWords } from "@tiles/map.js";

export const count = (value, decimals = 0) =>
  value === null || value === undefined || Number.isNaN(Number(value)) ? "—"
    : Number(value).toLocaleString(locale(), { minimumFractionDigits: 0, maximumFractionDigits: decimals });

/** A value of a measure {id, unit, decimals}; lengths and areas come in metres. */
export function measured(value, measure) {
  if (value === null || value === undefined) return "—";
  if (measure.id === "area_m2" || measure.unit === "m²") return areaWords(value);
  if (measure.id === "patrol_m" || measure.unit === "m") return lengthWords(value);
  return count(value, measure.decimals ?? 0);
}

/** A difference with its sign; nothing for none. */
export function difference(now, before, measure) {
  if (typeof now !== "number" || typeof before !== "number") return "";
  const by = now - before;
  const decimals = measure.decimals ?? 0;
  if (Math.abs(by) < 0.5 * 10 ** -decimals) return "";
  return (by > 0 ? "+" : "−") + measured(Math.abs(by), measure);
}

export const statusWord = (status) => ({ under: gettext("below the standard"), within: gettext("within the standard"), over: gettext("above the standard") })[status] ?? "";
