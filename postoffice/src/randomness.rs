//! Where the broker gets what is not decided by what its clients do: the names that it invents, and the choice among equals.
//!
//! For clients on a network it can't be guessed. Who plays a script twice wants the same twice: then it comes from a seed.

use std::{
    cell::Cell,
    hash::{BuildHasher, RandomState},
};

/// A source of numbers.
#[derive(Debug, Default)]
pub(crate) enum Randomness {
    /// Nobody can guess the next one: the standard library's hasher is keyed at random, which is secret enough for a name.
    #[default]
    Secret,
    /// The same seed gives the same numbers.
    Seeded(Cell<u64>),
}

impl Randomness {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self::Seeded(Cell::new(seed))
    }

    pub(crate) fn next(&self) -> u64 {
        match self {
            Self::Secret => RandomState::new().hash_one(()),
            Self::Seeded(state) => {
                // SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
                state.set(state.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
                let mut number = state.get();
                number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                number ^ (number >> 31)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_again_and_another_one_gives_others() {
        let numbers = |source: Randomness| [source.next(), source.next(), source.next()];
        assert_eq!(numbers(Randomness::seeded(7)), numbers(Randomness::seeded(7)));
        assert_ne!(numbers(Randomness::seeded(7)), numbers(Randomness::seeded(8)));
        assert_ne!(numbers(Randomness::Secret), numbers(Randomness::Secret));
    }
}
