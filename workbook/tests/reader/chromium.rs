//! A headless Chromium with one page, for code that waits for each answer.

use anyhow::{Context, Result, anyhow, bail};
use chromiumoxide::{
    Browser, BrowserConfig, Command, Page,
    cdp::{
        IntoEventKind,
        browser_protocol::{
            input::{DispatchKeyEventParams, DispatchKeyEventType, InsertTextParams},
            page::NavigateParams,
        },
        js_protocol::runtime::EvaluateParams,
    },
    detection, keys,
    listeners::EventStream,
};
use futures_lite::{StreamExt, future::block_on};
use serde_json::Value;
use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::runtime::{self, Runtime};

/// Longer than any single answer takes on a very busy machine; only a failure waits so long.
const DEADLINE: Duration = Duration::from_secs(120);

/// A browser and its page. It ends with this value.
pub struct Chromium {
    page: Page,
    running: Option<(Browser, Runtime)>,
    _profile: TempDir,
}

/// Where Chromium, or a browser made from it, is installed.
pub fn executable() -> Option<PathBuf> {
    detection::default_executable(Default::default()).ok()
}

impl Chromium {
    /// Opens a browser whose page has this size in CSS pixels.
    pub fn open(size: (u32, u32), flags: &[&str]) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let config = BrowserConfig::builder()
            .chrome_executable(executable().context("Chromium isn't there: install chromium")?)
            .no_sandbox() // it needs rights that containers don't give, and all that is opened here is ours
            .user_data_dir(profile.path())
            .window_size(size.0, size.1)
            .viewport(None)
            .request_timeout(DEADLINE)
            .launch_timeout(DEADLINE)
            .args(["disable-gpu", "disable-component-update"].iter().chain(flags).copied());
        let config = config.build().map_err(|error| anyhow!(error))?;
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let launched = runtime.spawn(Browser::launch(config));
        let (browser, mut handler) = block_on(launched)?.context("Chromium doesn't start")?;
        runtime.spawn(async move { while handler.next().await.is_some() {} });
        let page = block_on(browser.new_page("about:blank"))?;
        Ok(Self { page, running: Some((browser, runtime)), _profile: profile })
    }

    /// Calls a method of the Chrome DevTools Protocol.
    pub fn ask<C: Command>(&self, command: C) -> Result<C::Response> {
        Ok(block_on(self.page.execute(command))?.result)
    }

    /// All events of one kind from now on.
    pub fn events<E: IntoEventKind>(&self) -> Result<EventStream<E>> {
        Ok(block_on(self.page.event_listener())?)
    }

    /// Opens a page and waits until it is loaded.
    pub fn go(&self, url: &str) -> Result<()> {
        if let Some(error) = self.ask(NavigateParams::new(url))?.error_text {
            bail!("can't open {url}: {error}");
        }
        self.wait_for("document.readyState === 'complete'", DEADLINE)
    }

    /// What a script gives in the page, once its promise is kept.
    pub fn evaluate(&self, script: &str) -> Result<Value> {
        let params = EvaluateParams::builder().expression(script).await_promise(true).return_by_value(true).build();
        let answer = self.ask(params.map_err(|error| anyhow!(error))?)?;
        if let Some(exception) = answer.exception_details {
            let what = exception.exception.and_then(|thrown| thrown.description).unwrap_or(exception.text);
            bail!("the page can't run {script}: {what}");
        }
        Ok(answer.result.value.unwrap_or_default())
    }

    /// Waits until an expression holds in the page.
    pub fn wait_for(&self, expression: &str, deadline: Duration) -> Result<()> {
        let start = Instant::now();
        // Between two pages there is nobody to ask.
        while !self.evaluate(&format!("Boolean({expression})")).is_ok_and(|found| found == true) {
            if start.elapsed() > deadline {
                let page = self.evaluate("location.href + '\\n' + document.body.innerText")?;
                bail!("waited in vain for {expression} in {}", page.as_str().unwrap_or_default());
            }
            thread::park_timeout(Duration::from_millis(20)); // between two looks
        }
        Ok(())
    }

    /// Clicks on the first element that matches. A click goes to a place, and the page may scroll at that moment, to what has
    /// just been started, say: as a person does, this looks whether the click has come to where it was meant to, and clicks
    /// again if not.
    pub fn click(&self, selector: &str) -> Result<()> {
        for _ in 0..20 {
            let watch = format!(
                "(async selector => {{
                    const frame = () => new Promise(requestAnimationFrame);
                    const place = () => JSON.stringify(document.querySelector(selector)?.getBoundingClientRect());
                    document.querySelector(selector)?.scrollIntoViewIfNeeded();
                    for (let before = null, frames = 0; before !== place() && frames < 300; frames++) {{
                        before = place();
                        await frame();
                    }}
                    window.clickHasCome = false;
                    document.querySelector(selector)?.addEventListener('click', () => {{ window.clickHasCome = true; }}, {{ capture: true, once: true }});
                }})({selector:?})"
            );
            self.evaluate(&watch)?;
            block_on(async { self.page.find_element(selector).await?.click().await.map(drop) })?;
            if self.evaluate("window.clickHasCome !== false")? == true {
                return Ok(()); // or the click has led to another page
            }
        }
        bail!("no click comes to {selector}")
    }

    /// Presses a key, named as in the DOM: `a`, `Enter`, `ArrowDown`; with what is held down as the protocol counts it.
    pub fn press(&self, key: &str, modifiers: i64) -> Result<()> {
        let known = keys::get_key_definition(key).with_context(|| format!("no key is called {key}"))?;
        let text = known.text.or((known.key.len() == 1).then_some(known.key)).filter(|_| modifiers == 0);
        let mut event = DispatchKeyEventParams::new(match text {
            Some(_) => DispatchKeyEventType::KeyDown,
            None => DispatchKeyEventType::RawKeyDown,
        });
        event.text = text.map(str::to_owned);
        event.key = Some(known.key.to_owned());
        event.code = Some(known.code.to_owned());
        event.windows_virtual_key_code = Some(known.key_code);
        event.modifiers = Some(modifiers);
        self.ask(event.clone())?;
        self.ask(DispatchKeyEventParams { r#type: DispatchKeyEventType::KeyUp, text: None, ..event })?;
        Ok(())
    }

    /// Types a text; what no key has comes as from an input method.
    pub fn type_text(&self, text: &str) -> Result<()> {
        for character in text.split_inclusive(|_| true) {
            match keys::get_key_definition(character) {
                Some(_) => self.press(character, 0)?,
                None => {
                    self.ask(InsertTextParams::new(character))?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let Some((mut browser, runtime)) = self.running.take() else { return };
        let ended = runtime.spawn(async move {
            let closed = async { browser.close().await.is_ok() && browser.wait().await.is_ok() };
            if !tokio::time::timeout(DEADLINE, closed).await.unwrap_or(false) {
                browser.kill().await;
            }
        });
        let _ = block_on(ended);
        runtime.shutdown_background(); // tests with a runtime of their own may not wait for another one's end
    }
}
