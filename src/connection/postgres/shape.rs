//! What a statement takes and gives, worked out once for each connection: the driver keeps what it has prepared, and this is kept
//! beside it.

use super::{
    super::{
        fault::{Fault, FaultKind},
        statement::{Prepared, Slot, trusted},
    },
    form::{self, Form},
};
use sqlx::{
    Column, Either, Executor, PgConnection, Statement as _,
    postgres::{PgStatement, PgTypeInfo},
};
use std::{collections::HashMap, sync::Arc};

/// The driver forgets statements beyond a hundred, and what it prepares again may give other columns. More than this are not kept.
const MOST: usize = 64;

/// A connection with what is known of the statements that it has prepared.
pub(super) struct Wire {
    pub(super) plain: PgConnection,
    shapes: HashMap<Box<str>, Arc<Shape>>,
    /// So many that what is known may be out of date.
    full: bool,
    /// A COMMIT would be answered before it is durable, by the settings of the role, the database or the server. Nothing before a
    /// transaction that changes has asked.
    pub(super) hasty: Option<bool>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl From<PgConnection> for Wire {
    fn from(plain: PgConnection) -> Wire {
        Wire { plain, shapes: HashMap::new(), full: false, hasty: None }
    }
}

impl Wire {
    /// What a statement takes and gives.
    pub(super) async fn shape(&mut self, sql: &str) -> Result<Arc<Shape>, sqlx::Error> {
        if let Some(shape) = self.shapes.get(sql) {
            return Ok(shape.clone());
        }
        let shape = Arc::new(Shape::of(&self.plain.prepare(trusted(sql)).await?));
        self.full |= self.shapes.len() >= MOST;
        if self.full {
            self.shapes.clear();
        } else {
            self.shapes.insert(sql.into(), shape.clone());
        }
        Ok(shape)
    }
}

/// What a statement takes and gives.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) parameters: Vec<PgTypeInfo>,
    pub(super) columns: Vec<Arc<str>>,
    infos: Vec<PgTypeInfo>,
    forms: Vec<Form>,
}

impl Shape {
    fn of(statement: &PgStatement) -> Shape {
        let parameters = match statement.parameters() {
            Some(Either::Left(infos)) => infos.to_vec(),
            _ => Vec::new(),
        };
        let columns = statement.columns();
        Shape {
            parameters,
            columns: columns.iter().map(|c| c.name().into()).collect(),
            infos: columns.iter().map(|c| c.type_info().clone()).collect(),
            forms: columns.iter().map(|c| Form::of(c.type_info())).collect(),
        }
    }

    /// How each of its columns travels.
    pub(super) fn forms(&self) -> &[Form] {
        &self.forms
    }

    /// All of its columns can be read without loss.
    pub(super) fn is_readable(&self) -> bool {
        !self.forms.contains(&Form::Exotic)
    }

    /// The forms of the columns, before anything runs; a column that cannot be read is named.
    pub(super) fn readable(&self) -> Result<&[Form], Fault> {
        let Some(at) = self.forms.iter().position(|form| *form == Form::Exotic) else { return Ok(&self.forms) };
        let (name, type_name) = (&self.columns[at], form::name(&self.infos[at]));
        let message = format!("the column `{name}` has the type {type_name}, which trueup cannot read without loss");
        Err(Fault::new(FaultKind::Data, message).advise(format!("select it as text: `{name}::text as {name}`")))
    }

    /// The same in the words of all databases.
    pub(super) fn told(&self) -> Prepared {
        let slot = |name: Arc<str>, info: &PgTypeInfo, form: &Form, read: bool| {
            let unreadable = read && *form == Form::Exotic;
            Slot { name, kind: form.kind(info), type_name: form::name(info), unreadable }
        };
        let parameters = (1..).zip(&self.parameters);
        Prepared {
            parameters: parameters
                .map(|(n, info)| slot(format!("${n}").into(), info, &Form::of(info), false))
                .collect(),
            columns: self
                .columns
                .iter()
                .zip(self.infos.iter().zip(&self.forms))
                .map(|(name, (info, form))| slot(name.clone(), info, form, true))
                .collect(),
        }
    }
}
