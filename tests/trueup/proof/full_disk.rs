//! T9: the disk of the journal is full, at every boundary: the process stands still there, the disk is filled, it goes on.
//! Then there is space again, and the run is brought to its end.

use super::{
    figures::{Figures, size},
    history::{Blow, History},
    judge,
    procedures::{self, Procedure},
    process,
    rivals::stands_still,
    world::{Kind, Point, World},
};
use crate::servers::block_on;
use std::{io::Write, path::PathBuf, process::Command};

/// A file system of two megabytes.
pub struct Small {
    folder: PathBuf,
}

impl Small {
    /// Nothing, where one may not mount.
    pub fn mount(folder: PathBuf) -> Option<Small> {
        std::fs::create_dir_all(&folder).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs"]).arg(&folder).output();
        mounted.is_ok_and(|done| done.status.success()).then_some(Small { folder })
    }

    /// Takes all the space that is left.
    pub fn fill(&self) {
        let mut file = std::fs::File::create(self.folder.join("ballast")).unwrap();
        for size in [65536, 4096, 512, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    /// From now on nothing can be written there.
    pub fn read_only(&self) {
        let done = Command::new("mount").args(["-o", "remount,ro"]).arg(&self.folder).status();
        assert!(done.is_ok_and(|done| done.success()));
    }

    pub fn free(&self) {
        std::fs::remove_file(self.folder.join("ballast")).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}

async fn history(world: &mut World, procedure: &Procedure, n: usize, point: &Point, figures: &mut Figures) {
    let Some(small) = Small::mount(point.folder.join("journal")) else {
        return figures.wrong("a small file system cannot be mounted here".into());
    };
    figures.points += 1;
    let at = format!("{} with a full disk at moment {n}", procedure.name);
    let apply = ["apply", procedure.name, "--yes", "--reason", "a proof", "--actor", "anna"];
    let mut child = point.program(&apply, &[("TRUEUP_STOP_AT", n.to_string())]).spawn().unwrap();
    let pid = child.id().unwrap_or(0);
    let still = stands_still(&mut child).await;
    small.fill();
    process::go_on(pid);
    let came = match process::wait(child).await {
        Ok(came) => came,
        Err(hang) => return figures.wrong(format!("{at}: {hang}")),
    };
    small.free();
    if still && came.exit != Some(0) {
        figures.faults += 1;
        if !came.said().contains("full") && !came.said().contains("disk") {
            figures.wrong(format!("{at}: it does not say that the disk is full: {}", came.said()));
        }
    }
    let traces = world.traces(point).await;
    let state = point.state().await.map(|(_, state)| state);
    judge::always(procedure, &traces, state.as_ref(), &at, figures);
    let findings = figures.findings();
    History::new(world, point, procedure, vec![Blow::None]).until_over(figures).await;
    if figures.findings() > findings {
        figures.wrong(format!("… that was {at}, exit {:?}: {}", came.exit, came.said()));
    }
    drop(small);
}

#[test]
fn a_full_disk_loses_nothing() {
    let may_mount = Small::mount(std::env::temp_dir().join(format!("trueup-small-{}", std::process::id()))).is_some();
    if !may_mount {
        let figures = Figures::new("T9", "the journal's disk is full at every boundary");
        return figures.skip("a small file system cannot be mounted here, which needs root");
    }
    block_on(async {
        let mut figures = Figures::new("T9", "the journal's disk is full at every boundary");
        let mut world = World::build(Kind::SQLITE).await;
        let names = ["row-with-audit", "call-with-key", "block-as-one"];
        for procedure in procedures::ALL.iter().filter(|procedure| names.contains(&procedure.name)) {
            let point = world.point(procedure).await;
            let mut plain = History::new(&mut world, &point, procedure, Vec::new());
            plain.until_over(&mut figures).await;
            let moments = plain.moments[0].len();
            point.clear();
            for n in (2..=moments).step_by(size(2, 1)) {
                let point = world.point(procedure).await;
                history(&mut world, procedure, n, &point, &mut figures).await;
                point.clear();
            }
        }
        world.clear().await;
        figures.end(size(20, 60));
    });
}
