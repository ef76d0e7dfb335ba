//! Makes a failing scenario smaller while it fails in the same way: fewer lines, then simpler ones.

use logscope::lab::Action;

use crate::step::{Fault, Step};

/// How many scenarios are tried at most.
const TRIES: usize = 5_000;

/// The smallest scenario found for which `fails` holds; it holds for `steps`.
pub(crate) fn shrink(steps: Vec<Step>, mut fails: impl FnMut(&[Step]) -> bool) -> Vec<Step> {
    let mut tries = 0;
    let mut fails = |steps: &[Step]| {
        tries += 1;
        tries <= TRIES && fails(steps)
    };
    let mut best = steps;
    loop {
        let before = best.clone();
        drop_lines(&mut best, &mut fails);
        simplify_lines(&mut best, &mut fails);
        if best == before {
            return best;
        }
    }
}

/// Drops runs of lines, long ones first.
fn drop_lines(best: &mut Vec<Step>, fails: &mut impl FnMut(&[Step]) -> bool) {
    let mut len = best.len().next_power_of_two();
    while len > 0 {
        let mut end = best.len();
        while end > 0 {
            let from = end.saturating_sub(len);
            let fewer = [&best[..from], &best[end..]].concat();
            if fails(&fewer) {
                *best = fewer;
            }
            end = from;
        }
        len /= 2;
    }
}

fn simplify_lines(best: &mut [Step], fails: &mut impl FnMut(&[Step]) -> bool) {
    for at in 0..best.len() {
        while let Some(simpler) = simpler(&best[at]).into_iter().find(|step| {
            let mut steps = best.to_vec();
            steps[at] = step.clone();
            fails(&steps)
        }) {
            best[at] = simpler;
        }
    }
}

/// Steps that are a little simpler, the simplest first.
fn simpler(step: &Step) -> Vec<Step> {
    let actions = simpler_actions(&step.action).into_iter().map(|action| Step { action, fault: step.fault });
    let without = step.fault.map(|_| Step { action: step.action.clone(), fault: None });
    let faults = step.fault.into_iter().flat_map(simpler_faults);
    let faults = faults.map(|fault| Step { action: step.action.clone(), fault: Some(fault) });
    without.into_iter().chain(actions).chain(faults).collect()
}

fn simpler_actions(action: &Action) -> Vec<Action> {
    match action.clone() {
        Action::Append { values, key, count, at, producer } => {
            let mut simpler = Vec::new();
            let append = |values: &[String], key: &Option<String>, count| Action::Append {
                values: values.to_vec(),
                key: key.clone(),
                count,
                at,
                producer,
            };
            if at.is_some() {
                let (values, key) = (values.clone(), key.clone());
                simpler.push(Action::Append { values, key, count, at: None, producer });
            }
            if producer.is_some() {
                let (values, key) = (values.clone(), key.clone());
                simpler.push(Action::Append { values, key, count, at, producer: None });
            }
            simpler.extend(less(count.into()).filter(|n| *n > 0).map(|n| append(&values, &key, n as u32)));
            simpler.extend((values.len() > 1).then(|| append(&values[..1], &key, count)));
            simpler.extend((values.len() > 1).then(|| append(&values[1..], &key, count)));
            simpler.extend(key.as_ref().map(|_| append(&values, &None, count)));
            for (at, value) in values.iter().enumerate() {
                simpler.extend(less(value.len() as u64).map(|len| {
                    let mut values = values.clone();
                    values[at] = value.chars().take(len as usize).collect();
                    append(&values, &key, count)
                }));
            }
            simpler
        }
        Action::Fetch { offset, max_bytes } => {
            let offsets = less(offset).map(|offset| Action::Fetch { offset, max_bytes });
            let budgets = less(max_bytes).map(|max_bytes| Action::Fetch { offset, max_bytes });
            offsets.chain(budgets).collect()
        }
        Action::DeleteBefore { offset } => {
            less(offset).map(|offset| Action::DeleteBefore { offset }).collect()
        }
        Action::Truncate { offset } => less(offset).map(|offset| Action::Truncate { offset }).collect(),
        Action::Advance { ms } => less(ms).map(|ms| Action::Advance { ms }).collect(),
        Action::Crash { keep } => less(keep).map(|keep| Action::Crash { keep }).collect(),
        Action::Config { entries } if entries.len() > 1 => {
            let without = |at: usize| {
                let mut entries = entries.clone();
                entries.remove(at);
                Action::Config { entries }
            };
            (0..entries.len()).map(without).collect()
        }
        Action::Flip { file, position } => {
            less(position).map(|position| Action::Flip { file: file.clone(), position }).collect()
        }
        _ => Vec::new(),
    }
}

fn simpler_faults(fault: Fault) -> Vec<Fault> {
    match fault {
        Fault::Power { seed } => less(seed).map(|seed| Fault::Power { seed }).collect(),
        Fault::Everywhere { seed } => less(seed).map(|seed| Fault::Everywhere { seed }).collect(),
        Fault::ShortReads { seed } => less(seed).map(|seed| Fault::ShortReads { seed }).collect(),
        Fault::PowerAt { call, seed } => {
            let calls = less(call).filter(|call| *call > 0).map(|call| Fault::PowerAt { call, seed });
            calls.chain(less(seed).map(|seed| Fault::PowerAt { call, seed })).collect()
        }
        Fault::ErrorAt { call, seed } => {
            let calls = less(call).filter(|call| *call > 0).map(|call| Fault::ErrorAt { call, seed });
            calls.chain(less(seed).map(|seed| Fault::ErrorAt { call, seed })).collect()
        }
        Fault::Room { bytes } => less(bytes).map(|bytes| Fault::Room { bytes }).collect(),
        Fault::Late { steps } => less(steps).map(|steps| Fault::Late { steps }).collect(),
        Fault::Kill => Vec::new(),
    }
}

/// Smaller numbers, the smallest first.
fn less(n: u64) -> impl Iterator<Item = u64> {
    let mut smaller = vec![0, n / 2, n.saturating_sub(1)];
    smaller.dedup();
    smaller.retain(|smaller| *smaller < n);
    smaller.into_iter()
}
