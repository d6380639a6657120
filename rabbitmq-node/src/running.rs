//! A broker that runs already: where it is, and which RabbitMQ it says it is.

use crate::{Error, Version};
use std::{
    io::{Error as IoError, Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    time::Duration,
};

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than a broker has to say about itself before the frame size is negotiated.
const LONGEST_START: usize = 1 << 16;

/// The address behind an AMQP URI, and the version that is told there before anyone logs in: `connection.start` has it
/// among the server's properties (AMQP 0-9-1, section 1.4.2.1).
pub(crate) fn look_at(amqp_addr: &str) -> Result<(SocketAddr, Version), Error> {
    let no_answer = |why: &dyn std::fmt::Display| Error::NoAnswer(why.to_string());
    let authority = authority(amqp_addr).ok_or_else(|| no_answer(&"it isn't amqp://HOST:PORT"))?;
    let (addr, start) = start_of(&authority).map_err(|error| no_answer(&error))?;
    match property(&start, "product").as_deref() {
        Some("RabbitMQ") => {}
        product => return Err(no_answer(&format_args!("it is {}", product.unwrap_or("no AMQP broker")))),
    }
    let version = property(&start, "version").and_then(|version| Version::parse(&version));
    Ok((addr, version.ok_or_else(|| no_answer(&"it doesn't tell its version"))?))
}

/// Host and port in an AMQP URI (<https://www.rabbitmq.com/docs/uri-spec>).
fn authority(amqp_addr: &str) -> Option<String> {
    let authority = amqp_addr.strip_prefix("amqp://")?.split(['/', '?']).next()?;
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_user, rest)| rest);
    let has_port = host_and_port.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Some(if has_port { host_and_port.to_owned() } else { format!("{host_and_port}:5672") })
}

/// Connects, and reads the frame that the broker begins with.
fn start_of(authority: &str) -> Result<(SocketAddr, Vec<u8>), IoError> {
    let mut failure = IoError::other("the name has no address");
    for addr in authority.to_socket_addrs()? {
        let mut stream = match TcpStream::connect_timeout(&addr, PATIENCE) {
            Ok(stream) => stream,
            Err(error) => {
                failure = error;
                continue;
            }
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"AMQP\0\0\x09\x01")?;
        let mut header = [0; 7]; // type, channel, size
        stream.read_exact(&mut header)?;
        let size = u32::from_be_bytes([header[3], header[4], header[5], header[6]]) as usize;
        let mut payload = vec![0; size.min(LONGEST_START)];
        stream.read_exact(&mut payload)?;
        return Ok((addr, payload));
    }
    Err(failure)
}

/// A property that is a long string, found by its name: the codec would be a dependency for two words.
fn property(start: &[u8], name: &str) -> Option<String> {
    let key = [&[name.len() as u8], name.as_bytes(), b"S"].concat();
    let at = start.windows(key.len()).position(|window| window == key)? + key.len();
    let (size, rest) = start.get(at..)?.split_first_chunk()?;
    rest.get(..u32::from_be_bytes(*size) as usize).map(|text| String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::TcpListener, thread};

    /// The answer to a broker's look that begins so.
    fn look_at_one_that_sends(bytes: Vec<u8>) -> Result<String, String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("amqp://anna:secret@{}/letters", listener.local_addr().unwrap());
        let broker = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 8]).unwrap();
            stream.write_all(&bytes).unwrap();
        });
        let seen = look_at(&uri);
        broker.join().unwrap();
        seen.map(|(_, version)| version.to_string()).map_err(|error| error.to_string())
    }

    /// A `connection.start` with these properties of the server.
    fn start(properties: &[(&str, &str)]) -> Vec<u8> {
        let mut payload = vec![0, 10, 0, 10, 0, 9, 0, 0, 0, 0];
        for (name, value) in properties {
            payload.push(name.len() as u8);
            payload.extend_from_slice(name.as_bytes());
            payload.push(b'S');
            payload.extend_from_slice(&(value.len() as u32).to_be_bytes());
            payload.extend_from_slice(value.as_bytes());
        }
        let mut frame = vec![1, 0, 0];
        frame.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        frame.extend_from_slice(&payload);
        frame.push(0xce);
        frame
    }

    #[test]
    fn a_running_broker_tells_its_version() {
        let seen = look_at_one_that_sends(start(&[("product", "RabbitMQ"), ("version", "4.3.6")]));
        assert_eq!(seen.unwrap(), "4.3.6");
    }

    #[test]
    fn another_broker_is_not_taken_for_rabbitmq() {
        let seen = look_at_one_that_sends(start(&[("product", "Post Office"), ("version", "0.1.0")]));
        assert_eq!(seen.unwrap_err(), "no RabbitMQ answers there: it is Post Office");
        look_at_one_that_sends(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).unwrap_err();
        look_at_one_that_sends(Vec::new()).unwrap_err();
    }

    #[test]
    fn an_address_has_a_port_or_the_usual_one() {
        let hosts = ["amqp://rabbit", "amqp://a:b@rabbit:5673/%2f?heartbeat=5", "amqp://[::1]", "amqp://[::1]:5673"];
        let found = hosts.map(|uri| authority(uri).unwrap());
        assert_eq!(found, ["rabbit:5672", "rabbit:5673", "[::1]:5672", "[::1]:5673"]);
        assert_eq!(authority("amqps://rabbit"), None);
    }
}
