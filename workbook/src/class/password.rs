//! Passwords that a teacher can read out and a student can type.

use anyhow::{Result, anyhow};

/// Letters that look like no other, sound like no other, and spell the same in most languages.
const CONSONANTS: &[u8; 16] = b"bdfghjkmnprstvwz";
const VOWELS: &[u8; 4] = b"aeiu";
/// How many syllables make a password: 36 random bits. The post office hears guesses slowly (see `limits`).
const SYLLABLES: usize = 6;

/// A new random password, for instance `bakuti-mesida`.
///
/// # Errors
/// When the system has no random numbers.
pub(super) fn new() -> Result<String> {
    let mut random = [0; SYLLABLES];
    getrandom::fill(&mut random).map_err(|error| anyhow!("no random numbers: {error}"))?;
    let mut password = String::new();
    for (number, byte) in random.into_iter().enumerate() {
        if number == SYLLABLES / 2 {
            password.push('-');
        }
        password.push(CONSONANTS[usize::from(byte & 15)].into());
        password.push(VOWELS[usize::from(byte >> 4 & 3)].into());
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_short_plain_and_never_the_same() {
        let passwords: std::collections::BTreeSet<_> = (0..100).map(|_| new().unwrap()).collect();
        assert_eq!(passwords.len(), 100);
        for password in passwords {
            assert_eq!(password.len(), 13);
            assert!(password.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{password}");
        }
    }
}
