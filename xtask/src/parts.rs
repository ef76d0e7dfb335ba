//! Cuts the page's wasm in parts that the page loads when it wants them: `web/src/parts.rs` says which.
//!
//! The linker leaves in the wasm where functions and data are referred to. What is reached from the page's beginning is
//! the first part, which wasm-bindgen goes on with; what is reached through the table of one part only goes into
//! `split_NAME.wasm`, what several need into a `chunk_NUMBER.wasm`, and `parts.js` loads them. All share the first one's
//! memory and its table of functions.
//!
//! Invariant: the parts of one page fit no other's; the first part refuses them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use walrus::ModuleConfig;
use wasm_split_cli_support::{Options, transform};

use crate::bundle::NAME;
use crate::offline::fill;

/// What loads the parts. The page begins with it, so it is not left to be found late.
const LOADER: &str = "./parts.js";
const HEAD: &str = "<link rel=\"modulepreload\" href=\"./logscope_web.js\">\n";

/// A host that does not know wasm by its name is no reason to go without: wasm-bindgen's script does as much.
const INSTANTIATE: &str = r#"
async function instantiate(source, imports) {
    const response = await source;
    if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
    if (response.headers.get("Content-Type") === "application/wasm") {
        return WebAssembly.instantiateStreaming(response, imports);
    }
    return WebAssembly.instantiate(await response.arrayBuffer(), imports);
}
"#;

/// Puts all parts but the first into the folder, with what loads them, and answers where the first one is.
pub(crate) fn cut(whole: &Path, folder: &Path) -> Result<PathBuf> {
    let (wasm, first) = (fs::read(whole)?, whole.with_extension("first.wasm"));
    let main_module = format!("./{NAME}.js");
    let mut options = Options::new(&wasm);
    (options.output_dir, options.main_out_path) = (folder, &first);
    (options.main_module, options.link_name) = (&main_module, LOADER);
    let cut = transform(options).map_err(|error| anyhow!("{error:?}")).context("the wasm cannot be cut")?;
    cut.split_modules.iter().try_for_each(|part| shrink(part))?;

    let loader = folder.join(LOADER);
    let script = fs::read_to_string(&loader)?;
    let script = script.replace("WebAssembly.instantiateStreaming(", "instantiate(");
    fs::write(loader, script + INSTANTIATE)?;
    let head = format!("{HEAD}<link rel=\"modulepreload\" href=\"{LOADER}\">\n");
    fill(&folder.join("index.html"), HEAD, &head)?;
    Ok(first)
}

/// Whether a file of the page is one of the parts that come when they are wanted.
pub(crate) fn is_part(name: &str) -> bool {
    name.ends_with(".wasm") && (name.starts_with("split_") || name.starts_with("chunk_"))
}

/// Writes a part anew: the linker had left room in every number that the cut might have changed, a third of the part,
/// and the names of its functions. With the first part wasm-bindgen does the same.
fn shrink(part: &Path) -> Result<()> {
    let mut config = ModuleConfig::new();
    config.generate_name_section(false).generate_producers_section(false);
    let parsed = config.parse(&fs::read(part)?);
    let mut module = parsed.with_context(|| format!("{} is no wasm", part.display()))?;
    Ok(fs::write(part, module.emit_wasm())?)
}
