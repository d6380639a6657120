//! Whose turn it is: the consumers of one queue, by priority and then in a circle
//! (<https://www.rabbitmq.com/docs/consumers>, <https://www.rabbitmq.com/docs/consumer-priority>).
//!
//! Knows the consumers by number; whether one can take a message is the broker's to say. As in RabbitMQ a consumer that
//! can't leaves the circle, and comes back at its end.

use std::collections::VecDeque;

/// The consumers of a queue.
#[derive(Debug, Default)]
pub(crate) struct Rota {
    /// Those that may be able to take a message, highest priority first.
    ready: Vec<(i64, VecDeque<u64>)>,
    /// Those that could not when it was their turn, in the order in which that happened.
    waiting: Vec<(i64, u64)>,
}

impl Rota {
    pub(crate) fn len(&self) -> usize {
        self.ready.iter().map(|(_, circle)| circle.len()).sum::<usize>() + self.waiting.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a consumer at the end of its priority's circle.
    pub(crate) fn join(&mut self, consumer: u64, priority: i64) {
        let place = self.ready.partition_point(|(known, _)| *known > priority);
        match self.ready.get_mut(place) {
            Some((known, circle)) if *known == priority => circle.push_back(consumer),
            _ => self.ready.insert(place, (priority, VecDeque::from([consumer]))),
        }
    }

    /// Whose turn it is.
    pub(crate) fn next(&self) -> Option<u64> {
        self.ready.iter().find_map(|(_, circle)| circle.front().copied())
    }

    /// The one whose turn it was took a message and goes to the end of the circle.
    pub(crate) fn turn(&mut self) {
        if let Some((_, circle)) = self.ready.iter_mut().find(|(_, circle)| !circle.is_empty()) {
            circle.rotate_left(1);
        }
    }

    /// Takes a consumer out of the circle until [`Rota::resume`].
    pub(crate) fn pause(&mut self, consumer: u64) {
        for (priority, circle) in &mut self.ready {
            if let Some(at) = circle.iter().position(|&known| known == consumer) {
                circle.remove(at);
                self.waiting.push((*priority, consumer));
                return;
            }
        }
    }

    /// Brings back those waiting consumers that can go on. True if there was one.
    pub(crate) fn resume(&mut self, mut can_go_on: impl FnMut(u64) -> bool) -> bool {
        let waiting = std::mem::take(&mut self.waiting);
        let (mut back, still): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(_, consumer)| can_go_on(*consumer));
        self.waiting = still;
        back.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
        back.iter().for_each(|&(priority, consumer)| self.join(consumer, priority));
        !back.is_empty()
    }

    /// Takes a consumer off for good.
    pub(crate) fn leave(&mut self, consumer: u64) {
        self.ready.iter_mut().for_each(|(_, circle)| circle.retain(|&known| known != consumer));
        self.ready.retain(|(_, circle)| !circle.is_empty());
        self.waiting.retain(|&(_, known)| known != consumer);
    }

    /// All of them, in the order of their turns.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> {
        let ready = self.ready.iter().flat_map(|(_, circle)| circle.iter().copied());
        ready.chain(self.waiting.iter().map(|&(_, consumer)| consumer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(rota: &mut Rota, count: usize) -> Vec<u64> {
        let mut taken = Vec::new();
        for _ in 0..count {
            taken.extend(rota.next());
            rota.turn();
        }
        taken
    }

    #[test]
    fn equals_take_turns_and_a_higher_priority_goes_first() {
        let mut rota = Rota::default();
        [(1, 0), (2, 0), (3, 5)].iter().for_each(|&(consumer, priority)| rota.join(consumer, priority));
        assert_eq!(turns(&mut rota, 2), [3, 3]);
        rota.pause(3);
        assert_eq!(turns(&mut rota, 3), [1, 2, 1]);
        assert!(rota.resume(|_| true));
        assert_eq!(turns(&mut rota, 1), [3]);
        assert_eq!(rota.len(), 3);
    }

    #[test]
    fn one_that_paused_comes_back_at_the_end() {
        let mut rota = Rota::default();
        [1, 2, 3].iter().for_each(|&consumer| rota.join(consumer, 0));
        rota.pause(1);
        assert!(!rota.resume(|_| false));
        assert!(rota.resume(|_| true));
        assert_eq!(turns(&mut rota, 3), [2, 3, 1]);
        rota.leave(2);
        assert_eq!(turns(&mut rota, 2), [3, 1]);
    }
}
