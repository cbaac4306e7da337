// What is on this phone: the outbox, one draft, and a copy of the data that is needed without a signal.
//
// Shared by the pages and the service worker, so nothing here touches the document. Files are kept as
// buffers: Safari has lost blobs that were stored as such.
import { openDB } from "idb";

let opened = null;

export function database() {
  opened ??= openDB("wangge-phone", 1, {
    upgrade(db) {
      db.createObjectStore("outbox", { keyPath: "key" });
      db.createObjectStore("drafts", { keyPath: "id" });
      db.createObjectStore("cache", { keyPath: "name" });
    },
    terminated() {
      opened = null;
    },
  });
  return opened;
}

const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("wangge-outbox") : null;
const watchers = new Set();
channel?.addEventListener("message", () => watchers.forEach((watcher) => watcher()));

/** Call `watcher` whenever the outbox changes, in this tab, another one or the service worker. */
export function onOutbox(watcher) {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function told() {
  watchers.forEach((watcher) => watcher());
  channel?.postMessage("changed");
}

export async function putEntry(entry) {
  await (await database()).put("outbox", entry);
  told();
}

export async function getEntry(key) {
  return (await database()).get("outbox", key);
}

export async function removeEntry(key) {
  await (await database()).delete("outbox", key);
  told();
}

/** Everything in the outbox, oldest first. */
export async function entries() {
  const all = await (await database()).getAll("outbox");
  return all.sort((a, b) => a.created - b.created);
}

export async function saveDraft(draft) {
  await (await database()).put("drafts", draft);
}

export async function loadDraft(id) {
  return (await database()).get("drafts", id);
}

export async function dropDraft(id) {
  await (await database()).delete("drafts", id);
}

/** Keep an answer for the time without a signal; `user` is whose it is. */
export async function keep(name, user, value) {
  await (await database()).put("cache", { name, user, value, at: Date.now() });
}

/** The kept answer of this user, as {value, at}, or null. */
export async function kept(name, user) {
  const row = await (await database()).get("cache", name);
  return row && (user === null || row.user === user) ? row : null;
}

/** Forget what was copied for somebody; what waits in the outbox stays. */
export async function forget() {
  const db = await database();
  await db.clear("cache");
  if (globalThis.caches) {
    for (const name of await caches.keys()) if (name.startsWith("wangge-data")) await caches.delete(name);
  }
}

/** Ask the browser not to evict what waits here; true, false, or null where it cannot be asked. */
export async function persist() {
  if (!navigator.storage?.persist) return null;
  return (await navigator.storage.persisted()) || navigator.storage.persist();
}

export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // randomUUID wants HTTPS; the same bits by hand elsewhere.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
