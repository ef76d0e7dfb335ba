//! What was acknowledged, and what a log may hold therefore.

use std::collections::HashMap;

/// What one client sent, and what it was told. It has one request under way at a time.
pub(super) struct Lines {
    pub(super) topic: &'static str,
    /// The client's; no other has it.
    pub(super) name: String,
    /// Lines a request.
    pub(super) batch: usize,
    /// Whether each line begins with a key.
    pub(super) keys: bool,
    /// Partition and offset of each line, in order.
    pub(super) acknowledged: Vec<(u32, u64)>,
}

impl Lines {
    /// A line, with its end.
    pub(super) fn text(&self, line: usize) -> String {
        let name = &self.name;
        if self.keys { format!("key-{}:{name}-{line}\n", line % 10) } else { format!("{name}-{line}\n") }
    }
}

/// What is known of a client whose broker is gone.
struct Client {
    /// Lines that were acknowledged: the first so many.
    acknowledged: usize,
    /// Lines that may be there besides: those of the request that nobody answered, and all or none of one partition's.
    under_way: usize,
}

/// What must be in the logs, and what may be.
#[derive(Default)]
pub(super) struct Ledger {
    clients: HashMap<String, Client>,
    /// What stands at an offset of a topic's partition.
    records: HashMap<(&'static str, u32), HashMap<u64, String>>,
}

impl Ledger {
    /// Takes down what a client was told.
    pub(super) fn take(&mut self, lines: Lines) {
        let acknowledged = lines.acknowledged.len();
        for (line, (partition, offset)) in lines.acknowledged.iter().enumerate() {
            let of_partition = self.records.entry((lines.topic, *partition)).or_default();
            let before = of_partition.insert(*offset, format!("{}-{line}", lines.name));
            assert_eq!(before, None, "{} {partition}: offset {offset} was given out twice", lines.topic);
        }
        self.clients.insert(lines.name, Client { acknowledged, under_way: lines.batch });
    }

    /// Records that are known to be there.
    pub(super) fn len(&self) -> usize {
        self.records.values().map(HashMap::len).sum()
    }

    /// Holds a partition's payloads, by offset, against what was acknowledged. What is there now has to stay.
    pub(super) fn check(
        &mut self,
        topic: &'static str,
        partition: u32,
        payloads: &[String],
    ) -> Result<(), String> {
        let place = format!("{topic}-{partition}");
        let expected = self.records.entry((topic, partition)).or_default();
        for (offset, payload) in expected.iter() {
            let found = payloads.get(*offset as usize);
            if found != Some(payload) {
                return Err(format!(
                    "{place}: {payload} was acknowledged at {offset}, and {found:?} is there"
                ));
            }
        }
        let mut last: HashMap<&str, usize> = HashMap::new();
        for (offset, payload) in (0..).zip(payloads) {
            let split = payload.rsplit_once('-').and_then(|(name, line)| Some((name, line.parse().ok()?)));
            let (name, line): (_, usize) =
                split.ok_or_else(|| format!("{place}: nobody sent {payload:?}"))?;
            let client = self.clients.get(name).ok_or_else(|| format!("{place}: nobody is {name:?}"))?;
            if line >= client.acknowledged + client.under_way {
                return Err(format!("{place}: {payload} is there, and had not been sent yet"));
            }
            if line < client.acknowledged && !expected.contains_key(&offset) {
                return Err(format!("{place}: {payload} is at {offset}, too"));
            }
            // Rising, so none is there twice.
            if last.insert(name, line).is_some_and(|before| before >= line) {
                return Err(format!("{place}: {payload} is at {offset}, out of its order"));
            }
        }
        expected.extend((0..).zip(payloads.iter().cloned()));
        Ok(())
    }
}

/// The check can fail: it is what all else stands on.
#[test]
fn the_ledger_finds_what_is_wrong() {
    let check = |payloads: &[&str]| {
        let mut ledger = Ledger::default();
        let acknowledged = vec![(0, 0), (0, 2)];
        ledger.take(Lines { topic: "t", name: "a".to_owned(), batch: 1, keys: false, acknowledged });
        ledger.take(Lines {
            topic: "t",
            name: "b".to_owned(),
            batch: 1,
            keys: false,
            acknowledged: vec![(0, 1)],
        });
        let payloads: Vec<String> = payloads.iter().map(|payload| payload.to_string()).collect();
        ledger.check("t", 0, &payloads)
    };
    assert_eq!(check(&["a-0", "b-0", "a-1"]), Ok(()));
    assert_eq!(check(&["a-0", "b-0", "a-1", "b-1", "a-2"]), Ok(()), "what was under way may be there");
    for (payloads, wrong) in [
        (&["a-0", "b-0"][..], "a-1 was acknowledged at 2, and None is there"),
        (&["b-0", "a-0", "a-1"], "was acknowledged at"),
        (&["a-0", "b-0", "a-1", "a-3"], "had not been sent yet"),
        (&["a-0", "b-0", "a-1", "a-0"], "a-0 is at 3, too"),
        (&["a-0", "b-0", "a-1", "a-2", "a-2"], "out of its order"),
        (&["a-0", "b-0", "a-1", "c-0"], "nobody is \"c\""),
    ] {
        assert!(check(payloads).is_err_and(|error| error.contains(wrong)), "{payloads:?}");
    }
}
