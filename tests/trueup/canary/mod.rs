//! T15: a canary in each place where something hidden comes from, and the real program with everything that it can do and
//! everything that can go wrong. Then every canary is looked for, in eight forms, in all that came out.

mod canaries;
mod world;

use super::{proof::figures::Figures, servers::block_on};
use canaries::{SINKS, Sink, forms, search};
use std::collections::BTreeSet;
use world::World;

#[test]
fn no_canary_shows_in_any_form_in_any_sink() {
    block_on(async {
        let mut figures = Figures::new("T15", "24 canaries in 8 forms, looked for in 14 sinks");
        let mut world = World::build().await;
        world.plans_and_applies().await;
        world.fails_in_every_step().await;
        world.answers_and_reminds().await;
        world.takes_back().await;
        world.many().await;
        world.dies().await;
        world.looks_at_the_record().await;
        let (canaries, sinks) = (world.canaries.clone(), world.sinks().await);
        // Nothing is proved by silence: each value was really there, and each sink has really got something.
        let used: BTreeSet<&str> = world.used().await;
        let idle: Vec<&str> = canaries.keys().copied().filter(|origin| !used.contains(origin)).collect();
        assert!(idle.is_empty(), "never used: {idle:?}");
        for sink in SINKS {
            let bytes = sinks.get(&sink).map_or(0, String::len);
            assert!(bytes > 100, "nothing came out in {sink:?}");
        }
        for canary in canaries.values() {
            for sink in canary.wanted {
                let all = &sinks[sink];
                assert!(
                    forms(&canary.value).iter().any(|form| all.contains(form)),
                    "{} did not reach {sink:?}",
                    canary.origin
                );
            }
        }
        let (cells, found) = search(&canaries, &sinks);
        println!(
            "T15: {cells} cells, {} commands, {} bytes",
            world.commands,
            sinks.values().map(String::len).sum::<usize>()
        );
        assert_eq!(cells, 24 * 8 * 14);
        assert!(world.failed >= 20, "only {} commands failed as they should", world.failed);
        assert!(world.commands >= 80, "only {} commands", world.commands);
        (figures.faults, figures.points) = (world.failed, cells);
        found.iter().for_each(|leak| figures.wrong(leak.clone()));
        world.clear().await;
        assert!(sinks[&Sink::Err].contains("(secret)"), "the last net never caught anything");
        figures.end(20);
    });
}
