//! What a step wants done, as data: every expression evaluated, every name translated, nothing carried out yet.
