// Starts the page, and shows why if it cannot start.
import start from "./logscope_web.js";

// The theme that was chosen before; without one, the system decides.
try {
  const theme = localStorage.getItem("logscope-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // A browser that keeps nothing has no theme kept either.
}

const failure = document.getElementById("failure");

function fail(reason) {
  const place = document.getElementById("failure-reason");
  if (!place.textContent) place.textContent = reason;
  failure.hidden = false;
}

document.getElementById("reload").addEventListener("click", () => location.reload());
document.getElementById("fresh").addEventListener("click", () => {
  location.hash = "fresh";
  location.reload();
});

// A trap, at the end of the memory, say, leaves the engine in pieces: the page must not stand there as if nothing
// had happened. Other errors are the browser's own remarks, and the page goes on.
function trapped(error) {
  if (error instanceof WebAssembly.RuntimeError) fail(String(error));
}
window.addEventListener("error", (event) => trapped(event.error));
window.addEventListener("unhandledrejection", (event) => trapped(event.reason));

// Keeps the page for when there is no network. Private windows, and addresses that are not secure, go without.
async function keep() {
  const { version } = document.documentElement.dataset;
  const old = await navigator.serviceWorker.getRegistration();
  if (version) {
    await navigator.serviceWorker.register("./sw.js");
    (await navigator.serviceWorker.ready).active.postMessage(version);
  } else if (old?.scope === new URL("./", location).href) {
    await old.unregister();
  }
}

// What takes the page long is put off by a timeout of 0 in between, and with it whatever happens next. A page that goes
// has no time for that: it does what was put off at once, and what is put off from then on as soon as its listener has
// returned, so that the last flush and the last word to other tabs have their turn.
const putOff = new Set();
const { setTimeout } = window;
let going = false;
window.setTimeout = (work, wait, ...given) => {
  if (wait) return setTimeout(work, wait, ...given);
  const run = () => putOff.delete(run) && work(...given);
  putOff.add(run);
  if (going) queueMicrotask(run);
  return setTimeout(run, 0);
};
window.addEventListener("pagehide", () => {
  going = true;
  putOff.forEach((run) => {
    try {
      run();
    } catch (error) {
      reportError(error);
    }
  });
});
window.addEventListener("pageshow", () => (going = false));

try {
  await start({ module_or_path: new URL("./logscope_web_bg.wasm", import.meta.url) });
  import("./console.js").catch(console.error);
} catch (error) {
  fail(String(error));
}

keep().catch(() => {});
