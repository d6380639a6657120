//! The server runs code, so it lets in nobody but the person who started it.
//!
//! It listens on loopback only; but every page in that person's browser, and every user of the machine, can reach that.
//! So: the `Host` has to be a loopback name (against DNS rebinding); everything but reading the book needs a
//! cookie, which only the address that we printed gives; and what changes something has to come from our own pages.

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use std::{fmt::Write, sync::Arc};

/// The longest path of a request, in bytes; a file's name may have 255 on most systems.
const LONGEST_PATH: usize = 250;

/// What a request has to know and to be.
#[derive(Debug, Clone)]
pub struct Auth {
    token: Arc<str>,
    port: u16,
}

impl Auth {
    /// A new random token for a server on `port`.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn new(port: u16) -> anyhow::Result<Self> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
        let token: String = random.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}"); // a String takes everything
            hex
        });
        Ok(Self { token: token.into(), port })
    }

    /// The address that opens the book for the person who started the server.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/?token={}", self.port, self.token)
    }

    /// Whether the request carries our cookie.
    pub fn knows(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies.flat_map(|value| value.split(';')).any(|cookie| {
            cookie
                .trim()
                .split_once('=')
                .is_some_and(|(name, value)| name == self.cookie_name() && self.is_token(value))
        })
    }

    /// Cookies are shared among ports, so the name has ours.
    fn cookie_name(&self) -> String {
        format!("workbook-{}", self.port)
    }

    /// Compares hashes: how long that takes tells nothing about the token.
    fn is_token(&self, value: &str) -> bool {
        Sha256::digest(value) == Sha256::digest(&*self.token)
    }

    /// Browsers say where a request comes from; other programs, which say nothing, need the cookie like everybody.
    fn comes_from_our_pages(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
        let host = text("host").unwrap_or_default();
        text("origin").is_none_or(|origin| origin == format!("http://{host}"))
            && text("sec-fetch-site").is_none_or(|site| site == "same-origin")
    }
}

/// A person reads this, who has come by a name that is not this machine's own, and by no page of ours.
const WRONG_HOST: &str = "This server runs programs, so it answers only where it is called 127.0.0.1 or localhost, at any port.\n\
    If it runs on another machine, forward its port to yours (ssh -L 3000:127.0.0.1:3000 …) and open http://127.0.0.1:3000/\n\
    这个服务器会运行程序，所以只有用 127.0.0.1 或 localhost 这两个名字（端口不限）访问时，它才回答。\n\
    如果它在另一台机器上，请把它的端口转发到本机（ssh -L 3000:127.0.0.1:3000 …），再打开 http://127.0.0.1:3000/\n";

/// Whether the `Host` is a loopback name. A page of another site whose name was made to lead here (DNS rebinding) sends that
/// name. The port may be any: whoever forwards ours chooses one, and tells us nothing of it.
fn names_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, "80"),
    };
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|own| name.eq_ignore_ascii_case(own)) && port.parse::<u16>().is_ok()
}

/// Turns away what must not come in, and lets the token's holder in.
pub async fn guard(State(auth): State<Auth>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let path = request.uri().path();
    // `CONNECT` names a host alone; a longer name or one with a NUL is no file's.
    if !path.starts_with('/') || path.len() > LONGEST_PATH || path.contains("%00") {
        return refuse(StatusCode::BAD_REQUEST, "this is no path of the book");
    }
    if !names_loopback(headers) {
        return (StatusCode::MISDIRECTED_REQUEST, WRONG_HOST).into_response();
    }
    if request.uri().path().starts_with("/workbook/") {
        if !auth.knows(headers) {
            return refuse_page(
                StatusCode::FORBIDDEN,
                "no_token",
                "open the address that `cargo workbook` has printed",
            );
        }
        if request.method() != Method::GET && !auth.comes_from_our_pages(headers) {
            return refuse_page(StatusCode::FORBIDDEN, "other_page", "only the workbook's own pages may ask for this");
        }
    }
    if request.uri().path() == "/queues" && token(request.uri()).is_none() && !auth.knows(headers) {
        // Its script would be refused: then the page couldn't say why it is empty.
        return (StatusCode::FORBIDDEN, Html(include_str!("page/stranger.html"))).into_response();
    }
    if let Some(token) = token(request.uri()) {
        if !auth.is_token(token) {
            return refuse(
                StatusCode::FORBIDDEN,
                "this token is an old one: open the address that `cargo workbook` has printed",
            );
        }
        // Away with the token from the address, before anybody copies it.
        let cookie = format!("{}={}; HttpOnly; SameSite=Strict; Path=/", auth.cookie_name(), auth.token);
        let place = format!("/{}", request.uri().path().trim_start_matches('/')); // `//host` would be another server
        return (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, place)]).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    response
}

fn token(uri: &Uri) -> Option<&str> {
    uri.query()?.split('&').find_map(|pair| pair.strip_prefix("token="))
}

/// An answer for somebody who comes by no page of ours: the reason as a sentence.
pub fn refuse(status: StatusCode, why: &str) -> Response {
    (status, Json(serde_json::json!({ "error": why }))).into_response()
}

/// An answer for a page's script, which has the words for the code, and for who comes without a page.
pub fn refuse_page(status: StatusCode, code: &str, why: &str) -> Response {
    (status, Json(serde_json::json!({ "code": code, "error": why }))).into_response()
}

/// The policy for a page: scripts from us, and those that stand in it, by their hashes; WebAssembly, which a script of ours
/// brings along; nothing from elsewhere.
pub fn content_security_policy(html: &str) -> String {
    let mut scripts = String::new();
    for part in html.split("<script>").skip(1) {
        let script = part.split("</script>").next().unwrap_or_default();
        let _ = write!(scripts, " 'sha256-{}'", STANDARD.encode(Sha256::digest(script))); // a String takes everything
    }
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         font-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'self'; \
         frame-ancestors 'self'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_inline_script_is_allowed_by_its_hash() {
        let policy = content_security_policy("<script>a()</script><script src=\"x.js\"></script><script>b()</script>");
        assert_eq!(policy.matches("'sha256-").count(), 2, "{policy}");
        let a = STANDARD.encode(Sha256::digest("a()"));
        assert!(policy.contains(&a), "{policy}");
    }
}
