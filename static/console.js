// `window.logscope`: the log that the page shows, for the browser's console. Names and shapes are those of the npm-style
// package (js/README.md), and offsets are bigints. Whatever changes the log or reads records is run as a command, and
// so is an action of the page that can be stepped through; therefore each returns a promise.
import { run_line, shown } from "./logscope_web.js";

const escape = (character) => (/["\\]/.test(character) ? `\\${character}` : `\\u{${character.codePointAt(0).toString(16)}}`);
const word = (text, what) => {
  if (text instanceof Uint8Array) text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text);
  if (typeof text !== "string") throw new TypeError(`${what} is ${text}: in the page it is text`);
  return `"${text.replace(/["\\\p{Cc}]/gu, escape)}"`;
};
const whole = (number, what) => {
  if (typeof number === "bigint" || Number.isSafeInteger(number)) return number;
  throw new TypeError(`${what} is ${number}: it is a whole number`);
};

function appendLine(records, { producer, now } = {}) {
  const record = (given) => (typeof given === "string" || given === null ? { value: given } : given);
  const [first, ...others] = (records = [records].flat().map(record));
  if (!first) throw new TypeError("a batch has at least one record");
  const key = (record) => (record.key == null ? undefined : word(record.key, "a key"));
  const at = first.timestamp ?? now;
  for (const record of records) {
    if (record.headers?.length) throw new TypeError("the page's commands write no headers");
    if (key(record) !== key(first) || (record.timestamp ?? now) !== at) {
      throw new TypeError("the page's commands write one key and one time a batch");
    }
  }
  if (first.value === null && !others.length && key(first)) return `tombstone ${key(first)}`;
  const line = ["append", ...records.map(({ value }) => word(value, "a value"))];
  if (key(first)) line.push(`key=${key(first)}`);
  if (at !== undefined) line.push(`at=${whole(at, "a time")}`);
  if (producer) line.push(`producer=${producer.id} epoch=${producer.epoch} seq=${producer.baseSequence}`);
  return line.join(" ");
}

const files = ({ files }) => files.map(({ name, size }) => ({ name, size }));

window.logscope = {
  /** Runs a line of the page's command line: { command, steps, appended?, fetched? }. */
  run: async (line) => run_line(`${line}`),
  append: async (records, options) => (await run_line(appendLine(records, options))).appended,
  fetch: async (offset, maxBytes = 1048576, partition = undefined) => {
    const place = partition === undefined ? "" : ` partition=${whole(partition, "a partition")}`;
    return (await run_line(`fetch ${whole(offset, "an offset")} max_bytes=${whole(maxBytes, "maxBytes")}${place}`)).fetched;
  },
  flush: async () => (await run_line("flush"), shown().highWatermark),
  truncateTo: async (offset) => (await run_line(`truncate ${whole(offset, "an offset")}`), shown().logEndOffset),
  deleteRecordsBefore: async (offset) =>
    (await run_line(`delete-before ${whole(offset, "an offset")}`), shown().logStartOffset),
  setConfigs: async (configs) => {
    const entries = Object.entries(configs).map(([key, value]) => `${key}=${word(`${value}`, key)}`);
    await run_line(`config ${entries.join(" ")}`);
  },
  get logStartOffset() { return shown().logStartOffset; },
  get highWatermark() { return shown().highWatermark; },
  get logEndOffset() { return shown().logEndOffset; },
  segments: () => shown().segments,
  files: () => files(shown()),
  readFile: (name) => {
    const file = shown().files.find((file) => file.name === name);
    if (!file) throw new Error(`there is no file "${name}"`);
    return file.bytes;
  },
  configs: () => shown().configs,
  help: () => {
    console.log(`The log that this page shows. Each call is an action in the page.

  await logscope.append({ key: "user-1", value: "hello" })   or "hello"; or several records of one key, as one batch
  await logscope.flush()                                     the high watermark, once it is kept
  await logscope.fetch(0n, 4096)                             { records, nextOffset, stoppedBy, size };
                                                             of partition 1: fetch(0n, 4096, 1)
  await logscope.run("crash keep=32")                        any command, with its steps in words: { command, steps };
                                                             of several partitions, it can name one: "fetch 0 partition=1"
  await logscope.truncateTo(4n)                              and deleteRecordsBefore(2n), setConfigs({ "segment.bytes": 1024 })
  logscope.segments()                                        and files(), configs(), logStartOffset, highWatermark, logEndOffset
  logscope.readFile("00000000000000000000.log")              its bytes`);
  },
};
