//! How far a preview can be trusted, step by step.

/// The one label that every step of a plan carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label {
    /// Apply will do exactly this.
    Exact,
    /// Parts are only known after apply.
    HasUnknowns,
    /// Changes nothing.
    Read,
    /// Could not be tried out, and why.
    NotPreviewable(String),
}

impl Label {
    /// The words that plans print and tests compare.
    pub fn words(&self) -> String {
        match self {
            Label::Exact => "exact".into(),
            Label::HasUnknowns => "has unknowns".into(),
            Label::Read => "read".into(),
            Label::NotPreviewable(why) => format!("not previewable: {why}"),
        }
    }
}
