//! The page, in a visitor's words: fields to fill, buttons to press, a sentence and tables to read.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use fantoccini::Locator;
use fantoccini::actions::{InputSource, MouseActions, PointerAction};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::wd::WindowHandle;
use serde_json::json;

use crate::browser::Browser;
use crate::wait::eventually;

/// What the visitor's system prefers.
#[derive(Clone, Copy, Debug)]
pub enum Scheme {
    Light,
    Dark,
}

/// Which elements can have a role; the accessible name then decides.
const BUTTON: &str = "button, [role=button], summary, input[type=button], input[type=submit]";
const TEXT_BOX: &str = "input:not([type]), input[type=text], textarea, [role=textbox], [role=combobox]";
const NUMBER_FIELD: &str = "input[type=number], [role=spinbutton]";
const FIELD: &str = "input, textarea, [role=textbox], [role=combobox], [role=spinbutton]";
const TABLE: &str = "table, [role=table], [role=grid]";
const STATUS: &str = "[role=status], output";

#[derive(Debug)]
pub struct Page {
    pub(crate) browser: Browser,
    address: String,
    screenshots: PathBuf,
}

impl Page {
    pub(crate) fn new(browser: Browser, address: String, screenshots: PathBuf) -> Page {
        Page { browser, address, screenshots }
    }

    pub(crate) async fn open(&self) -> Result<()> {
        self.size(1440, 900).await?;
        self.browser.client.goto(&self.address).await?;
        self.ready().await
    }

    /// Opens the page in one more tab, which is the one that is used from then on.
    pub async fn open_tab(&self) -> Result<WindowHandle> {
        let tab = self.browser.client.new_window(true).await?.handle;
        self.use_tab(&tab).await?;
        self.size(1440, 900).await?;
        self.browser.client.goto(&self.address).await?;
        Ok(tab)
    }

    /// The tab that is used.
    pub async fn tab(&self) -> Result<WindowHandle> {
        Ok(self.browser.client.window().await?)
    }

    /// Uses another tab from then on.
    pub async fn use_tab(&self, tab: &WindowHandle) -> Result<()> {
        Ok(self.browser.client.switch_to_window(tab.clone()).await?)
    }

    /// Closes the tab that is used, and uses another.
    pub async fn close_tab(&self, other: &WindowHandle) -> Result<()> {
        self.browser.client.close_window().await?;
        self.use_tab(other).await
    }

    /// When another tab calls [`begin_busy`](Self::begin_busy), the tab that is used will press a button, and then stand
    /// still until one calls [`end_busy`](Self::end_busy): it waits for a record of the broker's.
    pub async fn will_be_busy(&self, button: &str) -> Result<()> {
        let button = self.enabled(BUTTON, button).await?;
        let script = "const [button, done] = arguments;
            const others = new BroadcastChannel('busy');
            const wait = () => {
                const asked = new XMLHttpRequest();
                asked.open('GET', '/fetch?topic=gate&offset=0&min_bytes=1&max_wait_ms=30000', false);
                asked.send();
            };
            others.onmessage = () => { button.click(); others.postMessage('begun'); setTimeout(wait); };
            fetch('/topics', { method: 'POST', body: JSON.stringify({ name: 'gate' }) }).then(() => done(null))";
        self.browser.client.execute_async(script, vec![json!(button)]).await.map(drop)?;
        Ok(())
    }

    /// Lets the tab that will be busy begin with it.
    pub async fn begin_busy(&self) -> Result<()> {
        let script = "const done = arguments[0];
            const others = new BroadcastChannel('busy');
            others.onmessage = () => done(null);
            others.postMessage('begin')";
        self.browser.client.execute_async(script, Vec::new()).await.map(drop)?;
        Ok(())
    }

    /// Lets the tab that is busy go on.
    pub async fn end_busy(&self) -> Result<()> {
        let script = "const done = arguments[0];
            fetch('/produce', { method: 'POST', body: JSON.stringify({ topic: 'gate', payload: '' }) }).then(() => done(null))";
        self.browser.client.execute_async(script, Vec::new()).await.map(drop)?;
        Ok(())
    }

    pub async fn reload(&self) -> Result<()> {
        self.begin_reload().await?;
        self.ready().await
    }

    /// Runs a script in whose course the page loads itself anew, and waits until one can write in the new one.
    pub async fn reload_by(&self, script: &str) -> Result<()> {
        self.console(&format!("window.former = true; {script}")).await?;
        eventually("the page is loaded anew", async || {
            let former = self.console("return String(window.former)").await?;
            Ok((former == "\"undefined\"").then_some(()))
        })
        .await?;
        self.ready().await
    }

    /// Has the page loaded anew, and does not wait until one can write.
    pub async fn begin_reload(&self) -> Result<()> {
        Ok(self.browser.client.refresh().await?)
    }

    /// Opens a link as somebody does who got it: the page is loaded anew.
    pub async fn follow(&self, link: &str) -> Result<()> {
        self.browser.client.goto("about:blank").await?;
        self.browser.client.goto(link).await?;
        self.shown().await
    }

    /// Changes the address from `#` on, as one does in the address line of a page that is open.
    pub async fn go_to(&self, hash: &str) -> Result<()> {
        self.browser.client.goto(&format!("{}{hash}", self.address)).await?;
        self.shown().await
    }

    /// What the address asks for is there, or the page says why it is not.
    async fn shown(&self) -> Result<()> {
        eventually("the link is shown or refused", async || {
            // A running broker says in its bar how far it has come.
            let said = !self.alerts().await?.is_empty() || !self.region("A running broker").await?.is_empty();
            Ok((said || self.can_press("Append").await?).then_some(()))
        })
        .await
    }

    /// The page's address with another end.
    pub fn address_with(&self, hash: &str) -> String {
        format!("{}{hash}", self.address)
    }

    /// The log is loaded once records can be appended to it.
    async fn ready(&self) -> Result<()> {
        self.enabled(BUTTON, "Append").await.map(drop).context("the page does not get ready")
    }

    pub(crate) async fn close(self) -> Result<()> {
        Ok(self.browser.client.close().await?)
    }

    /// Fills the form's fields and presses `Append`.
    pub async fn append(&self, payload: &str, key: &str) -> Result<()> {
        self.fill(TEXT_BOX, "Payload", payload).await?;
        self.fill(TEXT_BOX, "Key", key).await?;
        self.press("Append").await
    }

    /// Fills the form's fields and presses `Fetch`.
    pub async fn fetch(&self, offset: u64, max_bytes: u32) -> Result<()> {
        self.fill(NUMBER_FIELD, "Offset", &offset.to_string()).await?;
        self.fill(NUMBER_FIELD, "Max bytes", &max_bytes.to_string()).await?;
        self.press("Fetch").await
    }

    /// Fills a field that takes text.
    pub async fn write(&self, field: &str, text: &str) -> Result<()> {
        self.fill(TEXT_BOX, field, text).await
    }

    /// Fills a field that hides what is typed.
    pub async fn write_secret(&self, field: &str, text: &str) -> Result<()> {
        self.fill("input[type=password]", field, text).await
    }

    /// Fills a field that takes a number.
    pub async fn write_number(&self, field: &str, number: u64) -> Result<()> {
        self.fill(NUMBER_FIELD, field, &number.to_string()).await
    }

    /// Presses a box that can be ticked.
    pub async fn tick(&self, name: &str) -> Result<()> {
        Ok(self.enabled("input[type=checkbox]", name).await?.click().await?)
    }

    /// Chooses what a field offers.
    pub async fn choose(&self, field: &str, value: &str) -> Result<()> {
        Ok(self.enabled("select", field).await?.select_by_value(value).await?)
    }

    /// Waits until the drawing has been put into words.
    async fn told(&self) -> Result<()> {
        let script = "return [...document.querySelectorAll('[id^=drawing-in-words]')].every(e => e.ariaBusy === 'false')";
        eventually("the drawing is put into words", async || {
            Ok((self.browser.client.execute(script, Vec::new()).await? == json!(true)).then_some(()))
        })
        .await
    }

    /// The batches in the drawing, by their names.
    pub async fn batches(&self) -> Result<Vec<String>> {
        self.told().await?;
        let script = "return [...document.querySelectorAll('[id^=batch-]')].map(e => e.ariaLabel)";
        Ok(serde_json::from_value(self.browser.client.execute(script, Vec::new()).await?)?)
    }

    /// The batches of one of several partitions, by their names.
    pub async fn batches_of(&self, partition: u32) -> Result<Vec<String>> {
        self.told().await?;
        let script = "return [...document.querySelectorAll('[role=listbox]')]
            .filter(e => e.ariaLabel === `The batches of partition ${arguments[0]}`)
            .flatMap(e => [...e.children]).map(e => e.ariaLabel)";
        let batches = self.browser.client.execute(script, vec![json!(partition)]).await?;
        Ok(serde_json::from_value(batches)?)
    }

    /// What the marks in the drawing say, and the names of the lanes.
    pub async fn marks(&self) -> Result<Vec<String>> {
        self.told().await?;
        let script = "return [...document.querySelectorAll('[data-mark]')].map(e => e.textContent)";
        Ok(serde_json::from_value(self.browser.client.execute(script, Vec::new()).await?)?)
    }

    /// The actions so far, each with the count of its steps, and which of them is the current one.
    pub async fn actions(&self) -> Result<Vec<(String, bool)>> {
        let script = "return [...document.querySelectorAll('.actions [role=option]')]
            .map(e => [e.querySelector('code').textContent, e.ariaSelected === 'true'])";
        Ok(serde_json::from_value(self.browser.client.execute(script, Vec::new()).await?)?)
    }

    /// What the page says of branches, this one first; nothing if it never forked.
    pub async fn branches(&self) -> Result<Vec<String>> {
        let script = "return [...document.querySelectorAll('.branches li')].map(e => e.innerText)";
        Ok(serde_json::from_value(self.browser.client.execute(script, Vec::new()).await?)?)
    }

    /// Moves a slider to a value, as dragging it does.
    pub async fn slide(&self, name: &str, value: u64) -> Result<()> {
        let slider = self.enabled("input[type=range]", name).await?;
        let script = "const [slider, value] = arguments;
            slider.value = value;
            slider.dispatchEvent(new Event('input', { bubbles: true }))";
        self.browser.client.execute(script, vec![json!(slider), json!(value)]).await?;
        Ok(())
    }

    /// The largest value of a slider.
    pub async fn slider_end(&self, name: &str) -> Result<u64> {
        let slider = self.enabled("input[type=range]", name).await?;
        Ok(slider.prop("max").await?.context("a slider has an end")?.parse()?)
    }

    /// How large the drawing is, be it seen or not, in pixels.
    pub async fn drawing(&self) -> Result<(f64, f64)> {
        let script = "const place = document.querySelector('.extent').getBoundingClientRect();
            return [place.width, place.height]";
        Ok(serde_json::from_value(self.browser.client.execute(script, Vec::new()).await?)?)
    }

    /// How many colours the drawing has, of those that are seen, once it is painted.
    pub async fn colours(&self) -> Result<u64> {
        let script = "const done = arguments[0];
            requestAnimationFrame(() => requestAnimationFrame(() => {
                const sheet = document.querySelector('.extent canvas');
                const { data } = sheet.getContext('2d').getImageData(0, 0, sheet.width, sheet.height);
                const pixels = new Uint32Array(data.buffer);
                done(new Set(pixels.filter((_, at) => at % 7 === 0)).size);
            }))";
        Ok(serde_json::from_value(self.browser.client.execute_async(script, Vec::new()).await?)?)
    }

    /// Runs a scenario on an engine of its own in the page, and returns the hash of the files that it leaves.
    pub async fn fingerprint(&self, scenario: &str) -> Result<String> {
        let script = "const [scenario, done] = arguments;
            import('./logscope_web.js').then(engine => done(engine.fingerprint_of(scenario)), error => done(`${error}`))";
        let hash = self.browser.client.execute_async(script, vec![json!(scenario)]).await?;
        hash.as_str().map(str::to_owned).context("the page gives no hash")
    }

    /// Runs a piece of a script in the console; its value comes back as text, of a bigint too.
    pub async fn console(&self, script: &str) -> Result<String> {
        let script = format!(
            "const done = arguments[0];
            const told = (value) => JSON.stringify(value, (_, inner) =>
                typeof inner === 'bigint' ? `${{inner}}n` : inner instanceof Uint8Array ? [...inner] : inner);
            (async () => {{ {script} }})().then((value) => done(told(value) ?? ''), (error) => done(`${{error}}`))"
        );
        let answer = self.browser.client.execute_async(&script, Vec::new()).await?;
        answer.as_str().map(str::to_owned).context("the console gives no answer")
    }

    /// Types a command and runs it with Enter.
    pub async fn run(&self, command: &str) -> Result<()> {
        self.fill(TEXT_BOX, "Command", &format!("{command}{}", char::from(Key::Enter))).await
    }

    /// What stands in the command line now.
    pub async fn command(&self) -> Result<String> {
        let command = self.enabled(TEXT_BOX, "Command").await?;
        Ok(command.prop("value").await?.unwrap_or_default())
    }

    pub async fn press(&self, button: &str) -> Result<()> {
        eventually(&format!("the button `{button}` is pressed"), async || {
            self.enabled(BUTTON, button).await?.click().await?;
            Ok(Some(()))
        })
        .await
    }

    /// Whether there is such a button and it can be pressed, now.
    pub async fn can_press(&self, button: &str) -> Result<bool> {
        match self.named(BUTTON, button).await? {
            Some(button) => Ok(button.is_enabled().await?),
            None => Ok(false),
        }
    }

    /// Steps forward until there is no further step, for the page may stand at the first of many.
    pub async fn to_the_end(&self) -> Result<()> {
        eventually("there is no step further on", async || match self.named(BUTTON, "Forward").await? {
            Some(forward) if forward.is_enabled().await? => {
                forward.click().await.map(|()| None).map_err(Into::into)
            }
            _ => Ok(Some(())),
        })
        .await
    }

    /// The sentence of the current step, from the one status region of the page.
    pub async fn sentence(&self) -> Result<String> {
        let regions = self.browser.client.find_all(Locator::Css(STATUS)).await?;
        let [region] = regions.as_slice() else { bail!("the page has {} status regions", regions.len()) };
        Ok(region.text().await?)
    }

    /// The body of a table, cell by cell; nothing if there is no such table.
    pub async fn table(&self, name: &str) -> Result<Vec<Vec<String>>> {
        let Some(table) = self.named(TABLE, name).await? else { return Ok(Vec::new()) };
        let script = "const text = cell => cell.innerText.trim();
            return [...arguments[0].tBodies].flatMap(body => [...body.rows]).map(row => [...row.cells].map(text))";
        let rows = self.browser.client.execute(script, vec![json!(table)]).await?;
        Ok(serde_json::from_value(rows)?)
    }

    /// What the page says is wrong with the command: in an alert, or where an invalid field points to.
    pub async fn complaint(&self) -> Result<Option<String>> {
        let field = self.enabled(TEXT_BOX, "Command").await?;
        let script = r#"const field = arguments[0];
            const names = field.ariaInvalid !== 'true' ? [] : ['aria-errormessage', 'aria-describedby'];
            const ids = names.flatMap(name => (field.getAttribute(name) ?? '').split(/\s+/)).filter(id => id);
            const places = [...document.querySelectorAll('[role=alert]'), ...ids.map(id => document.getElementById(id))];
            return places.map(place => place?.innerText.trim()).find(text => text) ?? null"#;
        let text = self.browser.client.execute(script, vec![json!(field)]).await?;
        Ok(text.as_str().map(str::to_owned))
    }

    /// What a field holds.
    pub async fn value(&self, field: &str) -> Result<String> {
        Ok(self.enabled(FIELD, field).await?.prop("value").await?.unwrap_or_default())
    }

    /// Gives files to a field that takes some.
    pub async fn give_files(&self, field: &str, files: &[PathBuf]) -> Result<()> {
        let paths: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
        Ok(self.enabled("input[type=file]", field).await?.send_keys(&paths.join("\n")).await?)
    }

    /// Presses what makes the browser save a file, and returns its bytes.
    pub async fn saved(&self, button: &str, file: &str) -> Result<Vec<u8>> {
        let folder = tempfile::tempdir()?;
        let parameters = json!({ "behavior": "allow", "downloadPath": folder.path() });
        self.browser.devtools("Browser.setDownloadBehavior", parameters).await?;
        self.press(button).await?;
        let path = folder.path().join(file);
        eventually(&format!("{file} is saved"), async || {
            Ok(fs::read(&path).ok().filter(|bytes| !bytes.is_empty()))
        })
        .await
    }

    /// Opens a file's bytes, saves it, and returns what was saved.
    pub async fn saved_open(&self, file: &str) -> Result<Vec<u8>> {
        self.press(file).await?;
        self.saved(&format!("Save {file}"), file).await
    }

    /// What alerts say, one after the other.
    pub async fn alerts(&self) -> Result<String> {
        let script = "return [...document.querySelectorAll('[role=alert]')]
            .filter((e) => e.checkVisibility()).map((e) => e.innerText).join('\\n')";
        Ok(serde_json::from_value(self.browser.client.execute(script, Vec::new()).await?)?)
    }

    /// The texts of an open dialog; nothing if none is open.
    pub async fn dialog(&self) -> Result<String> {
        let script =
            "return [...document.querySelectorAll('dialog[open]')].map((e) => e.innerText).join('\\n')";
        Ok(serde_json::from_value(self.browser.client.execute(script, Vec::new()).await?)?)
    }

    /// A region's text, by its name; empty if there is none.
    pub async fn region(&self, name: &str) -> Result<String> {
        let script = "const named = [...document.querySelectorAll('section, details')]
            .find((e) => e.ariaLabel === arguments[0]);
            return named?.innerText ?? ''";
        Ok(serde_json::from_value(self.browser.client.execute(script, vec![name.into()]).await?)?)
    }

    /// The page's headings that are seen.
    pub async fn headings(&self) -> Result<Vec<String>> {
        let script = "return [...document.querySelectorAll('h1, h2, h3')]
            .filter((e) => e.checkVisibility()).map((e) => e.innerText)";
        Ok(serde_json::from_value(self.browser.client.execute(script, Vec::new()).await?)?)
    }

    /// The size of the page itself, in CSS pixels. A headless window would not get as narrow as a phone.
    pub async fn size(&self, width: u32, height: u32) -> Result<()> {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.browser.devtools("Emulation.setDeviceMetricsOverride", metrics).await?;
        Ok(())
    }

    pub async fn prefer(&self, scheme: Scheme) -> Result<()> {
        let value = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.browser.devtools("Emulation.setEmulatedMedia", features).await?;
        Ok(())
    }

    /// What the page says if it cannot go on; empty while it can.
    pub async fn failure(&self) -> Result<String> {
        let script = "const shown = [...document.querySelectorAll('[role=alertdialog]')];
            return shown.filter((e) => e.checkVisibility()).map((e) => e.innerText).join()";
        Ok(serde_json::from_value(self.browser.client.execute(script, Vec::new()).await?)?)
    }

    /// How many things to press have `part` in their name, whatever the case: what a loose search finds.
    pub async fn buttons_with(&self, part: &str) -> Result<u64> {
        let script = "const name = (e) => (e.getAttribute('aria-label') ?? e.textContent).toLowerCase();
            return [...document.querySelectorAll('button, summary, [role=button]')]
                .filter((e) => e.checkVisibility() && name(e).includes(arguments[0].toLowerCase())).length";
        Ok(serde_json::from_value(self.browser.client.execute(script, vec![part.into()]).await?)?)
    }

    /// How wide the content is, and how wide the page.
    pub async fn widths(&self) -> Result<(u64, u64)> {
        let script = "return [document.documentElement.scrollWidth, window.innerWidth]";
        Ok(serde_json::from_value(self.browser.client.execute(script, Vec::new()).await?)?)
    }

    /// Saves what is seen as `NAME.png`, once it is drawn.
    pub async fn screenshot(&self, name: &str) -> Result<()> {
        let two_frames = "const done = arguments[0];
            requestAnimationFrame(() => requestAnimationFrame(() => done(null)))";
        self.browser.client.execute_async(two_frames, Vec::new()).await?;
        let png = self.browser.client.screenshot().await?;
        ensure!(png.starts_with(b"\x89PNG"), "a screenshot is a PNG");
        fs::create_dir_all(&self.screenshots)?;
        Ok(fs::write(self.screenshots.join(format!("{name}.png")), png)?)
    }

    /// Takes note of what the console has about requests that were to fail; anything else there is an error.
    pub async fn expect_failures(&self, parts: &[&str]) -> Result<()> {
        let mut errors = self.console_errors().await?;
        errors.retain(|error| !parts.iter().any(|part| error.contains(part)));
        ensure!(errors.is_empty(), "the console has errors: {errors:#?}");
        Ok(())
    }

    pub(crate) async fn console_errors(&self) -> Result<Vec<String>> {
        self.browser.console_errors().await
    }

    /// Moves the pointer to what a selector finds.
    pub async fn point_at(&self, selector: &str) -> Result<()> {
        let element = self.browser.client.wait().for_element(Locator::Css(selector)).await?;
        let scroll = "arguments[0].scrollIntoView({ block: 'nearest' })";
        self.browser.client.execute(scroll, vec![json!(element)]).await?;
        let to = PointerAction::MoveToElement { element, duration: None, x: 0., y: 0. };
        Ok(self.browser.client.perform_actions(MouseActions::new("mouse".to_owned()).then(to)).await?)
    }

    /// Puts two fingers on what a selector finds, beside its middle, and parts them from so many pixels to so many.
    pub async fn pinch(&self, selector: &str, from: f64, to: f64) -> Result<()> {
        let script =
            "const { x, y, width, height } = document.querySelector(arguments[0]).getBoundingClientRect();
            return [x + width / 2, y + height / 2]";
        let middle = self.browser.client.execute(script, vec![json!(selector)]).await?;
        let (x, y): (f64, f64) = serde_json::from_value(middle)?;
        let fingers = |apart: f64| json!([{ "x": x - apart / 2.0, "y": y, "id": 0 }, { "x": x + apart / 2.0, "y": y, "id": 1 }]);
        for (kind, points) in
            [("touchStart", fingers(from)), ("touchMove", fingers(to)), ("touchEnd", json!([]))]
        {
            let parameters = json!({ "type": kind, "touchPoints": points });
            self.browser.devtools("Input.dispatchTouchEvent", parameters).await?;
        }
        Ok(())
    }

    /// Which bytes of those that are open have this class, by their positions.
    pub async fn bytes_that_are(&self, class: &str) -> Result<Vec<u64>> {
        let script =
            "return [...document.querySelectorAll('.bytes .' + arguments[0])].map(e => +e.id.slice(5))";
        Ok(serde_json::from_value(self.browser.client.execute(script, vec![json!(class)]).await?)?)
    }

    /// The names of the fields that are lit, and what is said of them.
    pub async fn lit(&self) -> Result<(Vec<String>, String)> {
        let script =
            "return [[...document.querySelectorAll('.taken-apart .lit .field')].map(e => e.innerText.trim()),
            document.querySelector('.about').innerText]";
        Ok(serde_json::from_value(self.browser.client.execute(script, Vec::new()).await?)?)
    }

    /// What the checksums of the open bytes say.
    pub async fn verdict(&self) -> Result<String> {
        let script = "return document.querySelector('.detail > .crc')?.innerText ?? ''";
        Ok(serde_json::from_value(self.browser.client.execute(script, Vec::new()).await?)?)
    }

    /// What is in the clipboard.
    pub async fn clipboard(&self) -> Result<String> {
        let parameters = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        self.browser.devtools("Browser.grantPermissions", parameters).await?;
        let script = "navigator.clipboard.readText().then(arguments[0])";
        let text = self.browser.client.execute_async(script, Vec::new()).await?;
        text.as_str().map(str::to_owned).context("there is no text in the clipboard")
    }

    /// Replaces what a field holds, as a visitor does: click, select all, type.
    async fn fill(&self, role: &str, name: &str, text: &str) -> Result<()> {
        let field = self.enabled(role, name).await?;
        field.click().await?;
        field.send_keys(&(Key::Control + "a")).await?;
        // An empty text deletes the selection; else the text replaces it.
        let keys = if text.is_empty() { Key::Backspace.to_string() } else { text.to_owned() };
        field.send_keys(&keys).await?;
        Ok(())
    }

    /// Waits until there is such a thing and it can be used.
    async fn enabled(&self, role: &str, name: &str) -> Result<Element> {
        eventually(&format!("there is an enabled `{name}`"), async || {
            let Some(element) = self.named(role, name).await? else { return Ok(None) };
            Ok(element.is_enabled().await?.then_some(element))
        })
        .await
    }

    /// The thing of this role and accessible name that is seen, now.
    async fn named(&self, role: &str, name: &str) -> Result<Option<Element>> {
        for element in self.browser.client.find_all(Locator::Css(role)).await? {
            if self.browser.accessible_name(&element).await? == name && element.is_displayed().await? {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }
}
