// A log in a worker, for `browser.js`.
import init, { PartitionLog } from "./node_modules/logscope/logscope.js";

await init();
const log = await PartitionLog.open({ indexedDb: "worker" });
log.append({ value: "from a worker" });
postMessage(`${await log.flush()}n`);
setInterval(() => log.logEndOffset, 1000); // It is in use as long as the worker lives.
