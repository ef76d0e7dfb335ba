//! The page: `web` compiled to WebAssembly, its JavaScript glue, and the hand-written files of `static`, put
//! together in `target/web` as any static host can serve them.
//!
//! Invariants:
//! - `target/web` holds nothing but what the last build put there, and is replaced as a whole.
//! - A stamp beside it remembers what went in and what came out; only if both are as they were, nothing is done.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use flate2::write::GzEncoder;
use wasm_bindgen_cli_support::Bindgen;

use crate::offline;
use crate::parts::cut;
use crate::workspace::{Workspace, run};

pub(crate) const WASM: &str = "wasm32-unknown-unknown";
/// What the files of the page's program are called.
pub(crate) const NAME: &str = "logscope_web";

/// Builds the page and answers the folder it stands in. With `dev` it is built fast rather than small.
pub(crate) fn build(workspace: &Workspace, dev: bool) -> Result<PathBuf> {
    ensure_wasm_target(workspace)?;
    let profile = if dev { "wasm-dev" } else { "wasm-page" };
    let mut cargo = if dev { workspace.cargo() } else { workspace.cargo_to_hand_on() };
    cargo.args(["rustc", "--package=logscope-web", "--target", WASM, "--profile", profile]);
    if !dev {
        // The linker has to say where functions and data are referred to, or nobody could take them apart.
        cargo.args(["--features=apart", "--", "-Clink-arg=--emit-relocs"]);
    }
    run(&mut cargo)?;
    let bundle = Bundle {
        wasm: workspace.target.join(WASM).join(profile).join("logscope-web.wasm"),
        hand_written: workspace.root.join("static"),
        folder: workspace.target.join("web"),
        dev,
    };
    bundle.refresh().context("the page cannot be put together")?;
    Ok(bundle.folder)
}

/// Asks the compiler first: not everybody's compiler comes from rustup.
pub(crate) fn ensure_wasm_target(workspace: &Workspace) -> Result<()> {
    let answer = Command::new("rustc")
        .args(["--print=target-libdir", "--target", WASM])
        .current_dir(&workspace.root)
        .output()
        .context("rustc does not run")?;
    if Path::new(String::from_utf8_lossy(&answer.stdout).trim()).is_dir() {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", WASM]).current_dir(&workspace.root).stdin(Stdio::null());
    run(&mut rustup).with_context(|| format!("Rust's target {WASM} is needed, and it could not be added"))
}

struct Bundle {
    wasm: PathBuf,
    hand_written: PathBuf,
    folder: PathBuf,
    dev: bool,
}

impl Bundle {
    fn refresh(&self) -> Result<()> {
        let stamp_file = self.folder.with_extension("stamp");
        if fs::read_to_string(&stamp_file).is_ok_and(|stamp| self.stamp().is_ok_and(|now| now == stamp)) {
            return Ok(());
        }
        let fresh = self.folder.with_extension("new");
        remove(&fresh)?;
        self.write_to(&fresh)?;
        remove(&self.folder)?;
        fs::rename(&fresh, &self.folder)?;
        Ok(fs::write(stamp_file, self.stamp()?)?)
    }

    fn write_to(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        copy(&self.hand_written, folder)?;
        let wasm = if self.dev { self.wasm.clone() } else { cut(&self.wasm, folder)? };
        Bindgen::new()
            .input_path(&wasm)
            .web(true)?
            .out_name(NAME)
            // The other parts import from the first one what the linker made.
            .keep_lld_exports(!self.dev)
            .typescript(false)
            // So that the page may call `init()` and need not know what the module is called.
            .omit_default_module_path(false)
            .debug(self.dev)
            .remove_name_section(!self.dev)
            .remove_producers_section(!self.dev)
            .generate(folder)?;
        // A page that is worked on must be the one that was built last: it is not kept for later.
        if !self.dev {
            offline::write(folder)?;
            for file in files(folder)? {
                compress(&file)?;
            }
        }
        Ok(())
    }

    /// What went into the folder, the program that made it, and what is in it now.
    fn stamp(&self) -> Result<String> {
        let mut hasher = DefaultHasher::new();
        self.dev.hash(&mut hasher);
        fs::metadata(std::env::current_exe()?)?.modified()?.hash(&mut hasher);
        fs::read(&self.wasm)?.hash(&mut hasher);
        for folder in [&self.hand_written, &self.folder] {
            for file in files(folder)? {
                file.hash(&mut hasher);
                fs::read(&file)?.hash(&mut hasher);
            }
        }
        Ok(format!("{:016x}", hasher.finish()))
    }
}

/// Every file below a folder, in a fixed order.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("no folder {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    found.sort();
    Ok(found)
}

/// Copies what is in a folder, folders and all.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    for file in files(from)? {
        let copy = to.join(file.strip_prefix(from)?);
        fs::create_dir_all(copy.parent().context("a file stands in a folder")?)?;
        fs::copy(&file, &copy).with_context(|| format!("{} cannot be copied", file.display()))?;
    }
    Ok(())
}

/// Removes a folder, if there is one.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Puts `.gz` and `.br` beside a file, for servers that hand them out as they are; not where they save nothing.
fn compress(file: &Path) -> Result<()> {
    let plain = fs::read(file)?;
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&plain)?;
    for (packed, extension) in [(gzip.finish()?, "gz"), (brotli(&plain)?, "br")] {
        if packed.len() < plain.len() {
            let mut name = file.as_os_str().to_owned();
            name.push(".");
            name.push(extension);
            File::create(name)?.write_all(&packed)?;
        }
    }
    Ok(())
}

pub(crate) fn brotli(plain: &[u8]) -> Result<Vec<u8>> {
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &plain[..], &mut packed, &Default::default())?;
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn packed_files_unpack_to_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("style.css");
        let text = "body { margin: 0 }\n".repeat(100);
        fs::write(&file, &text).unwrap();
        compress(&file).unwrap();

        let mut gzip = String::new();
        let packed = File::open(folder.path().join("style.css.gz")).unwrap();
        flate2::read::GzDecoder::new(packed).read_to_string(&mut gzip).unwrap();
        let mut brotli = Vec::new();
        let mut packed = File::open(folder.path().join("style.css.br")).unwrap();
        brotli::BrotliDecompress(&mut packed, &mut brotli).unwrap();
        assert_eq!((gzip.as_bytes(), brotli.as_slice()), (text.as_bytes(), text.as_bytes()));
    }

    #[test]
    fn what_does_not_get_smaller_stays_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("dot"), ".").unwrap();
        compress(&folder.path().join("dot")).unwrap();
        assert_eq!(files(folder.path()).unwrap().len(), 1);
    }

    #[test]
    fn folders_are_copied_with_what_is_in_them() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(from.path().join("icons")).unwrap();
        fs::write(from.path().join("icons/log.svg"), "<svg/>").unwrap();
        copy(from.path(), to.path()).unwrap();
        assert_eq!(fs::read_to_string(to.path().join("icons/log.svg")).unwrap(), "<svg/>");
    }
}
