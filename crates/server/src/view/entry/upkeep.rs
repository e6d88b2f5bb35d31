//! What an entry about procedures and duties says, in a line.

use domain::{
    duty,
    upkeep::{self, Event},
};

pub(super) fn of_upkeep(event: &upkeep::Event) -> String {
    match event {
        Event::Moved { playbook, from, to, version, why, .. } => {
            let moved = format!("{playbook} {version}: {} to {}", from.name(), to.name());
            if why.is_empty() { moved } else { format!("{moved}: {why}") }
        }
        Event::Came { routine } => routine.to_string(),
    }
}

pub(super) fn of_duty(event: &duty::Event) -> String {
    match event {
        duty::Event::Opened { name, owner, due, .. } => format!("{name}, for {owner}, due {due}"),
        duty::Event::Reminded | duty::Event::Overdue => String::new(),
        duty::Event::Completed { note } => note.to_string(),
    }
}
