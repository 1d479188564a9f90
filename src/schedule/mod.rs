//! When something may happen and when it is due: times of day at which a run stands still, cron texts, occurrences, and what
//! a scheduler does with those that are due. Pure; knows no clock of its own.

pub mod cron;
pub mod due;
pub mod window;

#[cfg(test)]
mod tests;
