// Keeps the page's files in the browser, so that it works without a network. `cargo xtask` writes the version and the
// files, each with its hash, into the two lines below; without them nothing is kept.
//
// A page gets all its files from the version that it was begun with, for as long as it is open: each version has a cache
// of its own, and in that cache a mark for each page that came from it. The newest version that is here as a whole
// serves every page that is begun. What is no file of the page, the broker's API above all, passes by untouched.
const VERSION = "";
const FILES = {};

const scope = self.registration.scope;
const prefix = `logscope ${scope} `;
const newest = prefix + VERSION;
const place = (name) => new URL(name, scope).href;
const mark = (client) => place(`?client=${client}`);

self.addEventListener("install", (event) => {
  // What does not have its hash, because a newer version is being put in its place, say, fails as a whole.
  const requests = Object.entries(FILES).map(([name, integrity]) => new Request(place(name), { integrity, cache: "no-cache" }));
  const kept = caches.open(newest).then((cache) => cache.addAll(requests));
  event.waitUntil(kept.then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => event.waitUntil(tidy()));

// Each page says which version it is; one that was begun before there was a worker is served from then on.
self.addEventListener("message", (event) => {
  if (event.data !== VERSION) return;
  event.waitUntil(markAs(event.source.id).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { method, url, mode } = event.request;
  const path = url.split(/[?#]/)[0];
  const name = path.startsWith(scope) ? path.slice(scope.length).replace(/^(index\.html)?$/, "./") : "";
  if (method !== "GET" || !Object.hasOwn(FILES, name)) return;
  if (mode !== "navigate") return event.respondWith(answer(event.request, name, event.clientId));
  event.respondWith(answer(event.request, name));
  const client = event.resultingClientId;
  event.waitUntil(markAs(client).then(() => tidy(client)));
});

async function markAs(client) {
  await (await caches.open(newest)).put(mark(client), new Response());
}

async function answer(request, name, client) {
  const cache = await caches.open((client && (await versionOf(client))) || newest);
  return (await cache.match(place(name), { ignoreVary: true })) ?? fetch(request);
}

async function versions() {
  return (await caches.keys()).filter((name) => name.startsWith(prefix));
}

async function versionOf(client) {
  for (const name of await versions()) if (await (await caches.open(name)).match(mark(client))) return name;
}

// Forgets the pages that are closed, and the versions that no page has any more.
async function tidy(begun) {
  const open = new Set((await self.clients.matchAll({ includeUncontrolled: true })).map((client) => client.id)).add(begun);
  for (const name of await versions()) {
    const cache = await caches.open(name);
    let used = name === newest;
    for (const { url } of await cache.keys()) {
      const client = new URL(url).searchParams.get("client");
      if (client === null) continue;
      if (open.has(client)) used = true;
      else await cache.delete(url);
    }
    if (!used) await caches.delete(name);
  }
}
