use crate::seed::Seed;

/// Association groups: which exist, and how many connections each has. Source: C706 12.6.3.1; MS-RPCE 3.3.1.5.6.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: Vec<Group>,
    last: u32,
}

#[derive(Debug)]
struct Group {
    id: u32,
    members: usize,
}

impl Groups {
    /// Groups whose ids start somewhere, as those of a host that has run for a while.
    pub(crate) fn new(seed: &mut Seed) -> Self {
        Self {
            groups: Vec::new(),
            last: seed.u32() >> 8,
        }
    }

    /// Joins the group, or makes a new one for 0. `None` if there is no such group.
    pub(crate) fn join(&mut self, id: u32) -> Option<u32> {
        if id == 0 {
            return Some(self.create());
        }
        let group = self.groups.iter_mut().find(|group| group.id == id)?;
        group.members = group.members.saturating_add(1);
        Some(id)
    }

    /// Whether there is such a group.
    pub(crate) fn has(&self, id: u32) -> bool {
        self.groups.iter().any(|group| group.id == id)
    }

    /// Whether there is none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// A connection of the group has ended; the group ends with its last.
    pub(crate) fn leave(&mut self, id: u32) {
        if let Some(group) = self.groups.iter_mut().find(|group| group.id == id) {
            group.members = group.members.saturating_sub(1);
        }
        self.groups.retain(|group| group.members > 0);
    }

    fn create(&mut self) -> u32 {
        loop {
            self.last = self.last.wrapping_add(1);
            let id = self.last;
            if id != 0 && self.groups.iter().all(|group| group.id != id) {
                self.groups.push(Group { id, members: 1 });
                return id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_lives_as_long_as_its_last_connection() {
        let mut groups = Groups::new(&mut Seed::new(0));
        let one = groups.join(0).unwrap();
        let two = groups.join(0).unwrap();
        assert_ne!(one, two);
        assert_eq!(groups.join(one), Some(one));
        groups.leave(one);
        assert_eq!(groups.join(one), Some(one));
        groups.leave(one);
        groups.leave(one);
        assert_eq!(groups.join(one), None);
        assert_eq!(groups.join(two), Some(two));
    }

    #[test]
    fn no_group_is_ever_called_zero() {
        let mut groups = Groups {
            groups: Vec::new(),
            last: u32::MAX,
        };
        assert_eq!(groups.join(0), Some(1));
    }
}
