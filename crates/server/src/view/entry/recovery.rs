//! What the entries of a recovery say, in a line.

use domain::{
    health,
    recovery::plan::{Event, Service, Stage},
};

pub(super) fn of_fact(fact: &Event) -> String {
    let names = |services: &[Service]| services.iter().map(|one| &*one.name).collect::<Vec<_>>().join(", ");
    match fact {
        Event::Started { services } => format!("in this order: {}", names(services)),
        Event::Widened { services } => format!("also {}", names(services)),
        Event::Retried { services } => services.join(", "),
        Event::Moved { service, to: Stage::Failed { reason }, .. } => format!("{service} failed: {reason}"),
        Event::Moved { service, to, .. } => format!("{service} is {}", to.name()),
        Event::Found { service, action, passed, said, .. } => {
            let by = action.map_or_else(String::new, |action| format!(" ({action})"));
            format!("{service} {}: {said}{by}", if *passed { "holds" } else { "does not hold" })
        }
        Event::Released { service, action, verified } => {
            format!("{service}: {action}{}", if *verified { "" } else { ", not read back" })
        }
        Event::Judged { of, service, passed, note } => {
            let about = service.as_ref().map_or_else(String::new, |service| format!(" of {service}"));
            format!("{}{about} {}: {note}", of.name(), if *passed { "holds" } else { "does not hold" })
        }
        Event::Watched { next_at } => format!("the probes are repeated at {next_at}"),
        Event::Repeated { next_at } => format!("the probes are repeated, and again at {next_at}"),
        Event::Completed => "every service is healthy".to_owned(),
    }
}

pub(super) fn of_health(event: &health::Event) -> String {
    let health::Event::Probed(probed) = event;
    let how = if probed.passed { "holds" } else { "does not hold" };
    format!("`{}` of {} on {} {how}: {}", probed.check, probed.service, probed.target, probed.said)
}
