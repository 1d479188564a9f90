//! trueup
pub mod action;
pub mod base;
pub mod connection;
pub mod effect;
pub mod playbook;
pub mod read;
pub mod table;
pub mod template;
