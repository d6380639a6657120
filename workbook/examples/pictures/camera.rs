//! A headless Chromium that takes pictures.

#[allow(dead_code)] // a camera has no keyboard
#[path = "../../tests/reader/chromium.rs"]
pub mod chromium;

use anyhow::{Context, Result, bail};
use base64::prelude::{BASE64_STANDARD, Engine};
use chromium::Chromium;
use chromiumoxide::cdp::browser_protocol::{
    dom::Rgba,
    emulation::SetDefaultBackgroundColorOverrideParams,
    page::{CaptureScreenshotFormat as Format, CaptureScreenshotParams, Viewport},
};
use std::{
    fmt, fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Longer than anything takes on a very busy machine; only a failure waits so long.
const DEADLINE: Duration = Duration::from_secs(120);
/// What a picture may weigh. People read the book over slow lines too.
pub const MOST_BYTES: usize = 120 * 1024;

/// A browser with one page.
pub struct Camera {
    browser: Chromium,
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
        let density = format!("force-device-scale-factor={density}");
        Ok(Self { browser: Chromium::open((width, height), &[&density])? })
    }

    /// Opens a page and waits until it is loaded.
    pub fn go(&self, url: &str) -> Result<()> {
        self.browser.go(url)
    }

    /// Lets a page without a background of its own stay transparent in a PNG.
    #[allow(dead_code)] // the test of the console's pictures needs no such thing
    pub fn transparent(&self) -> Result<()> {
        let nothing = Rgba { a: Some(0.0), ..Rgba::new(0, 0, 0) };
        self.browser.ask(SetDefaultBackgroundColorOverrideParams { color: Some(nothing) })?;
        Ok(())
    }

    /// Runs a script in the page.
    pub fn run(&self, script: &str) -> Result<()> {
        self.browser.evaluate(&format!("{{ {script} }}"))?;
        Ok(())
    }

    /// Waits until an expression holds in the page.
    pub fn wait_for(&self, expression: &str) -> Result<()> {
        self.browser.wait_for(expression, DEADLINE)
    }

    /// Takes a picture of an area, given as an expression that makes a `DOMRect`, and writes it to `dest/file`: WebP or
    /// PNG, as the file is named.
    pub fn take(&self, area: &str, dest: &Path, file: &str) -> Result<Taken> {
        let area =
            self.browser.evaluate(&format!("({area}).toJSON()")).with_context(|| format!("{file}: no such area"))?;
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
        let asked = CaptureScreenshotParams {
            format: Some(format),
            quality,
            clip: Some(clip),
            from_surface: Some(true),
            ..CaptureScreenshotParams::default()
        };
        let picture = BASE64_STANDARD.decode(self.browser.ask(asked)?.data)?;
        if picture.len() > MOST_BYTES {
            bail!("{file} has {} bytes, more than the {MOST_BYTES} that a picture may have", picture.len());
        }
        let path = dest.join(file);
        fs::create_dir_all(path.parent().context("a file has a folder")?)?;
        fs::write(&path, &picture).with_context(|| format!("can't write {}", path.display()))?;
        Ok(Taken { file: file.into(), bytes: picture.len() })
    }
}
