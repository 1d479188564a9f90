//! Between plan and apply the role lost a right, or the address now leads to a hot standby: refused in words, nothing changed,
//! and the run goes on when that is put right.

use super::*;
use crate::proof::server::Server;
use trueup::engine::state::RunState;

/// As somebody with this address, and otherwise as the desk.
fn at(desk: &Desk, url: &str) -> Surroundings {
    surroundings(desk.shop.folder.path(), &[("SHOP_URL", url), ("CRM_KEY", "key-of-the-crm")])
}

fn url_of(desk: &Desk) -> url::Url {
    let Place::Server(url) = desk.shop.place() else { panic!() };
    url::Url::parse(url.reveal()).unwrap()
}

async fn resumed(here: &Surroundings, state: &RunState) -> Carried {
    let opened = ops::project::open(here, None).unwrap();
    let record = ops::record::open(here, &opened).await.unwrap();
    let runs = record.journal.runs(&Default::default(), 1).await.unwrap();
    let pause = AtomicBool::new(false);
    let carried = ops::resume::resume(here, &record, &opened, runs[0].id, "ben", &|_| {}, &pause).await;
    record.journal.close().await.unwrap();
    assert!(state.closed.is_none(), "{:?}", state.closed);
    carried.unwrap_or_else(|f| panic!("{}", said(&f)))
}

#[test]
fn a_right_that_was_taken_away_after_the_plan_is_told_and_nothing_is_changed() {
    block_on(async {
        let desk = Desk::open(&On::Postgres(postgres())).await;
        desk.playbook(PRICE);
        let role = format!("clerk_{}", &World::real().id().simple().to_string()[20..]);
        let grants = format!(
            "create role {role} login password 'a-password'; grant usage on schema public to {role}; grant select, insert, update, delete on all tables in schema public to {role}; grant usage on all sequences in schema public to {role}"
        );
        desk.shop.sql(&grants).await;
        let mut url = url_of(&desk);
        url.set_username(&role).unwrap();
        url.set_password(Some("a-password")).unwrap();
        let here = at(&desk, url.as_str());
        let before = desk.seen().await;
        // Everything was there when it was planned.
        desk.plan("a.plan").await;
        desk.shop.sql(&format!("revoke update on prices from {role}")).await;
        let failure = match desk.apply_as("a.plan", &here, &as_ben()).await {
            Err(failure) => said(&failure),
            Ok(carried) => {
                let closed = carried.state.closed.clone();
                assert_ne!(closed.as_ref().map(|c| c.end), Some(End::Changed));
                let messages = carried.state.items.values().flat_map(|i| i.steps.values());
                messages.filter_map(|s| s.outcome.as_ref()?.message.clone()).collect::<Vec<_>>().join(" ")
            }
        };
        let granted = format!("`grant select, update on prices to {role}`");
        assert!(failure.contains("permission denied for table prices") && failure.contains(&granted), "{failure}");
        assert_eq!(desk.seen().await, before, "a refused change left something behind");
        desk.shop.sql(&format!("drop owned by {role}; drop role {role}")).await;
        desk.close().await;
    });
}

#[test]
fn a_schema_that_the_role_may_not_use_is_named_and_no_table_is_called_changed() {
    block_on(async {
        let desk = Desk::open(&On::Postgres(postgres())).await;
        desk.playbook(PRICE);
        let role = format!("clerk_{}", &World::real().id().simple().to_string()[20..]);
        let grants = format!(
            "create role {role} login password 'a-password'; grant select, insert, update, delete on all tables in schema public to {role}; revoke usage on schema public from public"
        );
        desk.shop.sql(&grants).await;
        let mut url = url_of(&desk);
        url.set_username(&role).unwrap();
        url.set_password(Some("a-password")).unwrap();
        let before = desk.seen().await;
        desk.plan("a.plan").await;
        let told = match desk.apply_as("a.plan", &at(&desk, url.as_str()), &as_ben()).await {
            Err(failure) => said(&failure),
            Ok(carried) => format!("{:?} {:?}", carried.state.paused, carried.state.closed),
        };
        assert!(told.contains(&format!("`{role}` may not use the schema `public`, in which the table `")), "{told}");
        assert!(!told.contains("no longer built"), "{told}");
        assert_eq!(desk.seen().await, before);
        desk.shop.sql(&format!("grant usage on schema public to public; drop owned by {role}; drop role {role}")).await;
        desk.close().await;
    });
}

#[test]
fn a_standby_takes_reads_and_refuses_writes_in_words() {
    block_on(async {
        let server = Server::start().await;
        let desk = Desk::open(&On::Postgres(server.url.clone())).await;
        desk.playbook(PRICE);
        let standby = server.standby().await;
        let mut url = url_of(&desk);
        url.set_port(Some(standby.port())).unwrap();
        let on_standby = at(&desk, url.as_str());
        let before = desk.seen().await;

        // A dry-run really writes before it takes that back: a standby cannot.
        let opened = ops::project::open(&on_standby, None).unwrap();
        let loaded = ops::playbook::load(&on_standby, &opened, "p.yaml").unwrap_or_else(|f| panic!("{}", said(&f)));
        let asked = request(&[]);
        let prepared = ops::plan::setting(&on_standby, &opened, loaded, &asked).await.unwrap();
        let refused = said(&ops::plan::plan(&prepared.setting, &asked, &|_| {}).await.unwrap_err());
        assert!(refused.contains("replica") && refused.contains("primary"), "{refused}");

        // Planned on the primary, carried out when the address leads to the standby of the same database.
        desk.plan("a.plan").await;
        let carried = desk.apply_as("a.plan", &on_standby, &as_ben()).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert_eq!(carried.stopped, Stopped::Paused, "{:?}", carried.state.closed);
        let why = carried.state.paused.clone().unwrap_or_default();
        assert!(why.contains("connected to a replica"), "{why}");
        assert_eq!(desk.seen().await, before);
        // Put right, it goes on.
        let carried = resumed(&desk.shop.here, &carried.state).await;
        assert_eq!(carried.stopped, Stopped::Closed(End::Changed), "{:?}", carried.state.closed);
        assert_ne!(desk.seen().await, before);
        desk.close().await;
        drop(standby);
        drop(server);
    });
}
