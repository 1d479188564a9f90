//! Files that are fine, odd, broken or hostile, and what is said of them.

use super::*;
use crate::base::{
    diagnostic::Diagnostics,
    shape::{FromNode, Lowering},
    source::Source,
    yaml,
};

fn spec(text: &str) -> CsvSource {
    let source = Source::new("s", text);
    let mut problems = Diagnostics::new(source.clone());
    let node = yaml::parse(&source, yaml::LIMITS, &mut problems).unwrap();
    CsvSource::from_node(&node, &mut Lowering::new(&mut problems)).unwrap_or_else(|| panic!("{problems:?}"))
}

fn people() -> CsvSource {
    spec(
        "{ csv: f, columns: { id: int, email: { type: string, personal: true, not_blank: true }, keep: { type: bool, truthy: [x], falsy: [\"\"] } } }",
    )
}

type Rows = Vec<(u64, Map)>;

fn rows(text: &[u8], spec: &CsvSource) -> Result<(Rows, Faults), String> {
    let (mut faults, mut rows) = (Faults::default(), Vec::new());
    let ended = read(text, spec, &mut faults, &mut |line, row| {
        rows.push((line, row));
        Ok(())
    });
    match ended {
        Ok(()) => Ok((rows, faults)),
        Err(Ended::File(bad)) => Err(bad.0),
        Err(Ended::Spool(error)) => Err(error.to_string()),
    }
}

#[test]
fn cells_have_their_types_and_rows_their_lines() {
    let (rows, faults) = rows(b"email,id,keep\na@b.c,1,x\n\"two\nlines\",2,\nc@d.e,3,x\n", &people()).unwrap();
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 5]);
    assert_eq!(rows[1].1["id"], Value::from(2));
    assert_eq!(rows[1].1["keep"], Value::from(false));
    assert_eq!(rows[0].1["email"].plain(), "(personal)");
    assert_eq!(rows[1].1["email"].bare(), "two\nlines");
}

#[test]
fn a_byte_order_mark_and_semicolons_are_understood() {
    let (found, faults) = rows("\u{feff}id;email;keep\r\n1;ä@b.c;x\r\n".as_bytes(), &people()).unwrap();
    assert!(faults.is_empty() && found.len() == 1);
    assert_eq!(found[0].1["email"].bare(), "ä@b.c");
    let tab = spec("{ csv: f, delimiter: \"\\t\", columns: { a: string, b: string } }");
    assert_eq!(rows(b"a\tb\n1,5\t2\n", &tab).unwrap().0[0].1["a"].bare(), "1,5");
}

#[test]
fn every_bad_line_is_told_and_nothing_personal() {
    let text = b"id,email,keep\n1,secret@x.y,x\nno,secret@x.y,x\n3,secret@x.y\n4,  ,\n5,s\xff,x\n6,secret@x.y,y\n";
    let (found, faults) = rows(text, &people()).unwrap();
    assert_eq!(found.len(), 1);
    let told: Vec<String> = faults.kept().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 3: `id` no: not a whole number",
            "line 4: 2 cells, and the header has 3",
            "line 5: `email` is blank",
            "line 6: `email` is not UTF-8",
            "line 7: `keep` y: neither \"x\" nor \"\"",
        ]
    );
    let typed = spec("{ csv: f, columns: { born: { type: date, personal: true } } }");
    let (_, faults) = rows(b"born\n1.2.2001\n", &typed).unwrap();
    assert_eq!(faults.kept()[0].what, "`born` its value: not a date such as 2024-03-31");
}

#[test]
fn a_header_that_does_not_fit_is_told_at_once() {
    let why = rows(b"id,mail,id\n", &people()).unwrap_err();
    assert!(why.contains("does not declare its column `mail`") && why.contains("`id` is there twice"), "{why}");
    assert!(why.contains("it has no column `email`"), "{why}");
    assert!(rows(b"", &people()).unwrap_err().contains("is empty"));
}

#[test]
fn what_is_too_large_is_refused_in_little_memory() {
    let spec = spec("{ csv: f, columns: { a: string } }");
    let mut text = b"a\n".to_vec();
    text.extend(vec![b'x'; MOST_CELL + 1]);
    text.extend(b"\nfine\n");
    let (found, faults) = rows(&text, &spec).unwrap();
    assert_eq!((found.len(), faults.count()), (1, 1));
    assert!(faults.kept()[0].what.contains("at most 65536"), "{faults:?}");
    // A quote that is never closed swallows the rest of the file.
    let endless = io::Cursor::new(b"a\n\"".to_vec()).chain(io::BufReader::new(io::repeat(b'x')));
    let mut faults = Faults::default();
    match read(endless, &spec, &mut faults, &mut |_, _| Ok(())) {
        Err(Ended::File(bad)) => assert!(bad.0.contains("a quote that is not closed"), "{bad:?}"),
        other => panic!("{other:?}"),
    }
    // Rows without end.
    let endless = io::Cursor::new(b"a\n".to_vec()).chain(io::BufReader::new(Lines));
    match read(endless, &spec, &mut faults, &mut |_, _| Ok(())) {
        Err(Ended::File(bad)) => assert!(bad.0.contains("more than 1000000 rows"), "{bad:?}"),
        other => panic!("{other:?}"),
    }
}

struct Lines;
impl Read for Lines {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let whole = into.len() / 2 * 2;
        into[..whole].iter_mut().enumerate().for_each(|(at, byte)| *byte = if at % 2 == 0 { b'1' } else { b'\n' });
        Ok(whole)
    }
}

#[test]
fn a_hundred_thousand_rows_with_a_thousand_bad_ones_are_read_at_once() {
    let mut text = String::from("id,email,keep\n");
    for n in 0..100_000 {
        if n % 100 == 50 {
            text.push_str("short\n");
        } else {
            text.push_str(&format!("{n},\"=cmd()|'/c calc'!A{n}\",x\n"));
        }
    }
    let (found, faults) = rows(text.as_bytes(), &people()).unwrap();
    assert_eq!((found.len(), faults.count(), faults.kept().len()), (99_000, 1_000, 1_000));
    assert_eq!(faults.kept()[0].lines, [52]);
}

/// T19: so many rows in the ordinary tests, a million with `TRUEUP_PROOF=full`.
fn many() -> usize {
    if std::env::var("TRUEUP_PROOF").is_ok_and(|size| size == "full") { 1_000_000 } else { 20_000 }
}

#[test]
fn twelve_large_files_are_read_to_their_end_or_refused_where_they_are_bad() {
    let spec = spec("{ csv: f, columns: { id: int, email: { type: string, not_blank: true }, name: string } }");
    let (all, every) = (many(), many() / 1_000);
    let odd = |n: usize| n % every == every / 2;
    // The lines on which bad rows begin, with one line for the header and `lines` for each row.
    let bad = |lines: &dyn Fn(usize) -> usize| {
        let mut at = 2;
        let begins = (0..all).filter_map(|n| {
            let line = at;
            at += lines(n);
            odd(n).then_some(line as u64)
        });
        begins.collect::<Vec<_>>()
    };
    let one = |_: usize| 1;
    let plain = |n: usize| format!("{n},p{n}@example.org,Name {n}");
    let file = |row: &dyn Fn(usize) -> String| {
        let mut text = String::from("id,email,name\n");
        (0..all).for_each(|n| text.extend([&*row(n), "\n"]));
        text.into_bytes()
    };
    let odd_ones = |other: &dyn Fn(usize) -> String| file(&|n| if odd(n) { other(n) } else { plain(n) });
    let good: &[(&str, Vec<u8>, usize)] = &[
        ("as it should be", file(&plain), all),
        ("a byte order mark", [b"\xef\xbb\xbf".to_vec(), file(&plain)].concat(), all),
        ("semicolons", String::from_utf8(file(&plain)).unwrap().replace(',', ";").into_bytes(), all),
        ("CR LF", String::from_utf8(file(&plain)).unwrap().replace('\n', "\r\n").into_bytes(), all),
        ("cells of several lines", odd_ones(&|n| format!("{n},p{n}@x.org,\"two\nlines\"")), all),
        ("formulas", odd_ones(&|n| format!("{n},p{n}@x.org,=cmd()|'/c calc'!A{n}")), all),
        ("lines with nothing on them", odd_ones(&|n| format!("\n{}", plain(n))), all),
    ];
    for (name, text, rows) in good {
        let (mut faults, mut found) = (Faults::default(), 0);
        read(&**text, &spec, &mut faults, &mut |_, _| {
            found += 1;
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(faults.is_empty(), "{name}: {:?}", &faults.kept()[..1]);
        assert_eq!(found, *rows, "{name}");
    }
    let two = |n: usize| if odd(n) { 2 } else { 1 };
    let not_text = {
        let mut text = file(&plain);
        let at = text.len() / 2 + text[text.len() / 2..].windows(4).position(|four| four == b"Name").unwrap();
        text[at] = 0xff;
        let line = text[..at].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        (text, vec![line])
    };
    let huge = "x".repeat(10 << 20);
    let large = file(&|n| if n == all / 2 { format!("{n},a@b.c,{huge}") } else { plain(n) });
    let files: Vec<(&str, Vec<u8>, Vec<u64>)> = vec![
        ("short rows", odd_ones(&|n| format!("{n},p{n}@x.org")), bad(&one)),
        ("short rows of two lines", odd_ones(&|n| format!("{n},\"p\n{n}\"")), bad(&two)),
        ("one byte that is no text", not_text.0, not_text.1),
        ("a cell of ten MiB", large, vec![all as u64 / 2 + 2]),
        ("blank where something must be, and no number", odd_ones(&|_| "x, ,".into()), {
            bad(&one).into_iter().flat_map(|line| [line, line]).collect()
        }),
    ];
    for (name, text, lines) in files {
        let (mut faults, mut found) = (Faults::default(), 0);
        read(&*text, &spec, &mut faults, &mut |_, _| {
            found += 1;
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let told: Vec<u64> = faults.kept().iter().flat_map(|fault| fault.lines.clone()).collect();
        assert_eq!(told, lines, "{name}");
        let mut bad = lines;
        bad.dedup();
        assert_eq!(found + bad.len(), all, "{name}");
    }
}

#[test]
fn no_cell_of_an_export_is_a_formula() {
    for text in ["=1+1", "+1", "-1", "@x", "\tx", "\rx"] {
        assert_eq!(safe_cell(text), format!("'{text}"));
    }
    assert_eq!(safe_cell("a=1"), "a=1");
}

#[test]
fn lines_are_counted_whatever_ends_them() {
    let one = spec("{ csv: f, columns: { a: string } }");
    for end in ["\n", "\r\n", "\r"] {
        let text = "a,1,\"two,lines\",,,3,".replace(',', end);
        let (found, faults) = rows(text.as_bytes(), &one).unwrap();
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 7], "{end:?}");
        let text = format!("{end}{end}a{end}1{end}2,3{end}{end}4,5");
        let (_, faults) = rows(text.as_bytes(), &one).unwrap();
        let told: Vec<String> = faults.kept().iter().map(ToString::to_string).collect();
        assert_eq!(told, [5, 7].map(|line| format!("line {line}: 2 cells, and the header has 1")), "{end:?}");
    }
}

#[test]
fn a_quote_that_does_not_fit_is_told_and_nothing_is_made_of_its_row() {
    let two = spec("{ csv: f, columns: { a: string, b: string } }");
    let behind = "text stands behind the quote that ends a cell (a quote in a cell is written twice)";
    let open =
        |line: u64| format!("the quote of line {line} is never closed: the file was cut off, or a quote is missing");
    for (text, good, told) in [
        // Cut off in the middle of a cell.
        ("a,b\n1,\"x\"\n2,\"limit 10", 1, format!("line 3: {}", open(3))),
        // A quote is missing, and all that follows is taken for one cell.
        ("a,b\n1,x\n2,\"y\n3,z\n4,z\n", 1, format!("line 3: {}", open(3))),
        ("a,b\n1,\"y\n2,\"z\"\n3,z\n", 1, format!("line 2: {behind}")),
        ("a,b\n1,\"new\" a\n2,z\n", 1, format!("line 2: {behind}")),
        ("a,b\n1,\"new\"\"\n2,z\n", 0, format!("line 2: {}", open(2))),
    ] {
        let (found, faults) = rows(text.as_bytes(), &two).unwrap();
        assert_eq!(faults.kept().iter().map(ToString::to_string).collect::<Vec<_>>(), [told], "{text}");
        assert_eq!(found.len(), good, "{text}");
    }
    // In a cell without quotes a quote is a quote; two are one within quotes.
    let (found, faults) = rows(b"a,b\n5\" pipe,\"6\"\" pipe\"\n", &two).unwrap();
    assert!(faults.is_empty(), "{faults:?}");
    let cell = |name: &str| found[0].1[name].bare().to_string();
    assert_eq!((cell("a"), cell("b")), ("5\" pipe".to_owned(), "6\" pipe".to_owned()));
    assert_eq!(
        rows(b"a,\"b\n1,2\n", &two).unwrap_err(),
        format!("has no header that can be read: in line 1 {}", open(1))
    );
}

/// What is counted here and what the crate reads are the same records, whatever stands in a file and however it arrives.
#[test]
fn records_are_those_of_the_crate() {
    struct Slow<'a>(&'a [u8], usize);
    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(into.len()).min(self.0.len());
            into[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }
    let (mut texts, mut next) = (vec![Vec::new()], vec![Vec::new()]);
    for _ in 0..6 {
        next = next
            .iter()
            .flat_map(|text: &Vec<u8>| b"a,\"\r\n".map(|byte| [text.as_slice(), &[byte]].concat()))
            .collect();
        texts.extend(next.iter().cloned());
    }
    let mut wrong = 0;
    for text in &texts {
        for part in [1, 3, 100] {
            let records = Arc::new(Mutex::new(Records::of(b',')));
            let file =
                Counted { file: Slow(text, part), whole: 0, since_row: Arc::default(), records: records.clone() };
            let mut reader = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
            let mut record = ::csv::ByteRecord::new();
            while reader.read_byte_record(&mut record).unwrap() {
                let shown = || String::from_utf8_lossy(text).into_owned();
                let begun = records.lock().unwrap().next().unwrap_or_else(|| panic!("{:?}", shown()));
                wrong += usize::from(begun.wrong.is_some());
                let before = record.position().unwrap().byte() as usize;
                let first = text[before..].iter().take_while(|byte| b"\r\n".contains(byte)).count();
                let ends = String::from_utf8_lossy(&text[..before + first]).replace("\r\n", "\n");
                let line = 1 + ends.chars().filter(|c| "\r\n".contains(*c)).count() as u64;
                assert_eq!(begun.line, line, "{:?}", shown());
            }
            assert!(records.lock().unwrap().next().is_none(), "{:?}", String::from_utf8_lossy(text));
        }
    }
    assert!(wrong > 1000, "{wrong}");
}
