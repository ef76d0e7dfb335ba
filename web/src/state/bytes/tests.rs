//! Pages hold their file, rows and bytes find each other, and what is damaged is shown as far as it goes.

use logscope::lab::{Event, Lab};
use logscope::storage::{File as _, MemoryStorage, Storage};
use proptest::prelude::*;

use super::*;
use crate::state::{ColourBy, Hue, Palette};

const LOG: &str = "00000000000000000000.log";

fn lab(lines: &[&str]) -> (Lab<MemoryStorage>, MemoryStorage) {
    let storage = MemoryStorage::new();
    let mut lab = Lab::new(storage.clone());
    lines.iter().for_each(|line| drop(lab.run_line(line).unwrap()));
    (lab, storage)
}

fn a_file(name: &str, bytes: &[u8]) -> impl logscope::storage::File + use<> {
    let file = MemoryStorage::new().open(name).unwrap();
    file.write_at(0, bytes).unwrap();
    file
}

/// Every page of a file, going forward.
fn pages(name: &str, bytes: &[u8]) -> Vec<Part> {
    let file = a_file(name, bytes);
    let mut pages = vec![page(&file, name, 0).unwrap()];
    while let Some(after) = pages.last().unwrap().after {
        pages.push(page(&file, name, after).unwrap());
        assert!(pages.len() < 1000);
    }
    pages
}

/// The pages hold the file, and lead back as they lead on; any position leads to its page.
fn check(name: &str, bytes: &[u8]) {
    let pages = pages(name, bytes);
    let whole: Vec<u8> = pages.iter().flat_map(|page| page.taken.bytes.clone()).collect();
    assert!(whole == bytes, "{name}");
    for (at, page) in pages.iter().enumerate() {
        assert_eq!(page.before, at.checked_sub(1).map(|at| pages[at].taken.at), "{name} {at}");
        let ends = page.taken.fields.last().map_or(page.taken.end(), Field::end);
        assert_eq!(ends, page.taken.end(), "{name}");
        for inside in [page.taken.at, page.taken.end().saturating_sub(1)] {
            let again = super::page(&a_file(name, bytes), name, inside).unwrap();
            assert_eq!((again.taken.at, again.before), (page.taken.at, page.before), "{name} {inside}");
        }
    }
}

#[test]
fn every_file_is_shown_to_its_last_byte_page_by_page() {
    let (_, storage) = lab(&[
        "config segment.bytes=100000 index.interval.bytes=1",
        "append hello key=k count=3000 producer=7",
        "reopen",
    ]);
    let names = storage.list().unwrap();
    assert!(names.len() >= 9, "{names:?}");
    for name in names {
        let bytes = storage.contents(&name).unwrap();
        check(&name, &bytes);
        assert!(
            pages(&name, &bytes).iter().all(|page| page
                .taken
                .fields
                .iter()
                .all(|f| f.first_problem().is_none()))
        );
    }
    let log = storage.contents(LOG).unwrap();
    assert!(pages(LOG, &log).len() > 5);
    for (name, size) in
        [("stray", 40_000), ("00000000000000000000.index", 40_004), ("00000000000000000000.snapshot", 40_000)]
    {
        check(name, &vec![1; size]);
    }
    assert_eq!(pages("checkpoint", &[])[0].taken.fields.len(), 1);
    assert_eq!(pages(&format!("{LOG}.deleted"), &log)[0].taken, pages(LOG, &log)[0].taken);
}

#[test]
fn what_is_no_batch_has_pages_too() {
    let (_, storage) = lab(&["config segment.bytes=100000", "append hello count=900"]);
    let mut log = storage.contents(LOG).unwrap();
    let damaged = pages(LOG, &log)[1].taken.at as usize;
    log[damaged + 8] = 0x7f;
    log.resize(3 << 20, 1);
    check(LOG, &log);
    let pages = pages(LOG, &log);
    assert!(pages[1].taken.verdict() != Verdict::Nothing && pages.len() == 4, "{}", pages.len());
}

#[test]
fn a_position_behind_the_end_is_told_with_the_end_and_the_last_page_is_shown() {
    let (_, storage) = lab(&["config segment.bytes=100000", "append hello count=900"]);
    let (log, size) = (storage.open(LOG).unwrap(), storage.contents(LOG).unwrap().len() as u64);
    let at = |position| page(&log, LOG, position).unwrap();
    assert_eq!((at(0).beyond, at(size - 1).beyond), (None, None));
    for position in [size, size + 1, u64::MAX] {
        let shown = at(position);
        assert_eq!(shown.beyond, Some((position, size)));
        assert_eq!((shown.taken, shown.after), (at(size - 1).taken, None));
    }
    let empty = a_file("00000000000000000000.index", &[]);
    assert_eq!(page(&empty, "00000000000000000000.index", 0).unwrap().beyond, None);
    assert_eq!(page(&empty, "00000000000000000000.index", 8).unwrap().beyond, Some((8, 0)));
    assert_eq!(batch(&log, LOG, 0, 70).unwrap().beyond, None);
    assert_eq!(batch(&log, LOG, size + 5, 70).unwrap().beyond, Some((size + 5, size)));

    let words = crate::text::beyond(size + 5, size, size);
    assert!(words.contains(&(size + 5).to_string()) && words.contains(&size.to_string()), "{words}");
    let words = crate::text::beyond(2_000_000, 1_048_576, 3_000_000);
    assert!(["2000000", "1048576", "3000000"].iter().all(|number| words.contains(number)), "{words}");
}

#[test]
fn an_index_of_which_the_end_is_missing_has_pages_up_to_there() {
    let name = "00000000000000000000.index";
    let there = 3 * PAGE / 2;
    let file = a_file(name, &vec![1; there as usize]);
    for at in [PAGE, there - 1, there, 9 * PAGE] {
        let last = page_of(&file, 0, 10 * PAGE, name, at).unwrap();
        assert_eq!((last.taken.at, last.taken.end(), last.file_size), (PAGE, there, 10 * PAGE));
        assert_eq!((last.before, last.after), (Some(0), None));
        assert_eq!(last.beyond, (at >= there).then_some((at, there)));
    }
}

fn a_batch(lines: &[&str]) -> Part {
    let (lab, storage) = lab(lines);
    drop(lab);
    let size = storage.contents(LOG).unwrap().len() as u32;
    batch(&storage.open(LOG).unwrap(), LOG, 0, size).unwrap()
}

fn names(taken: &Taken, folds: &Folds) -> Vec<String> {
    taken
        .rows(folds)
        .iter()
        .map(|row| format!("{}{}", " ".repeat(row.depth.into()), row.field.name))
        .collect()
}

#[test]
fn a_tree_opens_and_closes_and_varints_unfold() {
    let part = a_batch(&["append one two key=k"]);
    let mut folds = Folds::default();
    let rows = names(&part.taken, &folds);
    assert_eq!((&*rows[0], &*rows[1], rows.len()), ("batch", " baseOffset", 17), "{rows:?}");
    assert_eq!(rows[14..], [" records", "  record 0", "  record 1"]);

    folds = folds.turned(&part.taken.rows(&folds)[16]);
    let rows = names(&part.taken, &folds);
    assert_eq!(rows[17], "   length");
    folds = folds.turned(&part.taken.rows(&folds)[17]);
    let rows = part.taken.rows(&folds);
    assert_eq!((&*rows[18].field.name, &*rows[18].field.value), ("group 0", "0 0010100 · the last"));
    let group = rows[18].place();
    assert_eq!(part.taken.field(group).unwrap().name, "group 0");
    assert_eq!(row_of(&rows, group), Some(18));
    folds = folds.turned(&rows[16]);
    assert_eq!(names(&part.taken, &folds).len(), 17);

    let alone = a_batch(&["append one"]);
    assert_eq!(names(&alone.taken, &Folds::default())[16], "   length");
}

#[test]
fn a_byte_leads_to_its_row_and_a_row_to_its_bytes() {
    let part = a_batch(&["append one two key=k"]);
    let taken = &part.taken;
    let folds = Folds::default();
    let rows = taken.rows(&folds);
    let crc = taken.field(Place::byte(18)).unwrap();
    assert_eq!((&*crc.name, crc.position, crc.end()), ("crc", 17, 21));
    assert_eq!(rows[row_of(&rows, Place::byte(18)).unwrap()].field, crc);
    let Form::Checksum { over, computed: Some(computed) } = &crc.form else { panic!("{crc:?}") };
    assert_eq!((over, format!("{computed:08x}")), (&(21..taken.end()), crc.value.clone()));
    for row in &rows {
        assert_eq!(taken.field(row.place()).as_ref(), Some(&row.field));
    }
    // The value of the second record is hidden until the record is open.
    let value = taken.end() - 2;
    let hidden = row_of(&rows, Place::byte(value)).unwrap();
    assert_eq!(rows[hidden].field.name, "record 1");
    let folds = folds.revealing(taken, value);
    let rows = taken.rows(&folds);
    assert_eq!(rows[row_of(&rows, Place::byte(value)).unwrap()].field.name, "value");
    assert_eq!(folds.revealing(taken, value), folds);
    assert_eq!((taken.field(Place::byte(taken.end())), row_of(&rows, Place::byte(9999))), (None, None));
}

#[test]
fn keys_and_values_have_the_colour_of_the_key() {
    let part = a_batch(&["append one key=k"]);
    let palette = Palette::default();
    let colour = Some(palette.of(Hue::Key(b"k")));
    let taken = &part.taken;
    let looks = taken.looks(0..taken.bytes.len(), &palette);
    assert_eq!(looks.len(), taken.bytes.len());
    let key = taken.bytes.iter().position(|byte| *byte == b'k').unwrap();
    assert_eq!(looks[key], Look { first: true, kind: Kind::Key, colour });
    assert_eq!(looks[key + 2], Look { first: true, kind: Kind::Value, colour });
    assert_eq!(looks[key + 3], Look { first: false, kind: Kind::Value, colour });
    assert_eq!((looks[8].first, looks[9].first, looks[9].colour), (true, false, None));
    assert_eq!(taken.looks(key + 1..key + 4, &palette), looks[key + 1..key + 4]);
    // A record has no producer of its own.
    assert_eq!(taken.looks(key..key + 1, &Palette::new(ColourBy::Producers))[0].colour, None);
    let unknown = Taken { at: 5, bytes: vec![1, 2], fields: Vec::new() };
    assert_eq!(unknown.looks(0..2, &palette).len(), 2);
}

#[test]
fn a_flipped_byte_breaks_the_crc_at_once_and_the_engine_says_so_too() {
    let (mut lab, storage) = lab(&["append one", "append two", "flush"]);
    let first = lab.read_file(LOG, 8, 4).unwrap();
    let size = u32::from_be_bytes(first.try_into().unwrap()) + 12;
    let file = storage.open(LOG).unwrap();
    let at = u64::from(size);
    let verdict = || batch(&file, LOG, at, size).unwrap().taken.verdict();
    let Verdict::Fits(fits) = verdict() else { panic!("{:?}", verdict()) };
    assert!(fits.ends_with(&format!(" fits the bytes {}–{}.", size + 21, 2 * size - 1)), "{fits}");

    lab.run_line(&format!("flip {LOG} {}", 2 * size - 2)).unwrap();
    let Verdict::Broken(broken) = verdict() else { panic!("{:?}", verdict()) };
    assert!(broken.starts_with("The CRC does not fit: it says "), "{broken}");
    let refused = lab.run_line("fetch 1").unwrap();
    assert!(refused.events.iter().any(|event| matches!(event, Event::Refused { .. })), "{refused:?}");
    for line in ["crash", "reopen"] {
        lab.run_line(line).unwrap();
    }
    let file = storage.open(LOG).unwrap();
    assert_eq!(file.len().unwrap(), u64::from(size), "recovery cuts");
    let gone = batch(&file, LOG, u64::from(size), size).unwrap();
    assert_eq!((gone.taken.bytes.len(), gone.taken.verdict()), (0, Verdict::Nothing));
}

#[test]
fn a_flipped_length_is_shown_as_far_as_a_reader_would_go() {
    let (mut lab, storage) = lab(&["append one", "append two", "flush"]);
    let size = storage.contents(LOG).unwrap().len() as u32 / 2;
    let file = storage.open(LOG).unwrap();
    lab.run_line(&format!("flip {LOG} 11")).unwrap();
    let part = batch(&file, LOG, 0, size).unwrap();
    assert!(matches!(part.taken.verdict(), Verdict::Broken(_)), "{:?}", part.taken.verdict());
    assert!(part.taken.bytes.len() as u32 >= size);
}

#[test]
fn compressed_records_are_shown_apart_from_the_file() {
    let (_, storage) =
        lab(&["config compression.type=gzip", "append aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa key=k"]);
    let log = storage.contents(LOG).unwrap();
    let part = batch(&storage.open(LOG).unwrap(), LOG, 0, log.len() as u32).unwrap();
    let records = part.taken.fields[0].find("records").unwrap();
    assert_eq!((&*records.value, records.children.len()), ("1 records, compressed with gzip", 0));
    let plain = part.unpacked.as_ref().unwrap().as_ref().unwrap();
    assert!(plain.fields[0].value.starts_with("offset 0: key \"k\""), "{:?}", plain.fields[0].value);
    assert_eq!(plain.fields[0].end(), plain.end());
    assert!(a_batch(&["append one"]).unpacked.is_none());
    // What cannot be unpacked says why.
    let mut damaged = log.clone();
    let last = damaged.len() - 9;
    damaged[last] ^= 0xff;
    let part = batch(&a_file(LOG, &damaged), LOG, 0, log.len() as u32).unwrap();
    assert!(part.unpacked.unwrap().is_err());
}

#[test]
fn what_is_copied_is_lossless() {
    let part = a_batch(&["append \"grüß\" key=k"]);
    let hex = part.taken.hex();
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    let bytes: Vec<u8> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    assert_eq!(bytes, part.taken.bytes);
    // Of each line, the bytes; of lines without a position, none.
    let text = part.taken.text();
    let row = |line: &str| {
        line.get(10..57.min(line.len()))
            .unwrap_or_default()
            .split("  ")
            .next()
            .unwrap_or_default()
            .replace(' ', "")
    };
    let of_rows: String = text.lines().filter(|line| !line.starts_with(' ')).map(row).collect();
    assert_eq!(of_rows, hex, "{text}");
}

proptest! {
    #[test]
    fn nothing_fails_on_damage(at in 0..200_usize, byte: u8, cut in 0..200_usize) {
        let (_, storage) = lab(&["append one two key=k", "append three"]);
        let mut log = storage.contents(LOG).unwrap();
        let end = log.len();
        log[at % end] = byte;
        log.truncate(end - cut % end);
        check(LOG, &log);
        let part = batch(&a_file(LOG, &log), LOG, 0, 90).unwrap();
        let folds = Folds::default().revealing(&part.taken, at as u64);
        part.taken.rows(&folds).iter().for_each(|row| drop(part.taken.field(row.place())));
        part.taken.verdict();
        part.taken.looks(0..part.taken.bytes.len(), &Palette::default());
    }
}
