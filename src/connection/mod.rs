pub mod reference;
pub mod settings;
