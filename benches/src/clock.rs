//! The clocks that criterion measures by.

use std::time::{Duration, Instant};

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use rustix::time::{ClockId, clock_gettime};

/// A clock. On a machine that is busy with other things, the thread's own one leaves out the time in which the
/// others had the processor. Nothing that is measured here waits for anything, so that is all it leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The clock on the wall.
    Wall,
    /// The time that this thread has had a processor.
    Thread,
}

/// A moment on a clock.
#[derive(Debug, Clone, Copy)]
pub enum Moment {
    Wall(Instant),
    Thread(Duration),
}

impl Clock {
    /// The wall's, unless `LOGSCOPE_BENCH_CPU_TIME` is set.
    pub fn from_environment() -> Clock {
        match std::env::var_os("LOGSCOPE_BENCH_CPU_TIME") {
            Some(_) => Clock::Thread,
            None => Clock::Wall,
        }
    }

    /// What the clock shows now.
    pub fn now(self) -> Moment {
        match self {
            Clock::Wall => Moment::Wall(Instant::now()),
            Clock::Thread => Moment::Thread(thread_time()),
        }
    }
}

impl Moment {
    /// How much time of its clock has passed since.
    pub fn elapsed(self) -> Duration {
        match self {
            Moment::Wall(start) => start.elapsed(),
            Moment::Thread(start) => thread_time().saturating_sub(start),
        }
    }
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

impl Measurement for Clock {
    type Intermediate = Moment;
    type Value = Duration;

    fn start(&self) -> Moment {
        self.now()
    }

    fn end(&self, start: Moment) -> Duration {
        start.elapsed()
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}
