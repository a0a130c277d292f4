// Serves the empty frame of visits when there is no signal. It keeps no page and no data: those are sealed elsewhere.
// VERSION, SHELL, SCOPE and FILES stand in front of this file.
"use strict";

const CACHE = "tuodi-field-" + VERSION;

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(FILES.map((url) => new Request(url, { cache: "reload" })));
    const frame = await fetch(SHELL, { cache: "reload", credentials: "same-origin" });
    if (!frame.ok || frame.redirected) throw new Error("signed out");
    await cache.put(SHELL, frame);
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("tuodi-field-") && name !== CACHE) await caches.delete(name);
    }
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const request = event.request;
  if (request.method !== "GET") return;
  const address = new URL(request.url);
  if (address.origin !== self.location.origin) return;
  if (request.mode === "navigate" && address.pathname.startsWith(SCOPE)) {
    event.respondWith(fetch(request).catch(() => caches.match(SHELL)));
  } else if (FILES.includes(address.pathname)) {
    event.respondWith(fetch(request).catch(() => caches.match(address.pathname)));
  }
});
