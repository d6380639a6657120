//! A headless Chromium that takes pictures.

use anyhow::{Context, Result, anyhow, bail};
use headless_chrome::{
    Browser, LaunchOptions, Tab,
    protocol::cdp::Page::{CaptureScreenshotFormatOption as Format, Viewport},
};
use std::{
    ffi::OsStr,
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// Longer than anything takes on a very busy machine; only a failure waits so long.
const DEADLINE: Duration = Duration::from_secs(120);
/// What a picture may weigh. People read the book over slow lines too.
pub const MOST_BYTES: usize = 120 * 1024;

/// A browser with one page.
pub struct Camera {
    tab: Arc<Tab>,
    _browser: Browser,
}

/// A picture that was written.
pub struct Taken {
    pub file: PathBuf,
    bytes: usize,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:6.1} KB  {}", self.bytes as f64 / 1024.0, self.file.display())
    }
}

impl Camera {
    /// Opens a browser whose page has this size in CSS pixels, each of them so many pixels wide and high in a picture.
    pub fn open(width: u32, height: u32, density: u32) -> Result<Self> {
        let density = format!("--force-device-scale-factor={density}");
        let flags = [
            &*density,
            "--hide-scrollbars",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
        ];
        let options = LaunchOptions {
            sandbox: false, // it needs rights that containers don't give, and all that is opened here is ours
            window_size: Some((width, height)),
            idle_browser_timeout: DEADLINE,
            args: flags.iter().map(OsStr::new).collect(),
            ..LaunchOptions::default()
        };
        let browser = Browser::new(options).context("Chromium doesn't start: install chromium")?;
        let tab = browser.new_tab()?;
        tab.set_default_timeout(DEADLINE);
        Ok(Self { tab, _browser: browser })
    }

    /// Opens a page and waits until it is loaded.
    pub fn go(&self, url: &str) -> Result<()> {
        self.tab.navigate_to(url)?.wait_until_navigated().with_context(|| format!("can't open {url}"))?;
        Ok(())
    }

    /// Lets a page without a background of its own stay transparent in a PNG.
    #[allow(dead_code)] // the test of the console's pictures needs no such thing
    pub fn transparent(&self) -> Result<()> {
        self.tab.set_transparent_background_color()?;
        Ok(())
    }

    /// Runs a script in the page.
    pub fn run(&self, script: &str) -> Result<()> {
        let result = self.tab.evaluate(&format!("{{ {script}; 'done' }}"), true)?;
        match result.value {
            Some(value) if value == "done" => Ok(()),
            _ => bail!("the page could not run {script}: {:?}", result.description),
        }
    }

    /// Waits until an expression holds in the page.
    pub fn wait_for(&self, expression: &str) -> Result<()> {
        let start = Instant::now();
        loop {
            let found = self.tab.evaluate(&format!("Boolean({expression})"), true);
            if found.is_ok_and(|found| found.value == Some(true.into())) {
                return Ok(());
            }
            if start.elapsed() > DEADLINE {
                let page = self.tab.evaluate("document.body.innerText", false)?.value.unwrap_or_default();
                bail!("waited in vain for {expression} in a page that says:\n{page}");
            }
            thread::park_timeout(Duration::from_millis(50)); // between two looks
        }
    }

    /// Takes a picture of an area, given as an expression that makes a `DOMRect`, and writes it to `dest/file`: WebP or
    /// PNG, as the file is named.
    pub fn take(&self, area: &str, dest: &Path, file: &str) -> Result<Taken> {
        let area = self.tab.evaluate(&format!("JSON.stringify({area})"), false)?;
        let area = area.value.as_ref().and_then(|text| text.as_str()).ok_or_else(|| anyhow!("{file}: no such area"))?;
        let area: serde_json::Value = serde_json::from_str(area)?;
        let side = |name: &str| area[name].as_f64().with_context(|| format!("{file}: the area has no {name}"));
        // Whole pixels, or the edges blur.
        let clip = Viewport {
            x: side("x")?.floor(),
            y: side("y")?.floor(),
            width: side("width")?.ceil(),
            height: side("height")?.ceil(),
            scale: 1.0,
        };
        let (format, quality) = if file.ends_with(".webp") { (Format::Webp, Some(80)) } else { (Format::Png, None) };
        let picture = self.tab.capture_screenshot(format, quality, Some(clip), true)?;
        if picture.len() > MOST_BYTES {
            bail!("{file} has {} bytes, more than the {MOST_BYTES} that a picture may have", picture.len());
        }
        let path = dest.join(file);
        fs::create_dir_all(path.parent().context("a file has a folder")?)?;
        fs::write(&path, &picture).with_context(|| format!("can't write {}", path.display()))?;
        Ok(Taken { file: file.into(), bytes: picture.len() })
    }
}
