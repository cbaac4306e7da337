// Registering the service worker, and passing on that a new version is there.
import { app, changed } from "./app.js";

export async function startWorker() {
  if (!("serviceWorker" in navigator)) return;
  try {
    const registration = await navigator.serviceWorker.register("/m/sw.js", { scope: "/m/" });
    const offer = (worker) => {
      // The very first one has nothing to replace.
      if (!navigator.serviceWorker.controller) return;
      app.update = () => {
        navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
        worker.postMessage("activate");
      };
      changed();
    };
    if (registration.waiting) offer(registration.waiting);
    registration.addEventListener("updatefound", () => {
      const worker = registration.installing;
      worker.addEventListener("statechange", () => worker.state === "installed" && offer(worker));
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && navigator.onLine) registration.update().catch(() => null);
    });
  } catch {
    // Without a worker the outbox still works; only opening the app needs a signal.
  }
}

/** Let the worker fetch the shell again, because the language has changed. */
export async function refreshShell() {
  const worker = navigator.serviceWorker?.controller;
  if (!worker) return;
  await new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    setTimeout(resolve, 8000);
    worker.postMessage("refresh", [port2]);
  });
}
