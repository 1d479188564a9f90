//! What the next document of the same kind needs again: records of one kind have the same keys in the same order.

use super::super::value::{Map, Names, Value};
use std::sync::Arc;

/// What the next document of the same kind needs again: its keys, and which of them the objects under each had.
#[derive(Default)]
pub(super) struct Remembered {
    pub(super) keys: Vec<Arc<str>>,
    pub(super) forms: Vec<Forms>,
}

thread_local! {
    pub(super) static REMEMBERED: std::cell::Cell<Remembered> = const { std::cell::Cell::new(Remembered { keys: Vec::new(), forms: Vec::new() }) };
}

/// The forms of the objects under one key.
#[derive(Default)]
pub(super) struct Forms {
    pub(super) all: Vec<Form>,
    /// The one that was seen last.
    pub(super) last: usize,
}

/// Keys that objects have in this order, and the place of each among all that are remembered, from 1. None of them needs an escape.
pub(super) struct Form {
    pub(super) names: Names,
    pub(super) places: Arc<[usize]>,
}

/// So many forms of objects under one key are remembered: steps of a few kinds, say.
const FORMS: usize = 8;

/// So many keys are remembered; looking through more would cost more than it saves.
pub(super) const KEYS: usize = 96;

/// An object that is being read.
pub(super) struct Reading {
    /// As long as its keys are those of a form: the form's place.
    pub(super) like: Option<usize>,
    /// The keys so far, once they are those of none.
    pub(super) names: Names,
    pub(super) places: Vec<usize>,
    /// Every key was remembered before the next one.
    pub(super) rises: bool,
    pub(super) values: Vec<Value>,
}

impl Reading {
    pub(super) fn first<'n>(&'n self, forms: &'n Forms) -> Option<&'n str> {
        self.like.map_or(&self.names, |like| &forms.all[like].names).first().map(|name| &**name)
    }

    pub(super) fn end(self, forms: &mut Forms) -> Map {
        let Reading { like, names, places, values, .. } = self;
        let count = values.len();
        let form = match like {
            None => Form { names, places: places.into() },
            Some(like) => {
                let Form { names, places } = &forms.all[like];
                let same = |form: &Form| form.names.len() == count && form.names[..] == names[..count];
                let at = if names.len() == count { Some(like) } else { forms.all.iter().position(same) };
                if let Some(at) = at {
                    forms.last = at;
                    return Map::of_vec(&forms.all[at].names, values);
                }
                Form { names: Names::of_unlike(names[..count].to_vec()), places: places[..count].into() }
            }
        };
        let map = Map::of_vec(&form.names, values);
        // Whether a remembered key stands in a text is then a comparison of bytes.
        if count <= KEYS && form.names.looks().plain {
            forms.remember(form);
        }
        map
    }
}

impl Forms {
    fn remember(&mut self, form: Form) {
        if self.all.len() < FORMS {
            self.last = self.all.len();
            self.all.push(form);
        } else {
            self.last = (self.last + 1) % FORMS;
            self.all[self.last] = form;
        }
    }
}
