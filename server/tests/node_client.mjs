// A client in JavaScript, for Node 18 or newer: node node_client.mjs http://127.0.0.1:8080
import assert from 'node:assert/strict';

const url = process.argv[2];

async function produce(topic, payload) {
  const response = await fetch(`${url}/produce`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ topic, payload }),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()).offset;
}

async function* consume(topic, offset) {
  for (;;) {
    const response = await fetch(`${url}/fetch?topic=${topic}&offset=${offset}&max_bytes=1024`);
    const { records, next_offset } = await response.json();
    if (records.length === 0) return;
    yield* records;
    offset = next_offset;
  }
}

const empty = await (await fetch(`${url}/fetch?topic=node&offset=0`)).json();
assert.deepEqual(empty, {
  records: [], next_offset: 0, log_start_offset: 0, high_watermark: 0, stopped_by: 'log_end',
});

const payloads = Array.from({ length: 100 }, (_, i) => `event ${i} \u{1f980}`);
const offsets = await Promise.all(payloads.map((payload) => produce('node', payload)));
assert.deepEqual([...offsets].sort((a, b) => a - b), payloads.map((_, i) => i));

const seen = [];
for await (const record of consume('node', 0)) {
  assert.deepEqual(Object.keys(record), ['offset', 'payload']);
  assert.equal(record.offset, seen.length);
  seen.push(record.payload);
}
offsets.forEach((offset, i) => assert.equal(seen[offset], payloads[i]));

const refused = await fetch(`${url}/fetch?topic=node&offset=101`);
assert.equal(refused.status, 416);
assert.equal((await refused.json()).error_code, 41601);
