//! How services stand by their probes.

use super::{Event, Health, Probed, Standing, apply, standing};
use crate::{
    content::services::ServiceSpec,
    event::{Actor, Meta},
    id::{ActionId, IncidentId},
    time::{Span, Timestamp},
};

fn service() -> ServiceSpec {
    let services = crate::content::load(&crate::scene::shipped()).0.services;
    let mut ledger = services["ledger"].clone();
    ledger.probes[0].targets = Some(vec!["a".to_owned(), "b".to_owned()]);
    ledger.fresh_for = Span::secs(60);
    ledger
}

fn probe(health: &mut Health, at: i64, target: &str, passed: bool) {
    let probed = Probed {
        service: "ledger".into(),
        check: "ledger_answers".into(),
        target: target.into(),
        passed,
        said: "said".into(),
        action: ActionId::from_number(1),
        incident: IncidentId::from_number(2),
    };
    let meta = Meta { position: 0, time: Timestamp(at * 1_000_000), actor: Actor::Platform };
    apply(health, &Event::Probed(probed), &meta);
}

#[test]
fn only_fresh_probes_of_everything_are_health() {
    let (service, mut health) = (service(), Health::default());
    let at = |seconds: i64| Timestamp(seconds * 1_000_000);
    assert_eq!(standing(&health, &service, at(0)), Standing::Unknown);
    probe(&mut health, 10, "a", true);
    assert_eq!(standing(&health, &service, at(10)), Standing::Unknown, "nobody looked at b");
    probe(&mut health, 20, "b", true);
    assert_eq!(standing(&health, &service, at(70)), Standing::Healthy { as_of: at(10) });
    assert_eq!(standing(&health, &service, at(71)), Standing::Stale { as_of: at(10) });
    probe(&mut health, 80, "a", false);
    let said = "`ledger_answers` on a: said".to_owned();
    assert_eq!(standing(&health, &service, at(500)), Standing::Unhealthy { as_of: at(80), said });
    probe(&mut health, 90, "a", true);
    assert_eq!(standing(&health, &service, at(90)), Standing::Stale { as_of: at(20) });
    assert_eq!((health.seq, health.last.len()), (4, 2));
}
