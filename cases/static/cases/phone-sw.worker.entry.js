// The phone's service worker: the app opens without a signal, and what waits is sent when it comes back.
//
// SHELL = {version, files} is put in front of this file by the server (cases/phone.py), from the build's own
// manifest. What the API tells is kept in IndexedDB, by user; maps and small pictures are kept here, in caches
// whose names begin with "wangge-data" and which are deleted when somebody signs out or somebody else signs in.
import { flush } from "./phone/outbox.js";

const { version, files } = self.SHELL;
const CACHE = `wangge-shell-${version}`;
const DATA = "wangge-data";
const TILES = "wangge-data-tiles";
const PHOTOS = "wangge-data-photos";
const MOST_KEPT = 800;

async function fill() {
  const cache = await caches.open(CACHE);
  await Promise.all(
    files.map(async (file) => {
      const response = await fetch(file, { cache: "reload", credentials: "same-origin" });
      if (!response.ok) throw new Error(`${file}: ${response.status}`);
      await cache.put(file, response);
    }),
  );
}

self.addEventListener("install", (event) => event.waitUntil(fill()));

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith("wangge-shell-") && name !== CACHE) await caches.delete(name);
      }
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("message", (event) => {
  if (event.data === "activate") self.skipWaiting();
  // After a change of language the same addresses give other words.
  if (event.data === "refresh") event.waitUntil(fill().then(() => event.ports[0]?.postMessage("done")));
});

self.addEventListener("sync", (event) => {
  if (event.tag === "outbox") event.waitUntil(flush());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname.startsWith("/m/")) event.respondWith(shell("/m/", request));
  } else if (url.pathname.startsWith("/static/") || url.pathname === "/jsi18n/") {
    event.respondWith(shell(request, request));
  } else if (/^\/api\/attachments\/[^/]+\/thumbnail$/.test(url.pathname)) {
    event.respondWith(cacheFirst(request, PHOTOS));
  } else if (/^\/api\/(basemaps|layers)\/$/.test(url.pathname)) {
    event.respondWith(networkFirst(request, DATA));
  } else if (/^\/(tiles|basemaps)\//.test(url.pathname)) {
    event.respondWith(networkFirst(request, TILES));
  }
});

async function shell(wanted, request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(wanted, { ignoreVary: true })) || fetch(request);
}

async function networkFirst(request, name) {
  const cache = await caches.open(name);
  // A signed address changes, the tile behind it does not.
  const keptAs = new URL(request.url);
  for (const part of ["md5", "expires", "token", "s"]) keptAs.searchParams.delete(part);
  try {
    const response = await fetch(request);
    if (response.ok && response.status === 200) {
      cache.put(keptAs.href, response.clone()).then(() => Math.random() < 0.02 && thin(cache));
    }
    return response;
  } catch (error) {
    const old = await cache.match(keptAs.href, { ignoreVary: true });
    if (old) return old;
    throw error;
  }
}

// A picture never changes under its address.
async function cacheFirst(request, name) {
  const cache = await caches.open(name);
  const old = await cache.match(request, { ignoreVary: true });
  if (old) return old;
  const response = await fetch(request);
  if (response.status === 200) cache.put(request, response.clone()).then(() => Math.random() < 0.02 && thin(cache));
  return response;
}

async function thin(cache) {
  const keys = await cache.keys();
  for (const key of keys.slice(0, Math.max(0, keys.length - MOST_KEPT))) await cache.delete(key);
}
