//! Going back to a backup: two people ask for the same one, it is laid ready beside the data, and the next start puts it
//! in its place.

use serde::{Deserialize, Serialize};

use super::{Control, Event, Leave};
use crate::{
    event::{Meta, Rejected},
    id::ApprovalId,
    time::Timestamp,
};

/// One backup, by what it holds: another file under the same name is another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    pub backup: Box<str>,
    /// How many entries of the log it holds, and the root over them.
    pub entries: u64,
    pub root: Box<str>,
    /// It was made after this onset of an incident, so it may hold what the attacker left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_onset: Option<Timestamp>,
}

/// What two people asked for, until the start that does it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restore {
    pub wanted: Wanted,
    pub reason: Box<str>,
    pub approval: ApprovalId,
    pub since: Timestamp,
    /// It was verified anew and lies beside the data; the next start puts it in its place.
    pub ready: bool,
}

/// The names are those of a shelf of backups, whatever a caller wrote.
pub(super) fn check(wanted: &Wanted) -> Result<(), Rejected> {
    if wanted.backup.is_empty() || wanted.backup.len() > 128 || wanted.root.len() > 128 {
        return Err(Rejected::Invalid("a backup has an id and a root of at most 128 bytes".to_owned()));
    }
    Ok(())
}

/// Nothing else is asked for while one is under way.
pub fn free(control: &Control, leave: &Leave) -> Result<(), Rejected> {
    match (leave, &control.restore) {
        (Leave::Data(wanted), None) => check(wanted),
        (Leave::Data(_), Some(under_way)) => Err(Rejected::Conflict(format!(
            "backup {} is to be put in place at the next start already; cancel that first",
            under_way.wanted.backup
        ))),
        (Leave::KillSwitch { .. } | Leave::SafeMode { .. }, _) => Ok(()),
    }
}

/// Whoever laid it ready says which: another one may have been agreed on meanwhile.
pub(super) fn ready(control: &Control, approval: ApprovalId) -> Vec<Event> {
    let waits =
        control.restore.as_ref().is_some_and(|restore| restore.approval == approval && !restore.ready);
    if waits { vec![Event::RestoreReady { approval: Some(approval) }] } else { Vec::new() }
}

/// What could not be laid ready ends no other; a person, who names none, ends what is under way.
pub(super) fn end(
    control: &Control,
    why: Box<str>,
    approval: Option<ApprovalId>,
) -> Result<Vec<Event>, Rejected> {
    let under_way = control.restore.as_ref().map(|restore| restore.approval);
    match (under_way, approval) {
        (Some(under_way), Some(named)) if under_way != named => Ok(Vec::new()),
        (Some(_), _) => Ok(vec![Event::RestoreEnded { why }]),
        (None, Some(_)) => Ok(Vec::new()),
        (None, None) => Err(Rejected::Conflict("no restore is under way".to_owned())),
    }
}

/// Where this log goes on although a restore was asked for, the restore has not been done.
pub(super) fn not_done(control: &Control) -> Option<Event> {
    let why = "the server began again without it: it was not laid ready before; ask again";
    control.restore.as_ref().map(|_| Event::RestoreEnded { why: why.into() })
}

pub(super) fn apply(control: &mut Control, event: &Event, meta: &Meta) {
    match event {
        Event::RestoreApproved { wanted, reason, approval } => {
            let (wanted, reason) = ((**wanted).clone(), reason.clone());
            let restore = Restore { wanted, reason, approval: *approval, since: meta.time, ready: false };
            control.restore = Some(Box::new(restore));
        }
        Event::RestoreReady { approval } => {
            // An older entry names none, and meant what was under way.
            let meant = |restore: &&mut Box<Restore>| approval.is_none_or(|named| named == restore.approval);
            if let Some(restore) = control.restore.as_mut().filter(meant) {
                restore.ready = true;
            }
        }
        Event::RestoreEnded { .. } => control.restore = None,
        Event::Started { .. }
        | Event::KillSwitchOn { .. }
        | Event::KillSwitchOff { .. }
        | Event::SafeModeSet { .. }
        | Event::BreakerOpened { .. }
        | Event::BreakerClosed { .. }
        | Event::ClockDoubted { .. }
        | Event::ClockConfirmed
        | Event::GlassBroken { .. }
        | Event::GlassMended
        | Event::BackedUp { .. }
        | Event::BackupFailed { .. }
        | Event::Restored { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        control::{Command, SafeMode},
        event::Actor,
        flow,
        id::PersonId,
        scene::Scene,
        time::Span,
    };

    fn wanted(root: &str) -> Wanted {
        Wanted { backup: "b1".into(), entries: 7, root: root.into(), after_onset: None }
    }

    fn restore(root: &str) -> flow::Command {
        let (wanted, reason) = (Box::new(wanted(root)), "the intruder".to_owned());
        flow::Command::Control(Command::Restore { wanted, reason })
    }

    fn control(command: Command) -> flow::Command {
        flow::Command::Control(command)
    }

    fn another(scene: &mut Scene) -> Actor {
        let id = PersonId::from_number(scene.next);
        let (name, role) = (format!("p{}", scene.next), crate::access::Role::Commander);
        scene.must(flow::Command::Access(crate::access::Command::AddPerson { name, role }));
        Actor::Person(id)
    }

    #[test]
    fn two_people_agree_on_one_backup_by_what_it_holds() {
        let mut scene = Scene::new(&[]);
        let refused = scene.ask(Actor::Platform, restore("r1"));
        assert!(refused.is_err(), "nobody but people asks");
        scene.must(restore("r1"));
        assert!(scene.state.control.restore.is_none());
        assert!(scene.refused(restore("r1")).contains("each person counts once"));
        // Another file of the same name is another request.
        scene.must(restore("r2"));
        assert_eq!(scene.state.approvals.len(), 2);
        // A limit that moves says nothing about it.
        let reason = String::new();
        scene.must(control(Command::SetSafeMode { level: SafeMode::Restricted, reason }));
        assert!(scene.state.approvals.values().all(|approval| !approval.ended));
        let second = another(&mut scene);
        scene.ask(second, restore("r1")).unwrap();
        let agreed = scene.state.control.restore.clone().unwrap();
        assert_eq!((agreed.wanted.clone(), agreed.ready), (wanted("r1"), false));
        assert!(agreed.reason.starts_with("the intruder; asked for by "), "{agreed:?}");
        assert!(
            scene.state.approvals.values().all(crate::approval::is_over),
            "nothing else is asked any more"
        );
        assert!(scene.refused(restore("r3")).contains("cancel that first"));
        let approval = agreed.approval;
        scene.must(control(Command::RestoreReady { approval }));
        assert!(scene.state.control.restore.as_ref().unwrap().ready);
        scene.facts.clear();
        scene.must(control(Command::RestoreReady { approval }));
        assert!(scene.facts.is_empty(), "once");
    }

    fn call_off() -> Command {
        Command::EndRestore { why: "found another way".to_owned(), approval: None }
    }

    #[test]
    fn what_is_ready_or_failed_is_the_one_that_was_agreed_on_and_no_later_one() {
        let mut scene = Scene::new(&[]);
        scene.both(restore("r1"));
        let first = scene.state.control.restore.as_ref().unwrap().approval;
        scene.must(control(call_off()));
        scene.both(restore("r2"));
        let second = scene.state.control.restore.as_ref().unwrap().approval;
        assert_ne!(first, second);
        // Whoever was still at work on the first one comes back.
        scene.facts.clear();
        scene.must(control(Command::RestoreReady { approval: first }));
        let failed =
            |approval| Command::EndRestore { why: "it is gone".to_owned(), approval: Some(approval) };
        scene.must(control(failed(first)));
        assert!(scene.facts.is_empty(), "{:?}", scene.facts);
        let agreed = scene.state.control.restore.clone().unwrap();
        assert_eq!((agreed.wanted, agreed.ready), (wanted("r2"), false));
        scene.must(control(failed(second)));
        assert!(scene.state.control.restore.is_none());
        scene.facts.clear();
        scene.must(control(failed(second)));
        assert!(scene.facts.is_empty(), "it has ended already");
    }

    #[test]
    fn an_older_entry_that_names_no_consent_makes_ready_what_was_under_way() {
        let mut scene = Scene::new(&[]);
        scene.both(restore("r1"));
        let old: Event = serde_json::from_str(r#"{"event":"restore_ready"}"#).unwrap();
        assert_eq!(old, Event::RestoreReady { approval: None });
        let meta = Meta { position: 0, time: scene.now, actor: Actor::Platform };
        apply(&mut scene.state.control, &old, &meta);
        assert!(scene.state.control.restore.as_ref().unwrap().ready);
        let other = Event::RestoreReady { approval: Some(ApprovalId::from_number(u64::MAX)) };
        scene.state.control.restore.as_mut().unwrap().ready = false;
        apply(&mut scene.state.control, &other, &meta);
        assert!(!scene.state.control.restore.as_ref().unwrap().ready);
    }

    #[test]
    fn a_log_that_goes_on_has_not_been_restored_and_what_is_called_off_is_over() {
        let mut scene = Scene::new(&[]);
        assert!(
            scene
                .refused(control(Command::EndRestore { why: String::new(), approval: None }))
                .contains("no restore")
        );
        scene.both(restore("r1"));
        scene.start(2);
        assert!(scene.state.control.restore.is_none());
        assert!(scene.look().contains("control.restore_ended"), "it says so");
        scene.both(restore("r1"));
        let approval = scene.state.control.restore.as_ref().unwrap().approval;
        scene.must(control(call_off()));
        assert!(scene.state.control.restore.is_none());
        scene.must(control(Command::RestoreReady { approval }));
        assert!(scene.state.control.restore.is_none(), "what was called off is not ready");
        // Whoever asked alone has fifteen minutes to find another.
        scene.must(restore("r1"));
        scene.wait(Span::secs(16 * 60));
        let second = another(&mut scene);
        scene.ask(second, restore("r1")).unwrap();
        assert!(scene.state.control.restore.is_none(), "the first asked too long ago");
    }
}
