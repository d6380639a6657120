//! The sorting of a topic exchange: patterns of words with `*` (one word) and `#` (any number of words) in a tree.
//!
//! A lookup walks the tree with the key's words and carries the set of places where it could be, each once: no pattern can
//! make it try the same thing twice. A word costs what the places cost at which the walk is, at most the nodes of the tree.
//! So that a place leads to few others, a run of wildcards is kept in one form, its stars before its hash: `#.*.#` matches what
//! `*.#` does. See <https://www.rabbitmq.com/tutorials/tutorial-five-python>.

use crate::destination::{Destination, Targets};
use std::collections::HashMap;

/// A tree of patterns; the root is node 0.
#[derive(Debug)]
pub(crate) struct Topics {
    nodes: Vec<Node>,
    /// Nodes that no pattern uses any more, to be used again.
    free: Vec<usize>,
}

#[derive(Debug, Default)]
struct Node {
    words: HashMap<Box<str>, usize>,
    star: Option<usize>,
    hash: Option<usize>,
    /// Whether the node was reached by `#`: then any further word leads back to it.
    loops: bool,
    targets: Targets,
}

impl Node {
    fn is_unused(&self) -> bool {
        self.words.is_empty() && self.star.is_none() && self.hash.is_none() && self.targets.is_empty()
    }
}

impl Default for Topics {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], free: Vec::new() }
    }
}

impl Topics {
    /// Adds a pattern that leads to a destination.
    pub(crate) fn add(&mut self, pattern: &str, destination: &Destination) {
        let mut at = 0;
        for word in normalized(pattern) {
            at = match self.child(at, word) {
                Some(child) => child,
                None => self.grow(at, word),
            };
        }
        self.nodes[at].targets.add(destination);
    }

    /// Takes a pattern away that was added, and the nodes that only it used.
    pub(crate) fn remove(&mut self, pattern: &str, destination: &Destination) {
        let mut path = vec![(0, "")];
        for word in normalized(pattern) {
            let at = path.last().map_or(0, |(at, _)| *at);
            let Some(child) = self.child(at, word) else { return };
            path.push((child, word));
        }
        let Some(&(last, _)) = path.last() else { return };
        self.nodes[last].targets.remove(destination);
        while let (Some((at, word)), Some(&(parent, _))) = (path.pop(), path.last()) {
            if !self.nodes[at].is_unused() {
                break;
            }
            let parent = &mut self.nodes[parent];
            match word {
                "*" => parent.star = None,
                "#" => parent.hash = None,
                word => drop(parent.words.remove(word)),
            }
            self.nodes[at] = Node::default();
            self.free.push(at);
        }
    }

    /// Calls `found` for each destination whose pattern matches; more than once where several patterns do.
    pub(crate) fn matches(&self, routing_key: &str, mut found: impl FnMut(&Destination)) {
        let places = self.walk(routing_key, |_| ());
        places.iter().for_each(|&at| self.nodes[at].targets.iter().for_each(&mut found));
    }

    /// The places where the walk is after the last word; `visit` is shown those before each.
    fn walk(&self, routing_key: &str, visit: impl Fn(&[usize])) -> Vec<usize> {
        let (mut here, mut next) = (Vec::new(), Vec::new());
        self.enter(0, &mut here);
        for word in words(routing_key) {
            visit(&here);
            for &at in &here {
                let node = &self.nodes[at];
                if node.loops {
                    self.enter(at, &mut next);
                }
                node.words.get(word).into_iter().chain(&node.star).for_each(|&child| self.enter(child, &mut next));
            }
            next.sort_unstable();
            next.dedup();
            std::mem::swap(&mut here, &mut next);
            next.clear();
        }
        here
    }

    /// Notes a place in the tree, and the one that a `#` of no words at all reaches from it: none of those follows another.
    fn enter(&self, at: usize, places: &mut Vec<usize>) {
        places.push(at);
        places.extend(self.nodes[at].hash);
    }

    fn child(&self, at: usize, word: &str) -> Option<usize> {
        let node = &self.nodes[at];
        match word {
            "*" => node.star,
            "#" => node.hash,
            word => node.words.get(word).copied(),
        }
    }

    fn grow(&mut self, at: usize, word: &str) -> usize {
        let child = self.free.pop().unwrap_or_else(|| {
            self.nodes.push(Node::default());
            self.nodes.len() - 1
        });
        self.nodes[child].loops = word == "#";
        let node = &mut self.nodes[at];
        match word {
            "*" => node.star = Some(child),
            "#" => node.hash = Some(child),
            word => drop(node.words.insert(word.into(), child)),
        }
        child
    }
}

/// The words of a pattern in the form in which it is kept.
fn normalized(pattern: &str) -> Vec<&str> {
    let mut kept: Vec<&str> = Vec::new();
    for word in words(pattern) {
        match (kept.last(), word) {
            (Some(&"#"), "#") => {}
            (Some(&"#"), "*") => kept.insert(kept.len() - 1, "*"),
            _ => kept.push(word),
        }
    }
    kept
}

/// The words between the dots; an empty key has none.
pub(crate) fn words(key: &str) -> impl Iterator<Item = &str> {
    key.split('.').filter(move |_| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;

    fn matched(topics: &Topics, key: &str) -> Vec<u64> {
        let mut found = Vec::new();
        topics.matches(key, |destination| match destination {
            Destination::Queue(id) => found.push(*id),
            Destination::Exchange(_) => {}
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    fn tree(patterns: &[String]) -> Topics {
        let mut topics = Topics::default();
        for (id, pattern) in patterns.iter().enumerate() {
            topics.add(pattern, &Destination::Queue(id as u64));
        }
        topics
    }

    /// The rule itself, as the specification words it: slow and plain.
    fn plainly(pattern: &[&str], key: &[&str]) -> bool {
        match (pattern.split_first(), key.split_first()) {
            (None, None) => true,
            (Some((&"#", rest)), None) => plainly(rest, key),
            (Some((&"#", rest)), Some((_, after))) => plainly(rest, key) || plainly(pattern, after),
            (Some((&"*", rest)), Some((_, after))) => plainly(rest, after),
            (Some((word, rest)), Some((first, after))) => word == first && plainly(rest, after),
            _ => false,
        }
    }

    #[test]
    fn a_star_is_one_word_and_a_hash_any_number() {
        let topics = tree(&["kern.*".into(), "kern.#".into(), "#".into(), "*.critical".into(), "".into()]);
        assert_eq!(matched(&topics, "kern.critical"), [0, 1, 2, 3]);
        assert_eq!(matched(&topics, "kern"), [1, 2]);
        assert_eq!(matched(&topics, "kern.a.b"), [1, 2]);
        assert_eq!(matched(&topics, ""), [2, 4]);
    }

    #[test]
    fn many_hashes_do_not_multiply_the_work() {
        let pattern = ["#.a"; 60].join(".");
        let topics = tree(&[pattern]);
        assert_eq!(matched(&topics, &["a"; 120].join(".")), [0]);
        assert_eq!(matched(&topics, &["a"; 59].join(".")), [0; 0]);
    }

    #[test]
    fn a_pattern_costs_one_node_for_a_run_of_hashes_and_no_walk_has_more_places_than_the_tree_has_nodes() {
        let topics = tree(&[["#"; 128].join("."), ["#.*"; 64].join(".")]);
        assert_eq!(topics.nodes.len(), 1 + 1 + 65);
        let key = ["a"; 128].join(".");
        assert_eq!(matched(&topics, &key), [0, 1]);
        assert_eq!(matched(&topics, &["a"; 63].join(".")), [0]);
        // All suffixes of one another, so that the walk is at each of them at a time.
        let patterns: Vec<String> = (0..40).map(|hashes| ["#.a"; 40][..hashes + 1].join(".")).collect();
        let topics = tree(&patterns);
        let steps = Cell::new(0);
        topics.walk(&key, |places| steps.set(steps.get() + places.len()));
        assert!(steps.get() <= 129 * topics.nodes.len(), "{} steps", steps.get());
    }

    proptest! {
        #[test]
        fn the_tree_agrees_with_the_rule_and_forgets_what_is_removed(
            patterns in proptest::collection::vec("([ab*#]{1,2}(\\.[ab*#]){0,4})?", 1..12),
            key in "([ab](\\.[ab]){0,5})?",
            removed in any::<proptest::sample::Index>(),
        ) {
            let mut topics = tree(&patterns);
            let split = |text: &'_ str| words(text).map(str::to_owned).collect::<Vec<_>>();
            let expected = |without: Option<usize>| -> Vec<u64> {
                let key = split(&key);
                let key: Vec<&str> = key.iter().map(String::as_str).collect();
                let matching = patterns.iter().enumerate().filter(|(id, pattern)| {
                    let pattern = split(pattern);
                    let pattern: Vec<&str> = pattern.iter().map(String::as_str).collect();
                    Some(*id) != without && plainly(&pattern, &key)
                });
                matching.map(|(id, _)| id as u64).collect()
            };
            prop_assert_eq!(matched(&topics, &key), expected(None));
            let removed = removed.index(patterns.len());
            topics.remove(&patterns[removed], &Destination::Queue(removed as u64));
            prop_assert_eq!(matched(&topics, &key), expected(Some(removed)));
            for (id, pattern) in patterns.iter().enumerate() {
                topics.remove(pattern, &Destination::Queue(id as u64));
            }
            prop_assert!(topics.nodes[0].is_unused());
            prop_assert_eq!(topics.free.len() + 1, topics.nodes.len());
        }
    }
}
