//! How many items go together: few at first, more as long as all goes well, fewer when a set had to be divided. Pure.

/// The first set: what is wrong with a playbook shows in a few items.
const FIRST: usize = 32;
/// What a set costs beside its items is little by then, each item that goes together waits for all of them, and all are held in memory.
pub const MOST: usize = 200;
/// Smaller sets save nothing.
const LEAST: usize = 8;

/// How many items the next set has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    next: usize,
    bound: usize,
}

impl Default for Size {
    fn default() -> Size {
        Size::up_to(MOST)
    }
}

impl Size {
    /// No set has more than so many.
    pub fn up_to(bound: usize) -> Size {
        Size { next: FIRST.min(bound), bound }
    }

    /// So many at most.
    pub fn most(self) -> usize {
        self.next
    }

    /// A set is over; `divided`: how often it had to be.
    pub fn after(self, divided: u32) -> Size {
        let next = if divided == 0 { self.next.saturating_mul(2) } else { self.next / 2 };
        Size { next: next.clamp(LEAST, self.bound), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_while_all_goes_well_and_shrinks_within_bounds() {
        let mut size = Size::default();
        let seen: Vec<usize> = (0..6).map(|_| (size.most(), size = size.after(0)).0).collect();
        assert_eq!(seen, [32, 64, 128, 200, 200, 200]);
        let seen: Vec<usize> = (0..8).map(|_| (size.most(), size = size.after(1)).0).collect();
        assert_eq!(seen, [200, 100, 50, 25, 12, 8, 8, 8]);
    }
}
