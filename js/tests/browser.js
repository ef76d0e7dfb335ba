// What a browser has to show: logs that are kept in IndexedDB. `browser-tests/tests/package.rs` calls these, one after
// the other, and reloads the page where it says so.
import init, { PartitionLog } from "./node_modules/logscope/logscope.js";

await init();

const now = 1767225600000;
const text = (bytes) => bytes && new TextDecoder().decode(bytes);
const values = (log) => log.fetch(log.logStartOffset).records.map((record) => text(record.value));

function equal(actual, expected, what) {
  const shown = (value) => JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}n` : inner));
  if (shown(actual) === shown(expected)) return;
  throw new Error(`${what}: ${shown(actual).slice(0, 500)}, not ${shown(expected).slice(0, 500)}`);
}

async function fails(promise, code, what) {
  const error = await Promise.resolve(promise).then(() => null, (error) => error);
  equal(error?.code, code, `${what} (${error?.message})`);
}

// Kept from being collected: a log that is gone lets go of its name.
let open;

export async function flushed_and_not_flushed() {
  open = await PartitionLog.open({ indexedDb: "kept" });
  open.append([{ key: null, value: new Uint8Array() }, { key: "k", value: Uint8Array.of(0, 255) }], { now });
  await open.flush();
  open.append({ value: "lost" }, { now });
  equal([open.highWatermark, open.logEndOffset], [2n, 3n], "the offsets");
}

// After a reload.
export async function only_the_flushed_is_there() {
  open = await PartitionLog.open({ indexedDb: "kept" });
  equal([open.recovery.clean, open.recovery.tailCut, open.recovery.batches], [false, null, 1], "the recovery");
  equal([open.highWatermark, open.logEndOffset], [2n, 2n], "the offsets");
  const { records } = open.fetch(0n);
  equal(records.map(({ key, value }) => [key && text(key), [...value]]), [[null, []], ["k", [0, 255]]], "the records");
  await fails(PartitionLog.open({ indexedDb: "kept" }), "LOCKED", "a second one of the same name");
  await open.close();
  open = await PartitionLog.open({ indexedDb: "kept" });
  equal([open.recovery.clean, open.logEndOffset], [true, 2n], "after closing");
  await open.close();
}

export async function a_flush_is_visible_when_it_is_committed() {
  open = await PartitionLog.open({ indexedDb: "visible" });
  open.append({ value: "a" }, { now });
  const flushing = open.flush();
  equal([open.highWatermark, values(open), open.offsetForTimestamp(0)], [0n, [], null], "under way");
  open.append({ value: "b" }, { now });
  equal(await flushing, 1n, "the flush");
  equal([open.highWatermark, values(open), open.logEndOffset], [1n, ["a"], 2n], "committed");
  // A cut, and other records at the same offsets: those that were there must not seem to be back.
  const cutting = open.truncateTo(0n);
  open.append({ value: "other" }, { now });
  const again = open.flush();
  equal([open.highWatermark, values(open)], [0n, []], "cut, and flushed, but not committed");
  equal([await cutting, await again], [0n, 1n], "the cut and the flush");
  equal(values(open), ["other"], "after both");
  await open.close();
}

/** The same work on a log in memory and on one in IndexedDB. */
async function work(log) {
  const flushes = [];
  for (let round = 0; round < 400; round += 1) {
    log.append({ key: `k${round % 7}`, value: "v".repeat(1 + (round * 37) % 400) }, { now: now + round });
    if (round % 5 === 0) flushes.push(log.flush());
    if (round === 60) flushes.push(log.truncateTo(55n));
    if (round === 100) flushes.push(log.deleteRecordsBefore(20n));
    if (round === 150) flushes.push(log.compact(now + round));
  }
  await Promise.all([...flushes, log.flush()]);
}

const config = { "segment.bytes": 1500, "index.interval.bytes": 200, "cleanup.policy": "compact,delete" };
const logs = (log) => log.files().map(({ name }) => name).filter((name) => /\.(log|index)$/.test(name));

export async function what_is_kept_is_what_memory_has() {
  const [kept, memory] = [await PartitionLog.open({ indexedDb: "work", config }), await PartitionLog.open({ config })];
  await work(kept);
  await work(memory);
  await kept.close();
  const again = await PartitionLog.open({ indexedDb: "work", config });
  equal([again.logStartOffset, again.logEndOffset], [memory.logStartOffset, memory.logEndOffset], "the offsets");
  equal(again.segments().length > 5, true, "there are some segments");
  equal(logs(again), logs(memory), "the files");
  equal(again.segments(), memory.segments(), "the segments");
  // The active segment's index is written when the segment or the log is closed, and this log is not.
  const active = `${memory.segments().at(-1).baseOffset}.index`.padStart(26, "0");
  for (const name of logs(memory).filter((name) => name !== active)) equal([...again.readFile(name)], [...memory.readFile(name)], name);
  await again.close();
}

export async function after_a_failure_nothing_is_taken() {
  open = await PartitionLog.open({ indexedDb: "failing" });
  open.append({ value: "kept" }, { now });
  await open.flush();
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (value, key) {
    if (value instanceof Uint8Array && text(value).includes("lost")) {
      throw new DOMException("the disk is full", "QuotaExceededError");
    }
    return put.call(this, value, key);
  };
  open.append({ value: "lost" }, { now });
  const failing = open.flush();
  open.append({ value: "what comes after it" }, { now });
  const after = open.flush();
  await fails(failing, "NOT_KEPT", "the flush that fails");
  await fails(after, "NOT_KEPT", "the one after it, although the browser takes it");
  IDBObjectStore.prototype.put = put;
  await fails((async () => open.append({ value: "x" }))(), "NOT_KEPT", "an append");
  await fails(open.flush(), "NOT_KEPT", "a flush");
  equal([open.highWatermark, values(open)], [1n, ["kept"]], "what was kept is still to be read");
  await fails(open.close(), "NOT_KEPT", "closing");
  open = await PartitionLog.open({ indexedDb: "failing" });
  equal(values(open), ["kept"], "opened again");
  open.append({ value: "new" }, { now });
  await open.close();
  open = await PartitionLog.open({ indexedDb: "failing" });
  equal(values(open), ["kept", "new"], "and it goes on");
  await open.close();
}

/** What a database holds, or what becomes of it, beside the package. */
async function raw(name, mode, work) {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const database = await done(indexedDB.open(name));
  const transaction = database.transaction(["chunks", "meta"], mode);
  const result = await done(work(transaction.objectStore("chunks"), transaction.objectStore("meta")));
  database.close();
  return result;
}

export async function a_flush_is_one_strict_transaction_into_few_chunks() {
  open = await PartitionLog.open({ indexedDb: "chunks" });
  const { transaction } = IDBDatabase.prototype;
  const begun = [];
  IDBDatabase.prototype.transaction = function (stores, mode, options) {
    begun.push([mode, options?.durability]);
    return transaction.call(this, stores, mode, options);
  };
  for (let round = 0; round < 300; round += 1) {
    open.append({ value: "v".repeat(100) }, { now });
    await open.flush();
  }
  IDBDatabase.prototype.transaction = transaction;
  // The first append begins a segment, which is committed without a flush.
  equal(begun.length, 301, "a transaction a flush");
  equal(begun.every(([mode, durability]) => mode === "readwrite" && durability === "strict"), true, "strict ones");
  const chunks = await raw("chunks", "readonly", (chunks) => chunks.count());
  equal(chunks < 40, true, `300 flushes make ${chunks} chunks`);
  await open.close();
}

export async function who_was_taken_away_from_commits_nothing_more() {
  open = await PartitionLog.open({ indexedDb: "taken" });
  open.append({ value: "kept" }, { now });
  await open.flush();
  // What a page does that takes the log from one that does not answer.
  await raw("taken", "readwrite", (_, meta) => (meta.put(1, "reign"), meta.put(true, ["reign", 1])));
  const before = await raw("taken", "readonly", (chunks) => chunks.getAllKeys());
  open.append({ value: "refused" }, { now });
  await fails(open.flush(), "NOT_KEPT", "the flush of who was taken away from");
  equal(await raw("taken", "readonly", (chunks) => chunks.getAllKeys()), before, "the chunks");
  await fails(open.close(), "NOT_KEPT", "closing");
  open = await PartitionLog.open({ indexedDb: "taken" });
  equal(values(open), ["kept"], "opened again");
  open.append({ value: "new" }, { now });
  await open.flush();
  equal(await raw("taken", "readonly", (_, meta) => meta.get(["reign", 2])), undefined, "nothing but a mark is left");
  await open.close();
}

export async function a_worker_has_logs_too() {
  const worker = new Worker("./worker.js", { type: "module" });
  const answer = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
  equal(answer, "1n", "the worker's high watermark");
  await fails(PartitionLog.open({ indexedDb: "worker" }), "LOCKED", "the worker has it");
  worker.terminate();
  open = await PartitionLog.open({ indexedDb: "worker" });
  equal(values(open), ["from a worker"], "the worker's record");
  await open.close();
}

// `readme.js` is the README's example, but for where it imports the package from.
export async function the_readmes_example() {
  const code = await (await fetch("./readme.js")).text();
  const expected = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, comment]) => comment);
  const printed = [];
  const { log } = console;
  console.log = (...parts) => printed.push(parts.map((part) => (typeof part === "bigint" ? `${part}n` : part)).join(" "));
  await import("./readme.js");
  console.log = log;
  equal(expected.length > 0, true, "it prints something");
  equal(printed, expected, "what it prints");
}
