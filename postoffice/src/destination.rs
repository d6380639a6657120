//! Where bindings lead, counted by how many of them do.

use std::{collections::BTreeMap, sync::Arc};

/// Where a binding leads: a queue by its number, or another exchange by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Destination {
    Queue(u64),
    Exchange(Arc<str>),
}

/// Destinations, each with the number of bindings that lead there.
#[derive(Debug, Default)]
pub(crate) struct Targets(BTreeMap<Destination, usize>);

impl Targets {
    pub(crate) fn add(&mut self, destination: &Destination) {
        *self.0.entry(destination.clone()).or_default() += 1;
    }

    pub(crate) fn remove(&mut self, destination: &Destination) {
        if let Some(count) = self.0.get_mut(destination) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(destination);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one that chance falls on.
    pub(crate) fn any(&self, chance: u64) -> Option<&Destination> {
        let count = (self.0.len() as u64).max(1);
        self.0.keys().nth((chance % count) as usize)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Destination> {
        self.0.keys()
    }
}
