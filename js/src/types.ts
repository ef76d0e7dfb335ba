/** A config by Kafka's key. Numbers may be given as numbers or bigints; -1 is no limit. */
export type ConfigKey =
  | "segment.bytes"
  | "segment.ms"
  | "index.interval.bytes"
  | "segment.index.bytes"
  | "max.message.bytes"
  | "message.timestamp.type"
  | "compression.type"
  | "cleanup.policy"
  | "retention.ms"
  | "retention.bytes"
  | "delete.retention.ms"
  | "min.cleanable.dirty.ratio"
  | "producer.id.expiration.ms";

export type Config = Partial<Record<ConfigKey, string | number | bigint>>;

export interface OpenOptions {
  /** The IndexedDB database that keeps the log. Without it the log is in memory only. */
  indexedDb?: string;
  /** What a log in memory begins with: a partition's files, such as Kafka's, by name. */
  files?: Record<string, Uint8Array>;
  config?: Config;
}

export interface Header {
  /** Text; bytes only where they are not UTF-8. */
  key: string | Uint8Array;
  value: Uint8Array | null;
}

/** A record to be appended. Strings become UTF-8. Null is null, and the empty string is empty. */
export interface NewRecord {
  key?: Uint8Array | string | null;
  /** Null is a tombstone in a compacted log. */
  value: Uint8Array | string | null;
  headers?: { key: Uint8Array | string; value: Uint8Array | string | null }[];
  /** Milliseconds since 1970; without one, the append's time. */
  timestamp?: number;
}

/** A record as the log has it. It can be appended to another log, which gives it an offset of its own. */
export interface LogRecord {
  offset: bigint;
  timestamp: number;
  key: Uint8Array | null;
  value: Uint8Array | null;
  headers: Header[];
}

/** An idempotent producer: a batch that is sent twice is appended once. */
export interface Producer {
  id: bigint;
  epoch: number;
  /** The sequence number of the batch's first record. */
  baseSequence: number;
}

export interface AppendOptions {
  producer?: Producer;
  /** What time it is, in milliseconds since 1970; `Date.now()` if not given. */
  now?: number;
}

export interface Appended {
  baseOffset: bigint;
  lastOffset: bigint;
  /** The base offset of the segment that holds the batch. */
  segment: bigint;
  /** Where in the segment's `.log` file the batch begins, in bytes. */
  position: number;
  /** The batch's size in bytes. */
  size: number;
  /** It was in the log already: these are its offsets, and the other fields are 0. */
  duplicate: boolean;
}

export type StoppedBy = "max_bytes" | "high_watermark" | "log_end";

export interface Fetched {
  /** Those of the first batch that come before the fetch offset are left out. */
  records: LogRecord[];
  nextOffset: bigint;
  stoppedBy: StoppedBy;
  /** The size of the batches, in bytes: what `maxBytes` limits. */
  size: number;
}

export interface FetchedBatches {
  /** Whole record batches in Kafka's format, one after the other. */
  batches: Uint8Array;
  nextOffset: bigint;
  stoppedBy: StoppedBy;
}

export interface Segment {
  baseOffset: bigint;
  /** Bytes in its `.log` file. */
  size: number;
  indexEntries: number;
  timeIndexEntries: number;
}

export interface Compaction {
  recordsRemoved: number;
  segmentsBefore: number;
  segmentsAfter: number;
  bytesBefore: number;
  bytesAfter: number;
  /** Below this offset each key has one record. */
  firstDirtyOffset: bigint;
}

export interface RecoveryReport {
  /** The log had been closed in good order. */
  clean: boolean;
  segments: number;
  /** The base offsets of the segments that were read batch by batch. */
  scannedSegments: bigint[];
  /** The batches in them that are good, and their bytes. */
  batches: number;
  bytes: number;
  /** What was cut off because it was no whole batch. */
  tailCut: { file: string; position: number; bytes: number; reason: string } | null;
  rebuiltIndexes: number;
  removedFiles: string[];
}

export interface LogFile {
  name: string;
  /** In bytes. */
  size: number;
}

/** One step of the log, as the broker's event stream tells it. Every integer of 64 bits is a bigint. */
export interface LabEvent {
  /** What happened: `BatchAppended`, `SegmentRolled`, `FetchStopped` … */
  event: string;
  /** The same in words, with the numbers that decided it. */
  sentence: string;
  [field: string]: unknown;
}

export interface LabOutcome {
  events: LabEvent[];
  /** Those that a `fetch` returned. */
  records: Omit<LogRecord, "headers">[];
}

/** The `code` of an error. */
export type ErrorCode =
  | "IO"
  | "CORRUPT"
  | "OFFSET_OUT_OF_RANGE"
  | "MESSAGE_TOO_LARGE"
  | "INVALID_RECORD"
  | "OUT_OF_ORDER_SEQUENCE"
  | "INVALID_PRODUCER_EPOCH"
  | "INVALID_BATCH"
  | "INVALID_CONFIG"
  | "POISONED"
  | "OFFSETS_EXHAUSTED"
  | "INVALID_ARGUMENT"
  | "INVALID_SCENARIO"
  | "NOT_FOUND"
  | "CLOSED"
  | "LOCKED"
  | "NOT_KEPT";

/** What is thrown, or what a promise is rejected with. */
export interface LogscopeError extends Error {
  code: ErrorCode;
}
