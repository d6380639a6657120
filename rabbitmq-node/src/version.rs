//! Versions of RabbitMQ, and the oldest that this project is tested with.

use std::fmt;

/// The release series of RabbitMQ that this project follows. An older one answers differently, so it is refused.
pub const NEEDED_VERSION: &str = include_str!("../needed-version").trim_ascii(); // make-root reads that file too

/// A version of RabbitMQ; the later one is the greater one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    /// Reads the numbers at the beginning: `4.3.6`, `4.3`, `4.3.0-rc.1`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let mut numbers = text[..end].split('.').map(|number| number.parse().ok());
        let [major, minor] = [numbers.next()??, numbers.next()??];
        let patch = numbers.next().flatten().unwrap_or(0);
        Some(Self { major, minor, patch })
    }

    /// Whether this is [`NEEDED_VERSION`] or newer.
    pub fn is_new_enough(self) -> bool {
        Some(self) >= Self::parse(NEEDED_VERSION)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        let version = |text| Version::parse(text).unwrap();
        assert!(version("4.10.0") > version("4.9.12"));
        assert!(version("4.3.0-rc.1").is_new_enough());
        assert!(version(NEEDED_VERSION).is_new_enough());
        assert!(version("5.0.0").is_new_enough());
        assert!(!version("4.2.9").is_new_enough());
        assert!(!version("3.10.8").is_new_enough());
        assert_eq!(Version::parse("common-4.3.6"), None);
    }

    #[test]
    fn the_container_for_trying_things_out_has_the_version_that_is_tested() {
        let image = format!("image: rabbitmq:{NEEDED_VERSION}-management\n");
        assert!(include_str!("../../compose.yaml").contains(&image), "compose.yaml doesn't have {image}");
    }
}
