//! What an entry about procedures, duties and statements says, in a line.

use domain::{
    duty, exercise, statement,
    upkeep::{self, Event},
};

pub(super) fn of_upkeep(event: &upkeep::Event) -> String {
    match event {
        Event::Moved { playbook, from, to, version, why, .. } => {
            let moved = format!("{playbook} {version}: {} to {}", from.name(), to.name());
            if why.is_empty() { moved } else { format!("{moved}: {why}") }
        }
        Event::Came { routine } => routine.to_string(),
        Event::Trained { course, contact, until } => format!("{contact} took {course}, until {until}"),
        Event::Looked { month } => {
            month.as_ref().map_or(String::new(), |month| format!("{} has ended", month.name))
        }
    }
}

pub(super) fn of_duty(event: &duty::Event) -> String {
    match event {
        duty::Event::Opened { name, owner, due, .. } => format!("{name}, for {owner}, due {due}"),
        duty::Event::Reminded | duty::Event::Overdue => String::new(),
        duty::Event::Completed { note } => note.to_string(),
    }
}

pub(super) fn of_statement(event: &statement::Event) -> String {
    match event {
        statement::Event::Drafted { kind, to, subject, .. } => format!("{kind} for {to}: {subject}"),
        statement::Event::Edited { subject, .. } => subject.to_string(),
        statement::Event::Sent { approval, .. } => format!("by {approval}"),
        statement::Event::Delivered { channel } => format!("by {channel}"),
        statement::Event::Undelivered { why, .. } | statement::Event::Withdrawn { why } => why.to_string(),
    }
}

pub(super) fn of_exercise(event: &exercise::Event) -> String {
    use exercise::Event;
    let outcome = |passed: bool| if passed { "passed" } else { "not passed" };
    match event {
        Event::Started { name, .. } => name.to_string(),
        Event::Told { inject } => format!("inject {inject}"),
        Event::Answered { inject, question, .. } => format!("inject {inject}, question {question}"),
        Event::Reached { contact, channel, failed: None } => format!("{contact} by {channel}"),
        Event::Reached { contact, channel, failed: Some(why) } => {
            format!("{contact} not by {channel}: {why}")
        }
        Event::Acknowledged { contact } => contact.to_string(),
        Event::Ended { passed, note } => format!("{}: {note}", outcome(*passed)),
        Event::Recorded { drill, passed, .. } => format!("{drill}: {}", outcome(*passed)),
    }
}
