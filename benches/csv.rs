//! A CSV file of a million rows (49 MB) is read, typed and checked line by line, one in a thousand of them bad: `cargo bench --bench csv`.
//! Seconds, rows a second and the highest memory; nothing is asserted. The figures stand in `docs/performance.md`.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::{fmt::Write, io::BufReader, time::Instant};
use trueup::{
    base::{
        diagnostic::Diagnostics,
        shape::{FromNode, Lowering},
        source::Source,
        yaml,
    },
    targets::{csv, faults::Faults, model::CsvSource},
};

const ROWS: usize = 1_000_000;
const COLUMNS: &str = "{ csv: f, columns: { id: int, email: { type: string, personal: true, not_blank: true }, since: date, code: string } }";

fn main() {
    let source = Source::new("columns", COLUMNS);
    let mut problems = Diagnostics::new(source.clone());
    let node = yaml::parse(&source, yaml::LIMITS, &mut problems).unwrap();
    let spec = CsvSource::from_node(&node, &mut Lowering::new(&mut problems)).unwrap();
    let path = tempfile::NamedTempFile::new().unwrap();
    let mut text = String::from("id,email,since,code\n");
    for n in 0..ROWS {
        match n % 1_000 {
            500 => writeln!(text, "{n},person{n}@example.org").unwrap(),
            _ => writeln!(text, "{n},person{n}@example.org,2024-03-{:02},code-{}", n % 28 + 1, n % 97).unwrap(),
        }
    }
    std::fs::write(path.path(), &text).unwrap();
    let bytes = text.len();
    drop(text);
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    for _ in 0..3 {
        let (began, mut faults, mut good) = (Instant::now(), Faults::default(), 0);
        let file = BufReader::with_capacity(1 << 16, std::fs::File::open(path.path()).unwrap());
        csv::read(file, &spec, &mut faults, &mut |_, _| {
            good += 1;
            Ok(())
        })
        .unwrap();
        let seconds = began.elapsed().as_secs_f64();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().to_owned();
        println!(
            "{good} good and {} bad rows of {} MB: {seconds:.2} s, peak {peak}",
            faults.count(),
            bytes / 1_000_000
        );
    }
}
