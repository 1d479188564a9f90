//! A lost answer of a call that writes a resource: who remembers is the resource itself.

use super::{BY_VERSION, read, set::unlike};
use crate::{
    action::{
        deed::Deed,
        resolve::resolve,
        resource::deed::{Resource, Standing},
    },
    base::value::Map,
    effect::change::RowChange,
    engine::{
        drive::{Driver, Halt},
        outline::{Back, Place},
        probe::{BETWEEN, EQUAL, left},
        recover::Found,
        state::StepState,
        tries::Tries,
        trouble::Trouble,
        watch::Tick,
    },
};

impl Driver<'_> {
    /// Reads it again. As wanted: done. As before: not done, once the other side must be through with the request, or at
    /// once where a late one could do no harm. Neither: a person looks.
    pub(in crate::engine) async fn by_state(&mut self, place: &Place, step: &StepState) -> Result<Found, Halt> {
        let Some(change) = step.changes.first().cloned() else {
            return Ok(Found::InDoubt("the journal does not hold its images".into()));
        };
        let resource = self.resource_of(place, &change)?;
        let mut standing = self.looked(place, &resource, &change).await?;
        if standing.0 != Standing::After && step.class.as_deref() != Some(BY_VERSION) {
            let rest = left(step.last_attempt, resource.patience.settle, self.setting.world.now());
            if !rest.is_zero() {
                let why = "it does not show what was written; the other side may still be at work".to_owned();
                (self.watch)(Tick::Again { path: place.path.clone(), why, pause: rest });
                self.setting.world.pause(rest).await;
                standing = self.looked(place, &resource, &change).await?;
            }
            for _ in 1..EQUAL {
                if standing.0 != Standing::Before {
                    break;
                }
                self.setting.world.pause(BETWEEN).await;
                standing = self.looked(place, &resource, &change).await?;
            }
        }
        match standing {
            (Standing::After, _) => self.is_done(place, &resource, &change).await,
            (Standing::Before, _) => Ok(Found::NotDone("reading it again shows that it was not done".into())),
            (Standing::Neither, found) => {
                let (what, _) = unlike(&resource, found.as_ref(), &change);
                Ok(Found::InDoubt(format!("{what}; nor is it as it was before: somebody else may have changed it")))
            }
        }
    }

    /// What was written is there: what is left is to wait until it is in force.
    async fn is_done(&mut self, place: &Place, resource: &Resource, change: &RowChange) -> Result<Found, Halt> {
        match self.came(place, &place.step, resource, change).await {
            Ok(went) => Ok(Found::Done {
                why: "reading it again shows that it was done".into(),
                value: went.value,
                response: went.response,
            }),
            // Somebody asked to pause while it was waited for.
            Err(Halt::Round) => Err(Halt::Elsewhere(self.hindrance()?.unwrap_or("asked to pause").to_owned())),
            Err(Halt::Trouble(trouble)) => Ok(Found::Refused(trouble)),
            Err(other) => Err(other),
        }
    }

    async fn looked(
        &mut self,
        place: &Place,
        resource: &Resource,
        change: &RowChange,
    ) -> Result<(Standing, Option<Map>), Halt> {
        let mut tries = Tries::default();
        loop {
            let trouble = match read(self.setting, &place.step, &place.path, resource, self.watch).await {
                Ok((_, found)) => return Ok((resource.standing(found.as_ref(), change), found)),
                Err(trouble) => trouble,
            };
            let Some(pause) = tries.next().filter(|_| matches!(trouble, Trouble::Call(_))) else {
                return Err(trouble.into());
            };
            (self.watch)(Tick::Again { path: place.path.clone(), why: trouble.message(), pause });
            self.setting.world.pause(pause).await;
        }
    }

    /// The resource of a place: from captured values, and the key from the journal.
    fn resource_of(&self, place: &Place, change: &RowChange) -> Result<Resource, Trouble> {
        let setting = self.setting;
        if let Some(Back::Resource(done)) = &place.back {
            return super::back::resource(setting, &place.step, done, &self.scope);
        }
        let resolved = resolve(&place.step, &self.scope, setting);
        match resolved.map_err(|t| Trouble::of_resolving(t, &setting.source))?.map(|resolved| resolved.deed) {
            Some(Deed::Resource(resource)) => Ok(Resource { key: change.key.clone(), ..*resource }),
            _ => Err(super::super::step::unknown_now(&place.step, None)),
        }
    }
}
