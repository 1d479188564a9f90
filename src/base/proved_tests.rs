//! Lines of the table that `scripts/prove` prints, from tests of this crate. (Those of `tests/` have more to tell: `proof/figures.rs`.)

use std::time::Instant;

/// One proof that held: so many faults or forgeries were really made.
pub(crate) fn line(test: &str, what: &str, many: usize, since: Instant) {
    let Ok(folder) = std::env::var("TRUEUP_PROOF_DIR") else { return };
    let seconds = since.elapsed().as_secs_f64();
    let line = format!("{test}\t{what}\t{many}\t{many}\t0\t0\t0\t{seconds:.1}\tholds\n");
    let name: String = what.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    std::fs::write(std::path::Path::new(&folder).join(format!("{test}-{name}.txt")), line).unwrap();
}
