//! trueup
pub mod base;
pub mod template;
pub mod mock;
pub mod effect;
pub mod table;
pub mod connection;
pub mod read;
pub mod action;
pub mod playbook;
