//! trueup
pub mod base;
pub mod template;
pub mod effect;
pub mod table;
pub mod connection;
pub mod read;
pub mod action;
pub mod playbook;
pub mod check;
pub mod plan;
pub mod report;
