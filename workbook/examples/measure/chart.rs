//! A bar chart as a drawing of the book: 340 units wide, its words in both languages.

use std::fmt::Write;

/// A panel of bars below each other's name.
pub struct Panel<'a> {
    /// What the bars show, in English and in Chinese.
    pub title: [&'a str; 2],
    /// The name and the value of each bar.
    pub bars: &'a [(String, f64)],
}

/// Draws panels below each other; `name` and `description` in both languages.
pub fn draw(name: [&str; 2], description: [&str; 2], panels: &[Panel]) -> String {
    const ROW: usize = 24;
    let height: usize = panels.iter().map(|panel| 56 + ROW * panel.bars.len()).sum();
    let mut svg = format!("<svg viewBox=\"0 0 340 {height}\" role=\"img\">\n");
    for (element, words) in [("title", name), ("desc", description)] {
        for (lang, words) in ["en", "zh-CN"].iter().zip(words) {
            let _ = writeln!(svg, "<{element} lang=\"{lang}\">{words}</{element}>");
        }
    }
    let mut y = 0;
    for Panel { title, bars } in panels {
        let most = bars.iter().map(|(_, value)| *value).fold(0.0, f64::max);
        let _ = write!(svg, "<g font-size=\"15\">");
        for (lang, title) in ["en", "zh-CN"].iter().zip(title) {
            let _ = write!(svg, "<text x=\"170\" y=\"{}\" lang=\"{lang}\">{title}</text>", y + 18);
        }
        svg += "</g>\n<g font-size=\"15\" font-family=\"monospace\">\n";
        for (i, (name, value)) in bars.iter().enumerate() {
            let top = y + 48 + ROW * i;
            let width = 190.0 * value / most;
            let _ = writeln!(
                svg,
                "<text x=\"34\" y=\"{0}\">{name}</text><path class=\"bar\" d=\"M70 {top}h{width:.1}v18h-{width:.1}z\"/>\
                 <text x=\"{1:.1}\" y=\"{0}\">{value:.0}</text>",
                top + 14,
                width + 98.0,
            );
        }
        svg += "</g>\n";
        y += 56 + ROW * bars.len();
    }
    svg + "</svg>\n"
}
