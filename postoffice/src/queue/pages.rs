//! Reading a long queue page by page, so that nobody has to wait for all of it.

use super::{Entry, Queue};
use std::{collections::VecDeque, iter};

/// How many messages are on a page.
const PAGE: usize = 1000;

/// How far somebody has read a queue. Messages may come and go between two pages: what stays is read once, and in all no more
/// is read than there was in the beginning.
#[derive(Debug, Default)]
pub(crate) struct PageReader {
    /// Which of the queue's lists it is at.
    list: usize,
    /// The number of the message that it read last there, and the place where that was.
    last: Option<(u64, usize)>,
    /// How many messages it still reads.
    left: Option<usize>,
}

impl PageReader {
    /// The next messages, the next one first; none at the end.
    pub(crate) fn next_page<'a>(&mut self, queue: &'a Queue) -> Vec<&'a Entry> {
        let left = self.left.unwrap_or(queue.len());
        let wanted = left.min(PAGE);
        let mut page = Vec::new();
        let lists = iter::once((&queue.returned, false)).chain(queue.ready.iter().rev().map(|list| (list, true)));
        for (index, (list, is_sorted)) in lists.enumerate().skip(self.list) {
            let start = match self.last.take() {
                None => 0,
                Some((last, _)) if is_sorted => list.partition_point(|entry| entry.number <= last),
                Some((last, place)) => after(list, last, place),
            };
            let taken = list.iter().skip(start).take(wanted - page.len());
            page.extend(taken);
            self.list = index;
            if page.len() == wanted {
                self.last = page.last().map(|last| (last.number, start + wanted));
                break;
            }
        }
        self.left = Some(left - page.len());
        page
    }
}

/// The place after the message with this number, which was before `place` and may have moved to the front.
fn after(list: &VecDeque<Entry>, last: u64, place: usize) -> usize {
    let before = (0..place.min(list.len())).rev();
    before.filter(|&at| list.get(at).is_some_and(|entry| entry.number == last)).map(|at| at + 1).next().unwrap_or(0)
}
