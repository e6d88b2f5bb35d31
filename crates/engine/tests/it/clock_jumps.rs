//! The wall clock jumps back and forward between lives of the process: platform time never goes back, and each level
//! is called once.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::time::Timestamp;
use store::{Memory, Store};

use crate::bench_platform::{Bench, applied};

const DAWN: i64 = 1_800_000_000_000_000;
static WALL: AtomicI64 = AtomicI64::new(DAWN);

/// A life of the process that begins so many minutes after dawn by the wall clock.
fn life(store: &Arc<dyn Store>, minutes: i64) -> Bench {
    WALL.store(DAWN + minutes * 60_000_000, Ordering::SeqCst);
    Bench::at(store.clone(), || Timestamp(WALL.load(Ordering::SeqCst)), applied)
}

#[test]
fn each_level_is_called_once_whatever_the_wall_clock_says() {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let mut bench = life(&store, 0);
    bench.alert([
        ("alertname", "DoubleVote"),
        ("incident_type", "validator_compromise"),
        ("severity", "critical"),
        ("node", "validator-3"),
    ]);
    let id = bench.platform().handle.reader().incidents(false, crate::way_of_an_alert::ALL).unwrap()[0].id;
    // Five minutes a level, counted in platform time from when the level before was engaged.
    for (minutes, level) in
        [(-600, 1), (4, 1), (6, 2), (3, 2), (-60, 2), (12, 3), (11, 3), (900, 4), (0, 4), (9_000, 4)]
    {
        bench.platform.take().unwrap().stop();
        bench = life(&store, minutes);
        let what = format!("level {level} at minute {minutes}");
        bench.until(&what, |reader| reader.incident(id).unwrap().unwrap().standing().level == level);
    }
    let kinds = bench.kinds(0);
    assert_eq!(kinds.matches("incident.escalated").count(), 3, "{kinds}");
    let reader = bench.platform().handle.reader();
    let times: Vec<i64> = (0..reader.length().unwrap())
        .map(|position| reader.entry(position).unwrap().unwrap().envelope.time_us)
        .collect();
    assert!(times.is_sorted(), "platform time went back");
    assert!(kinds.contains("control.clock_doubted"), "a jump is said: {kinds}");
}
