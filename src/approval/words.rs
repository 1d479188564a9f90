//! Approvals in words: what is needed, what is missing, whom to ask.

use super::{Demand, Missing, same_person};

impl Demand {
    /// `2 approvals: high risk`, `1 approval by leads (ben, cleo): it changes register.trainees`
    pub fn words(&self) -> String {
        format!("{}: {}", self.number(), self.because)
    }

    /// `2 approvals by leads (ben, cleo)`
    fn number(&self) -> String {
        let by = if self.by.is_empty() { String::new() } else { format!(" by {}", self.who()) };
        format!("{} approval{}{by}", self.need, if self.need == 1 { "" } else { "s" })
    }

    /// Who counts: `leads (ben, cleo)`, or `somebody else than whoever asks`.
    pub fn who(&self) -> String {
        let group = |group: &super::Group| format!("{} ({})", group.name, group.people.join(", "));
        match self.by.as_slice() {
            [] => "somebody else than whoever asks".into(),
            groups => groups.iter().map(group).collect::<Vec<_>>().join(" or "),
        }
    }
}

impl Missing<'_> {
    /// `2 approvals: high risk (1 so far: ben)`
    pub fn words(&self) -> String {
        let has = match self.has.as_slice() {
            [] => "none so far".to_owned(),
            has => format!("{} so far: {}", has.len(), has.join(", ")),
        };
        format!("{} ({has})", self.demand.words())
    }

    /// How many people are missing.
    fn more(&self) -> usize {
        (self.demand.need as usize).saturating_sub(self.has.len())
    }

    /// Whom to ask: `ben or cleo`, `2 people other than anna`.
    pub fn whom(&self, requester: &str) -> String {
        let more = self.more();
        if self.demand.by.is_empty() {
            let others: Vec<&str> = std::iter::once(requester).chain(self.has.iter().map(String::as_str)).collect();
            let who = if more == 1 { "somebody".to_owned() } else { format!("{more} people") };
            return format!("{who} other than {}", listed(&others, "and"));
        }
        let mut people: Vec<&str> = Vec::new();
        for person in self.demand.by.iter().flat_map(|group| &group.people) {
            let asked = same_person(person, requester) || self.has.iter().any(|has| same_person(has, person));
            if !asked && !people.iter().any(|known| same_person(known, person)) {
                people.push(person);
            }
        }
        match people.len() {
            // Only the project file can help: nobody is left who may.
            n if n < more => format!("whoever looks after the project file to name more people: {}", self.demand.who()),
            _ if more == 1 => listed(&people, "or"),
            n if n == more => listed(&people, "and"),
            _ => format!("{more} of {}", listed(&people, "and")),
        }
    }
}

/// Whom to ask for all that is missing. Whoever is asked for a group counts for everybody's number too.
pub fn whom(missing: &[Missing<'_>], requester: &str) -> String {
    let of_groups = missing.iter().filter(|one| !one.demand.by.is_empty()).map(Missing::more).max().unwrap_or(0);
    let of_all = missing.iter().filter(|one| one.demand.by.is_empty()).map(Missing::more).max().unwrap_or(0);
    let mut open: Vec<&Missing<'_>> = missing.iter().filter(|one| !one.demand.by.is_empty()).collect();
    if of_groups == 0 {
        open.extend(missing.iter().find(|one| one.more() == of_all));
    }
    let mut whom: Vec<String> = Vec::new();
    for words in open.into_iter().map(|one| one.whom(requester)) {
        if !whom.contains(&words) {
            whom.push(words);
        }
    }
    match of_all.saturating_sub(of_groups) {
        _ if of_groups == 0 => {}
        0 => {}
        1 => whom.push("one more person".into()),
        more => whom.push(format!("{more} more people")),
    }
    whom.join(", and ")
}

/// `a`, `a or b`, `a, b or c`
fn listed(words: &[&str], between: &str) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} {between} {last}", first.join(", ")),
    }
}
