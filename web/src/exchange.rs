//! What goes out of the page and comes into it: files, the clipboard, texts that stand beside the page.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, File, FileList, HtmlAnchorElement, Response, Url};

use crate::browser::{document, window};
use crate::state::archive::{MAX_BYTES, Named};

/// Reads a text beside the page, such as `lessons/index.txt`.
///
/// # Errors
/// Why it could not be had, in words for a person.
pub(crate) async fn text_at(path: &str) -> Result<String, String> {
    let failed = |_| format!("{path} could not be loaded. Is the page offline?");
    let window = window().ok_or("there is no window")?;
    let response = JsFuture::from(window.fetch_with_str(path)).await.map_err(failed)?;
    let response: Response = response.dyn_into().map_err(failed)?;
    if !response.ok() {
        return Err(format!("{path} could not be loaded: the server answered {}", response.status()));
    }
    let text = JsFuture::from(response.text().map_err(failed)?).await.map_err(failed)?;
    text.as_string().ok_or_else(|| format!("{path} is no text"))
}

/// Reads files that a person has chosen, with their paths below what was chosen.
///
/// # Errors
/// Which one could not be read, or that they are too large. What is too large is not read.
pub(crate) async fn read(files: FileList) -> Result<Vec<Named>, String> {
    let files: Vec<File> = (0..files.length()).filter_map(|at| files.get(at)).collect();
    let total: u64 = files.iter().map(|file| file.size() as u64).sum();
    if total > MAX_BYTES {
        return Err(format!("These files have {total} bytes, and {MAX_BYTES} are taken."));
    }
    let mut named = Vec::new();
    for file in files {
        let below = js_sys::Reflect::get(&file, &"webkitRelativePath".into()).ok();
        let path = below.and_then(|path| path.as_string()).filter(|path| !path.is_empty());
        let path = path.unwrap_or_else(|| file.name());
        let bytes = JsFuture::from(file.array_buffer()).await;
        let bytes = bytes.map_err(|_| format!("{path} could not be read."))?;
        named.push((path, Uint8Array::new(&bytes).to_vec()));
    }
    Ok(named)
}

/// Lets the browser save bytes as a file.
pub(crate) fn save(name: &str, bytes: &[u8]) {
    // It fails only in a browser that saves no files, and there is nothing to do about it.
    let _ = try_save(name, bytes);
}

fn try_save(name: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let parts = Array::of1(&Uint8Array::from(bytes));
    let options = BlobPropertyBag::new();
    options.set_type("application/octet-stream");
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &options)?;
    let address = Url::create_object_url_with_blob(&blob)?;
    let document = document().ok_or("there is no document")?;
    let link: HtmlAnchorElement = document.create_element("a")?.dyn_into()?;
    link.set_href(&address);
    link.set_download(name);
    link.click();
    Url::revoke_object_url(&address)
}

/// Puts text into the clipboard; `false` if the browser does not let us.
pub(crate) async fn copy(text: String) -> bool {
    let Some(window) = window() else { return false };
    let clipboard = window.navigator().clipboard();
    // Pages that did not come by a secure way have no clipboard.
    if clipboard.is_undefined() {
        return false;
    }
    JsFuture::from(clipboard.write_text(&text)).await.is_ok()
}
