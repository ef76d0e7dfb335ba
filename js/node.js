// What `import "logscope"` is in Node: the same module, ready to be used. Node's `fetch` reads no files.
import { readFileSync } from "node:fs";
import { initSync } from "./logscope.js";

initSync({ module: readFileSync(new URL("logscope_bg.wasm", import.meta.url)) });

export * from "./logscope.js";
export { default } from "./logscope.js";
