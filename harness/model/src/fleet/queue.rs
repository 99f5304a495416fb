use std::mem;

use kmspec_wire::filetime::FileTime;

/// How much of the future one list holds. The shortest interval between two turns of a machine is 15 minutes.
const WIDTH: u64 = 10 * FileTime::MINUTE;

/// Who acts when: one list for each ten minutes. A machine never acts twice within one, so that a list is complete when
/// its turn has come, and to put a machine into it costs nothing but that.
#[derive(Debug)]
pub(super) struct Queue {
    lists: Vec<Vec<(u64, u32)>>,
    next: usize,
    end: u64,
}

impl Queue {
    /// A queue for what happens before this time.
    pub(super) fn until(end: u64) -> Self {
        let lists = usize::try_from(end.div_ceil(WIDTH)).unwrap_or(0);
        Self {
            lists: vec![Vec::new(); lists],
            next: 0,
            end,
        }
    }

    /// This machine acts at this time; after the end, nobody does.
    pub(super) fn push(&mut self, time: u64, number: u32) {
        let list = usize::try_from(time / WIDTH)
            .unwrap_or(usize::MAX)
            .max(self.next);
        if let Some(list) = self.lists.get_mut(list).filter(|_| time < self.end) {
            list.push((time, number));
        }
    }

    /// Who acts in the next ten minutes, in order.
    pub(super) fn take(&mut self) -> Option<Vec<(u64, u32)>> {
        let mut taken = mem::take(self.lists.get_mut(self.next)?);
        self.next = self.next.saturating_add(1);
        taken.sort_unstable();
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_act_in_the_order_of_time_and_number() {
        let mut queue = Queue::until(FileTime::HOUR);
        for (time, number) in [
            (WIDTH * 2, 1),
            (7, 3),
            (7, 2),
            (WIDTH - 1, 9),
            (FileTime::HOUR, 4),
        ] {
            queue.push(time, number);
        }
        let taken: Vec<_> = std::iter::from_fn(|| queue.take()).flatten().collect();
        assert_eq!(taken, [(7, 2), (7, 3), (WIDTH - 1, 9), (WIDTH * 2, 1)]);
    }
}
