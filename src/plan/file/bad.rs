//! Why a file is not a plan that can be used.

use super::MANY_FORMAT;
use crate::{base::seal::SealError, effect::record::BadRecord};
use std::{fmt, io};

/// Why a file is not a plan that can be used. Reads well after `PATH `.
#[derive(Debug)]
pub enum BadPlan {
    /// It cannot be read or written.
    Io(io::Error),
    /// Something else.
    NotAPlan,
    /// Made by a later version.
    Newer {
        /// Its form.
        format: u32,
    },
    /// Not as it was written, and what shows it.
    Damaged {
        /// A fragment.
        what: &'static str,
    },
    /// Whole, but not sealed with the key of this journal.
    OtherSeal,
    /// A sealed part that does not open, or that cannot be sealed.
    Sealed(SealError),
    /// A part is missing or of another form.
    Record(BadRecord),
}

impl BadPlan {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            BadPlan::Io(_) => "look at the path and its rights",
            BadPlan::NotAPlan => "`trueup plan PLAYBOOK … --out FILE` makes one",
            BadPlan::Newer { .. } => {
                "use the version of trueup that made it, or a later one; or plan again with this one"
            }
            BadPlan::Damaged { .. } | BadPlan::Record(_) => {
                "plan again, and hand the file on as it is: every byte counts"
            }
            BadPlan::OtherSeal | BadPlan::Sealed(_) => {
                "use it with the journal and the key that it was made with; or plan again"
            }
        }
    }
}

impl fmt::Display for BadPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadPlan::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                f.write_str("cannot be read: there is no such file")
            }
            BadPlan::Io(error) => write!(f, "cannot be used: {}", error.kind()),
            BadPlan::NotAPlan => f.write_str("is not a saved plan"),
            BadPlan::Newer { format } => {
                write!(f, "is a plan in form {format}; this version of trueup reads up to {MANY_FORMAT}")
            }
            BadPlan::Damaged { what } => write!(f, "is not as it was written: {what}"),
            BadPlan::OtherSeal => {
                f.write_str("is not sealed with the key of this journal: it was changed, or made elsewhere")
            }
            BadPlan::Sealed(why) => write!(f, "cannot be opened: {why}"),
            BadPlan::Record(bad) => write!(f, "is not as it was written: {bad}"),
        }
    }
}

impl std::error::Error for BadPlan {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BadPlan::Io(error) => Some(error),
            BadPlan::Sealed(error) => Some(error),
            _ => None,
        }
    }
}
