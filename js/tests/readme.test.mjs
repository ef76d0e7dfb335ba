// The README's examples do what they say: each is run, and what it prints is compared with the comment behind each
// `console.log`.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import test from "node:test";

const readme = readFileSync(new URL("node_modules/logscope/README.md", import.meta.url), "utf8");
const examples = [...readme.matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => code);

test("there are examples", () => assert.ok(examples.length >= 4));

for (const [index, code] of examples.entries()) {
  test(`example ${index + 1}`, () => {
    const expected = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, comment]) => comment);
    assert.ok(expected.length > 0, "an example prints something");
    const node = ["--input-type=module", "--eval", code];
    const printed = execFileSync(process.execPath, node, { cwd: new URL(".", import.meta.url), encoding: "utf8" });
    assert.deepEqual(printed.trimEnd().split("\n"), expected);
  });
}
