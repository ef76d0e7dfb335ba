// The package in Node: values in and out, errors, and what the log does with them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import init, { initSync, Lab, murmur2, partitionForKey, PartitionLog } from "logscope";

const now = 1767225600000;
const text = (bytes) => bytes && new TextDecoder().decode(bytes);
const values = (fetched) => fetched.records.map((record) => text(record.value));
const code = (expected, message) => (error) => {
  assert.ok(error instanceof Error, String(error));
  assert.equal(error.code, expected, error.message);
  if (message) assert.match(error.message, message);
  return true;
};

/** A log with one batch a value, flushed. */
async function filled(list, config) {
  const log = await PartitionLog.open({ config });
  for (const value of list) log.append({ key: "k", value }, { now });
  await log.flush();
  return log;
}

test("it can be loaded from bytes, and more than once", async () => {
  initSync({ module: readFileSync(new URL("node_modules/logscope/logscope_bg.wasm", import.meta.url)) });
  await init();
});

test("bytes come back as they went in, and null is not empty", async () => {
  const log = await PartitionLog.open();
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const none = new Uint8Array();
  const records = [
    { key: all, value: all, headers: [], timestamp: now },
    { key: null, value: null, headers: [{ key: "", value: null }], timestamp: now + 1 },
    { key: none, value: none, headers: [{ key: "h", value: none }, { key: "h", value: all }], timestamp: now - 1 },
  ];
  const appended = log.append(records);
  assert.deepEqual(
    [appended.baseOffset, appended.lastOffset, appended.segment, appended.position, appended.duplicate],
    [0n, 2n, 0n, 0, false],
  );
  log.append({ value: Buffer.from("é") }, { now });
  log.append({ key: "ключ", value: "значение" }, { now });
  assert.equal(await log.flush(), 5n);

  const { records: fetched } = log.fetch(0n);
  assert.deepEqual(fetched.slice(0, 3), records.map((record, offset) => ({ offset: BigInt(offset), ...record })));
  assert.deepEqual(fetched[3], {
    offset: 3n, timestamp: now, key: null, value: new TextEncoder().encode("é"), headers: [],
  });
  assert.deepEqual([text(fetched[4].key), text(fetched[4].value)], ["ключ", "значение"]);

  const copy = await PartitionLog.open();
  copy.append(fetched);
  await copy.flush();
  assert.deepEqual(copy.fetch(0n).records, fetched);
});

test("a header's name that is no text stays bytes", async () => {
  const log = await PartitionLog.open();
  const key = Uint8Array.of(0xff, 0x00);
  log.append({ value: "v", headers: [{ key, value: "x" }] });
  await log.flush();
  assert.deepEqual(log.fetch(0n).records[0].headers, [{ key, value: new TextEncoder().encode("x") }]);
});

test("offsets beyond 2^53 are exact", async () => {
  const base = 2n ** 53n + 1n;
  const log = await PartitionLog.open({ files: { [`${base}.log`.padStart(24, "0")]: new Uint8Array() } });
  assert.deepEqual([log.logStartOffset, log.highWatermark, log.logEndOffset], [base, base, base]);
  const appended = log.append([{ value: "a" }, { value: "b" }]);
  assert.deepEqual([appended.baseOffset, appended.lastOffset, appended.segment], [base, base + 1n, base]);
  assert.equal(await log.flush(), base + 2n);
  const fetched = log.fetch(base + 1n);
  assert.deepEqual([fetched.records[0].offset, fetched.nextOffset], [base + 1n, base + 2n]);
  assert.equal(log.segments()[0].baseOffset, base);
  assert.deepEqual(log.offsetForTimestamp(0).offset, base);
});

test("what is not flushed is not fetched", async () => {
  const log = await PartitionLog.open();
  log.append({ value: "a" });
  assert.deepEqual([log.highWatermark, log.logEndOffset], [0n, 1n]);
  assert.deepEqual(log.fetch(0n), { records: [], nextOffset: 0n, stoppedBy: "high_watermark", size: 0 });
  await log.flush();
  const { stoppedBy, nextOffset } = log.fetch(0n);
  assert.deepEqual([stoppedBy, nextOffset], ["log_end", 1n]);
});

test("a fetch keeps to maxBytes, and batches go from log to log", async () => {
  const log = await filled(["a", "b", "c"]);
  const size = log.fetch(0n).size / 3;
  const first = log.fetch(1n, size);
  assert.deepEqual([values(first), first.nextOffset, first.stoppedBy, first.size], [["b"], 2n, "max_bytes", size]);
  assert.deepEqual(values(log.fetch(0n, 0)), ["a"], "at least one batch comes whole");

  const { batches, nextOffset, stoppedBy } = log.fetchBatches(2n, 1);
  assert.deepEqual([batches.length, nextOffset, stoppedBy], [size, 3n, "log_end"]);
  const copy = await PartitionLog.open();
  assert.equal(copy.appendBatch(batches, now).baseOffset, 0n);
  await copy.flush();
  assert.deepEqual(values(copy.fetch(0n)), ["c"]);
  batches[20] ^= 1;
  assert.throws(() => copy.appendBatch(batches), code("INVALID_BATCH", /CRC/));
});

test("each codec packs and unpacks", async () => {
  const value = "again ".repeat(1000);
  for (const codec of ["gzip", "snappy", "lz4", "zstd"]) {
    const log = await filled([value], { "compression.type": codec });
    const { records, size } = log.fetch(0n);
    assert.equal(text(records[0].value), value, codec);
    assert.ok(size < 1000, `${codec}: ${size}`);
  }
});

test("errors have a code and say the value and the limit", async () => {
  const log = await filled(["a"], { "max.message.bytes": 200 });
  const long = "x".repeat(200);
  assert.throws(() => log.fetch(5n), code("OFFSET_OUT_OF_RANGE", /offset 5 .* ends before 1/));
  assert.throws(() => log.append({ value: long }), code("MESSAGE_TOO_LARGE", /max\.message\.bytes allows 200/));
  assert.throws(() => log.append([]), code("INVALID_RECORD"));
  assert.throws(() => log.append({ value: "a", timestamp: -1 }), code("INVALID_RECORD"));
  assert.throws(() => log.setConfigs({ "segment.bytes": 1 }), code("INVALID_CONFIG", /segment\.bytes/));
  assert.throws(() => log.readFile("none.log"), code("NOT_FOUND", /none\.log/));
  await assert.rejects(log.truncateTo(9n), code("OFFSET_OUT_OF_RANGE"));
  await assert.rejects(PartitionLog.open({ config: { "segment.byte": 1 } }), code("INVALID_CONFIG"));
  await assert.rejects(PartitionLog.open({ indexedDb: "orders" }), code("NOT_KEPT", /no IndexedDB/));
  assert.deepEqual(values(log.fetch(0n)), ["a"], "and nothing has changed");
});

test("a value of the wrong kind is refused by name, and nothing is guessed", async () => {
  const log = await filled(["a"]);
  const argument = (message) => code("INVALID_ARGUMENT", message);
  for (const offset of [0, "0", -1n, 2n ** 64n, null, undefined, {}]) {
    assert.throws(() => log.fetch(offset), argument(/an offset is a bigint from 0n on, not/));
    await assert.rejects(log.truncateTo(offset), argument());
  }
  assert.throws(() => log.fetch(-(2n ** 64n)), argument(/not -18446744073709551616n/));
  for (const maxBytes of [-1, 1.5, NaN, Infinity, 2 ** 53, 10n, "10", null]) {
    assert.throws(() => log.fetch(0n, maxBytes), argument(/`maxBytes` is a whole number/));
  }
  for (const value of [undefined, 1, 1n, {}, [], new ArrayBuffer(1), true]) {
    assert.throws(() => log.append({ value }), argument(/value/), String(value));
    assert.throws(() => log.append({ value: "", key: value ?? 1 }), argument(/key/));
  }
  const wrong = [null, undefined, 1, "text", Uint8Array.of(1), { value: "v", payload: 1 }, { value: "v", headers: {} },
    { value: "v", headers: [{ key: "k" }] }, { value: "v", headers: [{ value: "k" }] }, { value: "v", timestamp: 1.5 }];
  for (const record of wrong) assert.throws(() => log.append(record), argument());
  const options = [null, 5, { time: 1 }, { now: "1" }, { producer: { id: 1, epoch: 0, baseSequence: 0 } },
    { producer: { id: 1n, epoch: 40000, baseSequence: 0 } }, { producer: { id: 1n } }];
  for (const option of options) assert.throws(() => log.append({ value: "v" }, option), argument());
  for (const option of [null, "orders", { name: "x" }, { files: [] }, { files: { a: 1 } }, { indexedDb: 1 },
    { indexedDb: "a", files: {} }, { config: { "segment.bytes": true } }]) {
    await assert.rejects(PartitionLog.open(option), argument());
  }
  assert.throws(() => log.appendBatch("text"), argument());
  assert.throws(() => log.readFile(1), argument());
  assert.equal(log.logEndOffset, 1n);
});

test("a closed log says so", async () => {
  const log = await filled(["a"]);
  await log.close();
  for (const use of [() => log.fetch(0n), () => log.append({ value: "b" }), () => log.highWatermark, () => log.files()]) {
    assert.throws(use, code("CLOSED"));
  }
  await assert.rejects(log.flush(), code("CLOSED"));
  await assert.rejects(log.close(), code("CLOSED"));
});

test("an idempotent producer's batch is appended once", async () => {
  const log = await PartitionLog.open();
  const producer = { id: 2n ** 60n, epoch: 0, baseSequence: 0 };
  log.append([{ value: "a" }, { value: "b" }], { producer });
  const again = log.append([{ value: "a" }, { value: "b" }], { producer });
  assert.deepEqual([again.baseOffset, again.lastOffset, again.duplicate], [0n, 1n, true]);
  const late = { ...producer, baseSequence: 5 };
  assert.throws(() => log.append({ value: "c" }, { producer: late }), code("OUT_OF_ORDER_SEQUENCE", /1152921504606846976/));
  assert.equal(log.logEndOffset, 2n);
});

test("the log rolls, retains, compacts and is cut", async () => {
  const log = await filled(["a", "b", "c", "d"], { "segment.bytes": 100, "retention.ms": 1000n });
  assert.deepEqual(log.segments().map((segment) => segment.baseOffset), [0n, 1n, 2n, 3n]);
  assert.equal(await log.deleteRecordsBefore(1n), 1n);
  assert.equal(log.segments().length, 3);
  assert.equal(await log.truncateTo(3n), 3n);
  assert.equal(log.logEndOffset, 3n);
  assert.deepEqual((await log.applyRetention(now + 1001)).map((segment) => segment.baseOffset), [1n, 2n]);
  assert.deepEqual([log.logStartOffset, log.highWatermark], [3n, 3n]);

  const compacted = await filled(["a", "b", "c", "d"], { "segment.bytes": 100, "cleanup.policy": "compact" });
  const report = await compacted.compact(now);
  assert.deepEqual([report.recordsRemoved, report.firstDirtyOffset], [2, 3n]);
  assert.deepEqual(values(compacted.fetch(0n)), ["c", "d"]);
  assert.equal(await compacted.compact(now), null);
});

test("records are found by time", async () => {
  const log = await PartitionLog.open();
  log.append([{ value: "a", timestamp: 1000 }, { value: "b", timestamp: 2000 }]);
  assert.equal(log.offsetForTimestamp(1), null, "it is not visible yet");
  await log.flush();
  assert.deepEqual(log.offsetForTimestamp(1001), { offset: 1n, timestamp: 2000 });
  assert.equal(log.offsetForTimestamp(2001), null);
});

test("configs are Kafka's, and taken all or none", async () => {
  const log = await PartitionLog.open({ config: { "segment.bytes": "2000", "retention.ms": -1 } });
  assert.equal(log.configs()["segment.bytes"], "2000");
  assert.equal(log.configs()["retention.ms"], "-1");
  log.setConfigs({ "segment.ms": 9223372036854775807n });
  assert.throws(() => log.setConfigs({ "segment.bytes": 3000, "cleanup.policy": "burn" }), code("INVALID_CONFIG"));
  assert.deepEqual(
    [log.configs()["segment.bytes"], log.configs()["segment.ms"]],
    ["2000", "9223372036854775807"],
  );
});

test("a log's files open as the same log, and a torn tail is cut", async () => {
  const log = await filled(["a", "b"]);
  const files = Object.fromEntries(log.files().map(({ name, size }) => {
    const bytes = log.readFile(name);
    assert.equal(bytes.length, size);
    return [name, bytes];
  }));
  const name = "00000000000000000000.log";
  const whole = await PartitionLog.open({ files });
  assert.deepEqual(whole.fetch(0n), log.fetch(0n));
  assert.deepEqual(whole.recovery.tailCut, null);

  delete files.checkpoint; // It knows what was durable, which no tear takes.
  const torn = await PartitionLog.open({ files: { ...files, [name]: files[name].slice(0, -1) } });
  assert.deepEqual([values(torn.fetch(0n)), torn.recovery.clean], [["a"], false]);
  const { file, position, bytes } = torn.recovery.tailCut;
  assert.deepEqual([file, position + bytes], [name, files[name].length - 1]);
});

test("damage that no crash explains is an error", async () => {
  const log = await filled(["a", "b"], { "segment.bytes": 100 });
  const files = Object.fromEntries(log.files().map(({ name }) => [name, log.readFile(name)]));
  delete files.checkpoint;
  files["00000000000000000000.log"][30] ^= 1;
  await assert.rejects(PartitionLog.open({ files }), code("CORRUPT", /00000000000000000000\.log is damaged/));
});

test("the laboratory tells its steps", () => {
  const lab = new Lab();
  assert.equal(lab.now, now);
  const [opening, ...others] = lab.run("append hello key=user-1").events;
  assert.equal(opening.event, "RecoveryStarted");
  const appended = others.find(({ event }) => event === "BatchAppended");
  assert.deepEqual([appended.batch.base_offset, appended.batch.first_key, appended.batch.records], [0n, "user-1", 1]);
  assert.match(appended.sentence, /offset 0/);
  lab.run("flush");
  const { events, records } = lab.run("fetch 0 max_bytes=300");
  const stopped = events.at(-1);
  assert.deepEqual([stopped.event, stopped.by, stopped.next_offset, stopped.next_batch_size], ["FetchStopped", "log_end", 1n, null]);
  assert.deepEqual([records[0].offset, text(records[0].key), text(records[0].value)], [0n, "user-1", "hello"]);
  assert.deepEqual(lab.run("# a comment"), { events: [], records: [] });
  assert.equal(lab.run("advance 8d").events[0].event, "ClockMoved");
  assert.equal(lab.run("fetch 99").events.at(-1).event, "Refused");
  assert.throws(() => lab.run("apend x"), code("INVALID_SCENARIO", /apend/));
  assert.ok(lab.readFile("00000000000000000000.log").length > 0);
  for (const line of ["crash keep=10", "reopen", "config segment.bytes=600", "lose 00000000000000000000.index", "reset"]) {
    for (const event of lab.run(line).events) assert.ok(event.event && event.sentence, line);
  }
});

test("keys go where Kafka's clients send them", () => {
  // The examples in Kafka's own tests (UtilsTest.testMurmur2), as unsigned numbers.
  const known = { 21: -973932308, foobar: -790332482, "a-little-bit-long-string": -985981536 };
  for (const [key, hash] of Object.entries(known)) assert.equal(murmur2(key), hash >>> 0, key);
  assert.equal(murmur2(Uint8Array.of(50, 49)), murmur2("21"));
  assert.equal(partitionForKey("foobar", 7), (murmur2("foobar") & 0x7fffffff) % 7);
  for (const partitions of [0, -1, 1.5, 3n, "3"]) {
    assert.throws(() => partitionForKey("k", partitions), code("INVALID_ARGUMENT"));
  }
});
