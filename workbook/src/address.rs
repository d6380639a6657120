//! A book that has an address on the web: what its pages tell search engines and those who show links.

use crate::edition::Edition;
use anyhow::{Context, Result};
use std::{fs, path::Path, str::FromStr};

/// The picture for cards, in each edition's folder.
const CARD: &str = "social.png";

/// An address on the web, such as that of the folder with the editions: `https://example.org/rabbitmq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/%[]@".contains(c);
        if rest.trim_start_matches('/').is_empty() || rest.starts_with('/') || !rest.chars().all(is_plain) {
            return Err("an address on the web belongs here, such as https://example.org/rabbitmq".into());
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl Address {
    /// The address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Puts the card's picture into an edition's `folder`.
    ///
    /// # Errors
    /// When it can't be copied.
    pub fn copy_card(root: &Path, folder: &Path) -> Result<()> {
        let picture = root.join("assets").join(CARD);
        fs::copy(&picture, folder.join(CARD)).with_context(|| format!("can't copy {}", picture.display()))?;
        Ok(())
    }

    /// The page `name` of an edition with where it is, where its twins are, and what a card shows (<https://ogp.me>); nothing
    /// for what isn't a page to find, such as the one to print.
    pub fn announced(&self, edition: Edition, name: &str, html: &str) -> Option<String> {
        let title = between(html, "<title>", "</title>")?;
        let description = between(html, "<meta name=\"description\" content=\"", "\">")?;
        if html.contains("<meta name=\"robots\" content=\"noindex\">") {
            return None;
        }
        let place = |edition: Edition| format!("{}/{}/{name}", self.0, edition.folder());
        let mut head = format!("<link rel=\"canonical\" href=\"{}\">\n", place(edition));
        for (language, twin) in [("en", Edition::English), ("zh-CN", Edition::Chinese)] {
            head += &format!("<link rel=\"alternate\" hreflang=\"{language}\" href=\"{}\">\n", place(twin));
        }
        let picture = format!("{}/{}/{CARD}", self.0, edition.folder());
        for (property, content) in [
            ("type", "website"),
            ("title", title),
            ("description", description),
            ("url", &place(edition)),
            ("locale", if edition == Edition::Chinese { "zh_CN" } else { "en_US" }),
            ("image", &picture),
            ("image:width", "1200"),
            ("image:height", "630"),
            ("image:alt", title),
        ] {
            head += &format!("<meta property=\"og:{property}\" content=\"{content}\">\n");
        }
        head += "<meta name=\"twitter:card\" content=\"summary_large_image\">\n";
        Some(html.replacen("</head>", &(head + "</head>"), 1))
    }
}

fn between<'a>(html: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = html.split_once(start)?;
    Some(rest.split_once(end)?.0.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str =
        "<head><title>Sending &amp; more</title><meta name=\"description\" content=\"A letter\"></head>x";

    #[test]
    fn an_address_is_that_of_a_folder_on_the_web() {
        assert_eq!("https://example.org/rabbitmq/".parse(), Ok(Address("https://example.org/rabbitmq".into())));
        for wrong in
            ["", "example.org", "https://", "https:///x", "file:///book", "https://a/\"><script>", "https://a b"]
        {
            assert!(wrong.parse::<Address>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_page_tells_where_it_and_its_twins_are_and_what_a_card_shows() {
        let address: Address = "https://example.org/rabbitmq".parse().unwrap();
        let page = address.announced(Edition::Chinese, "basic/send.html", PAGE).unwrap();
        for part in [
            "<link rel=\"canonical\" href=\"https://example.org/rabbitmq/zh-CN/basic/send.html\">",
            "<link rel=\"alternate\" hreflang=\"en\" href=\"https://example.org/rabbitmq/en/basic/send.html\">",
            "<meta property=\"og:title\" content=\"Sending &amp; more\">",
            "<meta property=\"og:description\" content=\"A letter\">",
            "<meta property=\"og:image\" content=\"https://example.org/rabbitmq/zh-CN/social.png\">",
        ] {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
        assert!(page.ends_with("</head>x"), "{page}");
    }

    #[test]
    fn the_page_to_print_is_not_announced() {
        let address: Address = "https://example.org".parse().unwrap();
        let page = PAGE.replace("<head>", "<head><meta name=\"robots\" content=\"noindex\">");
        assert_eq!(address.announced(Edition::English, "print.html", &page), None);
    }
}
