use crate::{shape, base::shape::Named, table::facts::Facts};
shape! { "a connection" pub struct Connection { ledger: Option<bool>, #[schemars(default)] tables: Named<Facts>, } }
