//! A lost answer of a call that writes a resource: who remembers is the resource itself.

use super::{held_to, read, set::unlike};
use crate::{
    action::{
        deed::Deed,
        resolve::resolve,
        resource::deed::{Resource, Standing, etag},
    },
    base::value::Map,
    effect::change::RowChange,
    engine::{
        drive::{Driver, Halt},
        outline::{Back, Place},
        probe::{BETWEEN, EQUAL, Settle},
        recover::Found,
        state::StepState,
        tries::Tries,
        trouble::Trouble,
        watch::Tick,
    },
};
use std::{sync::Arc, time::Duration};

/// Why a person looks although it is as before.
const TAKEN_BACK: &str =
    "it is as before, but under another version than the one that was sent: somebody may have taken the change back";
/// The same, where no other version is seen.
const CHANGED_UNSEEN: &str = "412 says that it was changed since, perhaps by the request whose answer was lost, but reading it shows it as before";

/// How it stands now.
struct Look {
    standing: Standing,
    found: Option<Map>,
    version: Option<Arc<str>>,
}

impl Look {
    /// Whether it is still the version that a request was held to; nothing where one of them is not known.
    fn is_version(&self, sent: Option<&Arc<str>>) -> Option<bool> {
        Some(sent? == self.version.as_ref()?)
    }
}

impl Driver<'_> {
    /// Reads it again. As wanted: done. As before: not done, once the other side must be through with the request; also under the version that the
    /// request was held to, for that a service sends versions does not say that it looks at those that it is sent. As before under another version: a
    /// person looks, because it may have been done and taken back. Neither: a person looks. Where the same request was answered with 412 when it was
    /// sent again, the first one was probably done, and it is waited for until it shows.
    pub(in crate::engine) async fn by_state(
        &mut self,
        place: &Place,
        step: &StepState,
        lost: Option<&Trouble>,
    ) -> Result<Found, Halt> {
        let Some(change) = step.changes.first().cloned() else {
            return Ok(Found::InDoubt("the journal does not hold its images".into()));
        };
        let resource = self.resource_of(place, &change)?;
        let sent = held_to(step.class.as_deref(), step.request.as_ref());
        let mut look = self.looked(place, &resource, &change).await?;
        let settle = resource.patience.settle.map_or_else(|| self.usual(step), Settle::Given);
        let mut rest = settle.left(step.last_attempt, self.setting.world.now());
        let outrun = matches!(lost, Some(Trouble::Call(call)) if call.status == Some(412));
        while outrun && look.standing != Standing::After && !rest.is_zero() {
            let pause = resource.patience.every.max(BETWEEN).min(rest);
            let why = "it does not show what was written; 412 says that it was changed".to_owned();
            (self.watch)(Tick::Again { path: place.path.clone(), why, pause });
            self.sleep(pause).await?;
            rest = rest.saturating_sub(pause);
            look = self.looked(place, &resource, &change).await?;
        }
        if !outrun && look.standing != Standing::After {
            if !rest.is_zero() {
                let why = "it does not show what was written; the other side may still be at work".to_owned();
                (self.watch)(Tick::Again { path: place.path.clone(), why, pause: rest });
                self.sleep(rest).await?;
                look = self.looked(place, &resource, &change).await?;
            }
            for _ in 1..EQUAL {
                if look.standing != Standing::Before {
                    break;
                }
                self.setting.world.pause(BETWEEN).await;
                look = self.looked(place, &resource, &change).await?;
            }
        }
        match look.standing {
            Standing::After => self.is_done(place, &resource, &change).await,
            Standing::Before if look.is_version(sent.as_ref()) == Some(false) => Ok(Found::InDoubt(TAKEN_BACK.into())),
            Standing::Before if outrun => Ok(Found::InDoubt(CHANGED_UNSEEN.into())),
            Standing::Before => Ok(Found::NotDone("reading it again shows that it was not done".into())),
            Standing::Neither => {
                let (what, _) = unlike(&resource, look.found.as_ref(), &change);
                Ok(Found::InDoubt(format!("{what}; nor is it as it was before: somebody else may have changed it")))
            }
        }
    }

    fn usual(&self, step: &StepState) -> Settle {
        let api = step.connection.as_ref().and_then(|api| self.setting.api(api));
        Settle::Usual { call: api.map_or(Duration::ZERO, |api| api.settings().timeouts().1) }
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

    async fn looked(&mut self, place: &Place, resource: &Resource, change: &RowChange) -> Result<Look, Halt> {
        let mut tries = Tries::default();
        loop {
            let trouble = match read(self.setting, &place.step, &place.path, resource, self.watch).await {
                Ok((answer, found)) => {
                    let standing = resource.standing(found.as_ref(), change);
                    return Ok(Look { standing, found, version: etag(&answer) });
                }
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
        if let Some(Back::Resource(left)) = &place.back {
            return super::back::resource(setting, &place.step, &left.change, &self.scope);
        }
        let resolved = resolve(&place.step, &self.scope, setting);
        match resolved.map_err(|t| Trouble::of_resolving(t, &setting.source))?.map(|resolved| resolved.deed) {
            Some(Deed::Resource(resource)) => Ok(Resource { key: change.key.clone(), ..*resource }),
            _ => Err(super::super::step::unknown_now(&place.step, None)),
        }
    }
}
