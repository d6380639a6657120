//! Addresses of brokers, as all programs of the book read them rightly.

use anyhow::{Result, anyhow, ensure};
use lapin::uri::{AMQPScheme, AMQPUri};
use std::net::Ipv6Addr;

/// An address as all programs read it rightly, readers' own versions too: in brackets, `[::1]`, lapin finds no IPv6 host,
/// with its colons encoded it does; and for no host at all it takes `localhost`.
///
/// # Errors
/// Says why it is no address that programs can use.
pub fn readable(addr: &str) -> Result<String> {
    let ipv6 = addr.split(['[', ']']).find(|part| part.parse::<Ipv6Addr>().is_ok());
    let encoded = |ip: &str| addr.replace(&format!("[{ip}]"), &ip.replace(':', "%3A"));
    let addr = ipv6.map_or_else(|| addr.to_owned(), encoded);
    let wrong = "AMQP_ADDR is no address like amqp://127.0.0.1:5672";
    let uri: AMQPUri = addr.parse().map_err(|error| anyhow!("{wrong}: {error}"))?;
    ensure!(uri.authority.host != "localhost" || addr.contains("localhost"), "{wrong}: it names no host");
    ensure!(uri.scheme == AMQPScheme::AMQP, "our programs speak no TLS: AMQP_ADDR has to begin with amqp://");
    Ok(addr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_meant() {
        for (addr, host, port, user) in [
            ("amqp://localhost", "localhost", 5672, "guest"),
            ("AMQP://guest@localhost:5673/shop", "localhost", 5673, "guest"),
            ("amqp://127.0.0.1:5672", "127.0.0.1", 5672, "guest"),
            ("amqp://[::1]", "::1", 5672, "guest"),
            ("amqp://[2001:db8::5]:5673/localhost", "2001:db8::5", 5673, "guest"),
            ("amqp://[::ffff:127.0.0.1]:5672", "::ffff:127.0.0.1", 5672, "guest"),
            ("amqp://localhost:a[b]c@[::1]:5672/%2F?heartbeat=10", "::1", 5672, "localhost"),
            ("amqp://%3A%3A1:5672", "::1", 5672, "guest"),
        ] {
            let uri: AMQPUri = readable(addr).unwrap().parse().unwrap();
            let read = (&*uri.authority.host, uri.authority.port, &*uri.authority.userinfo.username);
            assert_eq!(read, (host, port, user), "{addr}");
        }
    }

    #[test]
    fn an_address_without_a_host_is_refused() {
        for addr in
            ["", "localhost", "::1", "[::1]:5672", "amqp:", "amqp://", "amqp:/192.0.2.1:5672", "amqp:///192.0.2.1"]
        {
            let error = readable(addr).unwrap_err().to_string();
            assert!(error.starts_with("AMQP_ADDR is no address like amqp://127.0.0.1:5672: "), "{addr}: {error}");
        }
        assert!(readable("amqps://localhost").unwrap_err().to_string().contains("no TLS"));
    }
}
