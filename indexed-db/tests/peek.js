// What the tests need of IndexedDB beside the crate: to look, to leave things behind, and to make it fail.
const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/** The keys of all chunks, with their sizes: `[file, position, bytes]`. */
export async function chunks(name) {
  const database = await done(indexedDB.open(name));
  const store = database.transaction("chunks").objectStore("chunks");
  const [keys, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll())]);
  database.close();
  return keys.map(([file, position], at) => [file, position, values[at].length]);
}

/** Deletes a chunk, or puts a value into `meta`. */
export async function meddle(name, store, key, value) {
  const database = await done(indexedDB.open(name));
  const objects = database.transaction(store, "readwrite").objectStore(store);
  await done(value === undefined ? objects.delete(key) : objects.put(value, key));
  database.close();
}

/** Makes a database of that version with these object stores, and closes it. */
export async function make(name, version, stores) {
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => stores.forEach((store) => request.result.createObjectStore(store));
  (await done(request)).close();
}

export async function version(name) {
  return (await indexedDB.databases()).find((database) => database.name === name)?.version ?? 0;
}

/** What transactions are begun from now on, as `mode durability`, until the function it answers is called. */
export function watch() {
  const { transaction } = IDBDatabase.prototype;
  const begun = [];
  IDBDatabase.prototype.transaction = function (...asked) {
    const made = transaction.apply(this, asked);
    begun.push(`${made.mode} ${made.durability}`);
    return made;
  };
  return () => {
    IDBDatabase.prototype.transaction = transaction;
    return begun;
  };
}
