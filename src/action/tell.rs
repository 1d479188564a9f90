//! `tell`: a message to a person; nobody waits.

use crate::{base::shape::Word, shape, template::Text};

shape! {
    /// Tells a person something. Sent once, after what stands before it is durable.
    "tell" pub struct TellSpec {
        /// Who is told: a name under `people`.
        who: Word,
        /// The message.
        message: Text,
        /// Personal values that this person gets to see in the message: `trainee.date_of_birth`. They are hidden everywhere
        /// else.
        #[schemars(default)]
        reveal: Vec<Word>,
    }
}
