// One outbox for reports, photos, check-ins and everything done to a case.
//
// An entry is written here first and sent from here, signal or not, under the key it was born with; the
// server knows that key for ever, so a second send changes nothing. Its files go first, each with its own
// key and its own receipt. States: waiting -> sending -> sent, or refused (the person must decide).
import { Refused, Unreachable, sendEntry, sendFile, session } from "./api.js";
import { database, entries, newKey, persist, putEntry, removeEntry, told } from "./store.js";

export const OPEN = ["waiting", "sending", "refused"];
const KEEP_SENT_MS = 7 * 24 * 3600 * 1000;
const LONGEST_WAIT_MS = 10 * 60 * 1000;

/**
 * Put something into the outbox. `user` is {id, name}; `files` come from photo.js and voice.js. With `since` (ms)
 * the same action on the same case is put in once, whichever tab says so again: then null.
 */
export async function add(kind, user, fields, files = [], label = {}, since = null) {
  const entry = {
    key: newKey(),
    kind,
    user,
    fields: { ...fields, device_at: fields.device_at || new Date().toISOString() },
    files: files.map((file) => ({ ...file, arrived: false })),
    label,
    created: Date.now(),
    state: "waiting",
    tries: 0,
    next: 0,
    error: null,
    result: null,
  };
  if (since === null) await putEntry(entry);
  else if (!(await putOnce(entry, since))) return null;
  persist().catch(() => null);
  globalThis.navigator?.serviceWorker?.ready
    ?.then((registration) => registration.sync?.register("outbox"))
    .catch(() => null);
  return entry;
}

// In one transaction, so that two tabs cannot both find nothing.
async function putOnce(entry, since) {
  const write = (await database()).transaction("outbox", "readwrite");
  const { number, action } = entry.fields;
  const same = (old) => old.kind === entry.kind && old.user.id === entry.user.id && old.fields.number === number && old.fields.action === action;
  const twin = (await write.store.getAll()).some((old) => same(old) && old.created >= since);
  if (!twin) await write.store.put(entry);
  await write.done;
  if (!twin) told();
  return !twin;
}

/**
 * Change what waits; null when it is gone, sent, or on its way this moment. What the server has seen under
 * the old key stays bound to that key, so changed content gets a new one.
 */
export async function edit(key, change) {
  const entry = await swap(key, (old) => {
    if (uncertain(old)) return old;
    change(old);
    if (old.asked) Object.assign(old, { key: newKey(), asked: false });
    return Object.assign(old, { state: "waiting", tries: 0, next: 0, error: null });
  });
  if (entry) told();
  return entry;
}

/** Whether the server may have it although no answer came back: it must be sent as it was. */
export const uncertain = (entry) => Boolean(entry.asked) && entry.state !== "refused" && entry.state !== "sent";

/** Take back what waits; null when it is gone, sent, or on its way this moment. */
export async function cancel(key) {
  const entry = await swap(key, () => null);
  if (entry !== null) told();
  return entry;
}

// In one transaction, so that the sender and the person cannot both have it.
async function swap(key, change) {
  const write = (await database()).transaction("outbox", "readwrite");
  const entry = await write.store.get(key);
  if (!entry || !["waiting", "refused"].includes(entry.state)) {
    await write.done;
    return null;
  }
  const changed = change(entry);
  if (changed?.key !== key) await write.store.delete(key);
  if (changed) await write.store.put(changed);
  await write.done;
  return changed || entry;
}

/** Let everything that waits be tried at once, whatever its turn was. */
export async function hurry() {
  for (const entry of await entries()) {
    if (entry.state === "waiting" && entry.next) await swap(entry.key, (old) => Object.assign(old, { next: 0 }));
  }
  told();
}

let here = Promise.resolve();

// One sender at a time: over all tabs and the service worker where locks exist, in this page elsewhere.
function exclusive(work) {
  if (globalThis.navigator?.locks) return navigator.locks.request("wangge-outbox", work);
  here = here.then(work, work);
  return here;
}

/**
 * Send what waits. Returns {user, reachable, sent, left, wait}: `user` null means that nobody is signed in,
 * undefined that nobody could be asked; `wait` is how many milliseconds until the next one is due.
 */
export function flush() {
  return exclusive(async () => {
    await tidy();
    const open = (await entries()).filter((entry) => entry.state === "waiting" || entry.state === "sending");
    const answer = { user: undefined, reachable: true, sent: 0, left: open.length, wait: null };
    const due = open.filter((entry) => entry.next <= Date.now());
    if (due.length) {
      let who;
      try {
        who = await session();
      } catch {
        // Without a connection there is nothing to count as a failed try.
        return { ...answer, reachable: false, wait: 15000 };
      }
      answer.user = who.user;
      if (!who.user) return answer;
      for (const entry of due.filter((one) => one.user.id === who.user.id)) {
        const outcome = await send(entry, who.csrf);
        if (outcome === "sent") answer.sent += 1;
        if (outcome === "signed-out") return { ...answer, user: null };
        if (outcome === "unreachable") return { ...answer, reachable: false, wait: 15000 };
      }
    }
    const waiting = (await entries()).filter(
      (entry) => entry.state === "waiting" && (!answer.user || entry.user.id === answer.user.id),
    );
    answer.left = waiting.length;
    if (waiting.length) answer.wait = Math.max(1000, Math.min(...waiting.map((entry) => entry.next)) - Date.now());
    return answer;
  });
}

async function send({ key }, csrf) {
  const entry = await swap(key, (old) => Object.assign(old, { state: "sending", tries: old.tries + 1 }));
  if (!entry) return "gone";
  told();
  let file = null;
  try {
    for (file of entry.files) {
      if (file.arrived) continue;
      const receipt = await sendFile(csrf, file);
      file.arrived = true;
      file.receipt = receipt.uuid || file.key;
      await putEntry(entry);
    }
    file = null;
    entry.asked = true;
    await putEntry(entry);
    entry.result = await sendEntry(csrf, entry);
    entry.state = "sent";
    entry.sent = Date.now();
    entry.error = null;
    // The receipts stay; the pictures themselves are with the server now.
    for (const one of entry.files) one.bytes = null;
    await putEntry(entry);
    return "sent";
  } catch (error) {
    const outcome = failed(entry, error, file);
    await putEntry(entry);
    return outcome;
  }
}

function failed(entry, error, file) {
  const wait = Math.min(LONGEST_WAIT_MS, 2000 * 2 ** Math.min(entry.tries, 12));
  entry.state = "waiting";
  entry.next = Date.now() + Math.round(wait * (0.8 + Math.random() * 0.4));
  if (error instanceof Unreachable) {
    // The request may have arrived although the answer did not: the key stays and tells.
    entry.error = { code: "unreachable" };
    return "unreachable";
  }
  if (!(error instanceof Refused)) {
    entry.error = { code: "phone", detail: String(error?.message || error) };
    return "failed";
  }
  const { status, detail, errors, kind } = error;
  entry.error = { code: "server", status, detail, errors, kind, file: file?.key || null };
  if (status === 401 || (status === 403 && ["not_authenticated", "authentication_failed", ""].includes(kind))) {
    entry.error = { code: "signed-out" };
    entry.next = 0;
    return "signed-out";
  }
  // 409 with our own key still running, 425, 429 and the server's own faults pass by themselves.
  const passing = status >= 500 || status === 408 || status === 425 || status === 429;
  if (passing || (status === 409 && /idempot|running|in_progress/.test(kind))) {
    if (error.retryAfter) entry.next = Date.now() + error.retryAfter * 1000;
    return "failed";
  }
  entry.state = "refused";
  entry.next = 0;
  return "refused";
}

// What was sent is shown for a week, then forgotten. "sending" left by a killed page is waiting again.
async function tidy() {
  for (const entry of await entries()) {
    if (entry.state === "sent" && Date.now() - entry.sent > KEEP_SENT_MS) await removeEntry(entry.key);
    if (entry.state === "sending") await putEntry({ ...entry, state: "waiting" });
  }
}
