// Words for distances, positions and what became of things, the same on every screen.
import { fill, gettext, ngettext } from "@geo/i18n.js";

export function metres(distance) {
  if (distance === null || distance === undefined || !Number.isFinite(distance)) return "";
  if (distance < 10) return fill(gettext("%(n)s m"), { n: Math.max(1, Math.round(distance)) });
  if (distance < 1000) return fill(gettext("%(n)s m"), { n: Math.round(distance / 5) * 5 });
  return fill(gettext("%(n)s km"), { n: (distance / 1000).toFixed(1) });
}

/** What a case is called in one line: its type; of a letter or complaint without one, its words. */
export const headline = (row) =>
  row.type_name || (row.flow && row.flow !== "city_management" && (row.description || row.flow_label)) || gettext("Type not known");

/** What is wrong with a text that is too long; "" while it fits. A field that cut it would not say so. */
export function tooLong(text, most) {
  const { length } = text.trim();
  return length > most ? fill(gettext("At most %(most)s characters; these are %(n)s."), { most, n: length }) : "";
}

/** How many there are in all: "1,234", "10,000+". */
export const inAll = ({ count, exact }) => `${count.toLocaleString("en")}${exact ? "" : "+"}`;

export const size = (bytes) =>
  bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

/** Why there is no position, and what to do about it. */
export function noPosition(error) {
  return {
    insecure: gettext("Position needs a secure address (https). Ask your administrator for it; until then set the place on the map."),
    unsupported: gettext("This browser gives no position. Set the place on the map."),
    denied: gettext("Position is switched off for this page. Allow it in the browser's settings, or set the place on the map."),
    unavailable: gettext("No position found. Step into the open, or set the place on the map."),
    timeout: gettext("Still looking for the position. Step into the open, or set the place on the map."),
  }[error] || "";
}

export const placeSource = (source) =>
  ({
    browser: gettext("From the phone's position"),
    map: gettext("Set on the map"),
    exif: gettext("From the photo"),
    component: gettext("From the component"),
  })[source] || "";

export const entryKind = (entry) =>
  ({
    report: gettext("Report"),
    supplement: gettext("Addition to a case"),
    check_in: gettext("Check-in"),
    punch_in: gettext("Start of shift"),
    punch_out: gettext("End of shift"),
    action: entry.label.action || gettext("Task"),
  })[entry.kind];

/** "2 of 3 photos arrived" */
export function receipts(entry) {
  const photos = entry.files.filter((file) => file.kind === "photo");
  const voices = entry.files.filter((file) => file.kind === "voice");
  const words = [];
  if (photos.length) {
    words.push(
      fill(ngettext("%(done)s of %(all)s photo arrived", "%(done)s of %(all)s photos arrived", photos.length), {
        done: photos.filter((file) => file.arrived).length,
        all: photos.length,
      }),
    );
  }
  if (voices.length) {
    words.push(voices.every((file) => file.arrived) ? gettext("Recording arrived") : gettext("Recording not yet sent"));
  }
  return words.join(" · ");
}

/** State of an entry: {tone, shape, text}. */
export function entryState(entry) {
  if (entry.state === "sent") return { tone: "ontime", shape: "tick", text: gettext("Arrived") };
  if (entry.state === "refused") return { tone: "overdue", shape: "bang", text: gettext("Needs you") };
  if (entry.state === "sending") return { tone: "open", shape: "upload", text: gettext("Sending") };
  return { tone: "waiting", shape: "device", text: gettext("Only on this phone") };
}

/** What went wrong with an entry, and what to do. */
export function entryTrouble(entry) {
  const { error } = entry;
  if (!error || entry.state === "sent") return "";
  if (error.code === "unreachable") return gettext("No answer from the server yet. It is tried again by itself.");
  if (error.code === "signed-out") return gettext("Your session has ended. Sign in and it goes out by itself.");
  if (error.code === "phone") return fill(gettext("This phone could not send it: %(why)s"), { why: error.detail });
  const said = [error.detail, ...(error.errors || []).map((one) => one.detail)].filter(Boolean);
  const why = [...new Set(said)].join(" ");
  if (entry.state === "refused") {
    if (error.status === 409) return fill(gettext("Somebody was faster: %(why)s Look at the case, then cancel this or try again."), { why });
    if (error.status === 403 || error.status === 404) return fill(gettext("Not allowed: %(why)s Ask your shift lead, or cancel it."), { why });
    if (error.status === 413) return gettext("A file is too large for the server. Remove it and send again.");
    return fill(gettext("The server did not take it: %(why)s Correct it and send again."), { why });
  }
  return fill(gettext("The server is busy: %(why)s It is tried again by itself."), { why: why || error.status });
}

/** Whether a check-in was inside, with tone and shape. */
export const checkResult = (result) =>
  ({
    inside: { tone: "ontime", shape: "tick", text: gettext("Inside") },
    outside: { tone: "overdue", shape: "bang", text: gettext("Outside") },
    uncertain: { tone: "soon", shape: "question", text: gettext("Uncertain") },
  })[result];
