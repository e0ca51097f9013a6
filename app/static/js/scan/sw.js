/* Keeps the scan page on the phone. The server puts before this: VERSION, PAGE and FILES, the page's own files.
 *
 * Files are kept under the version and answered from there. The page is answered from the phone and fetched anew
 * behind it; a page that names a language is asked for at once. Nothing of the API is ever kept here. */

const CACHE = `scan-${VERSION}`;
const PAGES = "scan-page";

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      await cache.addAll(FILES.map((address) => new Request(address, { cache: "reload" })));
      await renew().catch(() => {});
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name.startsWith("scan-") && name !== CACHE && name !== PAGES) await caches.delete(name);
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("message", (event) => event.data?.claim && event.waitUntil(self.clients.claim()));

/** Fetch the page and keep it, if it is the page: not the sign-in, not a fault. */
async function renew(request = PAGE) {
  const response = await fetch(request, { credentials: "same-origin", cache: "no-store" });
  if (!response.ok || response.redirected || !response.headers.get("Content-Type")?.includes("text/html")) return response;
  const pages = await caches.open(PAGES);
  const [before, now] = [await pages.match(PAGE), response.clone()];
  await pages.put(PAGE, response.clone());
  if (before && (await before.text()) !== (await now.text())) {
    for (const client of await self.clients.matchAll({ type: "window" })) client.postMessage({ news: "page" });
  }
  return response;
}

async function page(event, url) {
  const pages = await caches.open(PAGES);
  if (!url.searchParams.has("lang")) {
    const kept = await pages.match(PAGE);
    if (kept) {
      event.waitUntil(renew().catch(() => {}));
      return kept;
    }
  }
  try {
    const response = await fetch(event.request);
    if (response.ok && !response.redirected) await pages.put(PAGE, response.clone());
    return response;
  } catch (error) {
    const kept = await pages.match(PAGE);
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (event.request.mode === "navigate") {
    if (url.pathname === PAGE) event.respondWith(page(event, url));
    return;
  }
  if (url.pathname.startsWith("/static/") || FILES.includes(url.pathname)) {
    event.respondWith(
      caches.open(CACHE).then(async (cache) => (await cache.match(event.request)) ?? (await cache.match(event.request, { ignoreSearch: true })) ?? fetch(event.request)),
    );
  }
});
