//! Pictures for outside of the book: the icon, the title card, and a page of the book as the READMEs show it.

use crate::camera::{Camera, Taken};
use anyhow::{Context, Result};
use std::{fs, path::Path};
use workbook::publish;

const CARD: &str = include_str!("card.html");
/// What a link to the project shows in a chat is 1200 by 630 pixels almost everywhere.
const CARD_AREA: &str = "new DOMRect(0, 0, 600, 315)"; // each of these pixels is two by two

/// Draws the icon and the card, builds the book, and takes the pictures: into `dest` as into the project's folder.
pub fn take(root: &Path, dest: &Path) -> Result<Vec<Taken>> {
    let work = tempfile::tempdir()?;
    let book = work.path().join("book");
    publish::build(root, &book)?;
    let read = |file: &str| fs::read_to_string(root.join(file)).with_context(|| format!("can't read {file}"));
    let icon = read("assets/theme/favicon.svg")?;
    let (colours, drawing_style) = (read("assets/workbook.css")?, read("assets/drawing.css")?);
    let page = |name: &str, html: &str| -> Result<String> {
        let file = work.path().join(name);
        fs::write(&file, html)?;
        Ok(format!("file://{}", file.display()))
    };

    let camera = Camera::open(800, 600, 2)?;
    let mut taken = Vec::new();
    camera.transparent()?;
    camera.go(&page(
        "icon.html",
        &format!("<!DOCTYPE html><style>body {{ margin: 0 }} svg {{ width: 32px; display: block }}</style>{icon}"),
    )?)?;
    taken.push(camera.take(
        "document.querySelector('svg').getBoundingClientRect()",
        dest,
        "assets/theme/favicon.png",
    )?);

    let card = CARD.replace("/* style */", &(colours + &drawing_style)).replace("<!-- icon -->", &icon);
    camera.go(&page("card.html", &card)?)?;
    taken.push(camera.take(CARD_AREA, dest, "assets/social.png")?);

    // READMEs are shown narrower than this page is.
    let camera = Camera::open(1280, 1000, 1)?;
    camera.go(&format!("file://{}/en-zh/basic/send.html", book.display()))?;
    camera.run("document.getElementById('channel').scrollIntoView()")?;
    camera.wait_for("document.fonts.status === 'loaded' && document.querySelector('.listing-bar')")?;
    taken.push(camera.take("new DOMRect(0, scrollY, innerWidth, innerHeight)", dest, "assets/screenshot.webp")?);
    Ok(taken)
}
