// Starts the page, and shows why if it cannot start.
import start from "./logscope_web.js";

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

try {
  await start({ module_or_path: new URL("./logscope_web_bg.wasm", import.meta.url) });
} catch (error) {
  fail(String(error));
}
