//! I8: what needs people begins only after enough of them said yes to exactly that. Held against what people were
//! seen to send, and the hash is taken anew from what is done.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    action::{Goal, Intent, Operation, Spec},
    approval::{Event, Subject},
    id::{ApprovalId, PersonId},
    time::Timestamp,
};

use crate::violation::{Violation, ensure};

#[derive(Debug, Default)]
pub(crate) struct Consents {
    /// The yeses that people sent, with the hash of what they looked at.
    said: BTreeSet<(PersonId, ApprovalId, String)>,
    asked: BTreeMap<ApprovalId, Asked>,
}

#[derive(Debug)]
struct Asked {
    subject: Subject,
    quorum: u32,
    requesters: BTreeSet<PersonId>,
    /// Absent: nobody is asked now.
    until: Option<Timestamp>,
    grants: BTreeSet<PersonId>,
    /// It is about the limits, and who asks for the same says yes.
    of_limits: bool,
}

impl Consents {
    /// A person sent a yes; whether it counts is for the platform to say.
    pub(crate) fn heard(&mut self, person: PersonId, id: ApprovalId, hash: &str) {
        self.said.insert((person, id, hash.to_owned()));
    }

    pub(crate) fn take(&mut self, id: ApprovalId, event: &Event, at: Timestamp) -> Result<(), Violation> {
        if let Event::Requested { subject, hash, terms, requesters, expires_at, leave, .. } = event {
            ensure(subject.hash() == *hash, "I8", || format!("{id} does not have the hash of what it asks"))?;
            let asked = Asked {
                subject: subject.clone(),
                quorum: terms.quorum,
                requesters: requesters.iter().copied().collect(),
                until: Some(*expires_at),
                grants: BTreeSet::new(),
                of_limits: leave.is_some(),
            };
            self.asked.insert(id, asked);
            return Ok(());
        }
        let unknown = || Violation::new("I8", format!("{id} has facts and was never asked"));
        let asked = self.asked.get_mut(&id).ok_or_else(unknown)?;
        match event {
            Event::Granted { person, .. } => {
                let name = (*person, id, asked.subject.hash().to_string());
                ensure(asked.of_limits || self.said.contains(&name), "I8", || {
                    format!("{person} is said to allow {id}, and never sent the hash of what it asks")
                })?;
                ensure(!asked.requesters.contains(person), "I8", || {
                    format!("{person} asked for {id} and allows it")
                })?;
                ensure(asked.until.is_some_and(|until| at < until), "I8", || {
                    format!("{person} allows {id} when nobody is asked")
                })?;
                asked.grants.insert(*person);
            }
            Event::Expired { again_until } => {
                asked.grants.clear();
                asked.until = *again_until;
            }
            Event::Renewed { expires_at } => asked.until = Some(*expires_at),
            Event::Denied { .. } | Event::Ended { .. } => asked.until = None,
            Event::Requested { .. } | Event::Consumed { .. } | Event::Voided { .. } => {}
        }
        Ok(())
    }

    /// The first intent that uses a yes; those that follow under the same key are covered by it.
    pub(crate) fn used(
        &self,
        spec: &Spec,
        goal: Goal,
        intent: &Intent,
        at: Timestamp,
    ) -> Result<(), Violation> {
        let Some(pass) = intent.pass else {
            let looks = intent.operation == Operation::ReadBack;
            let may = spec.approval.is_none() || goal != Goal::Apply || looks;
            return ensure(may, "I8", || format!("{} begins without the yes that it asks for", intent.key));
        };
        let id = pass.approval;
        let unknown = || Violation::new("I8", format!("{} uses {id}, which was never asked", intent.key));
        let asked = self.asked.get(&id).ok_or_else(unknown)?;
        let verb = match (goal, &spec.revert) {
            (Goal::Release, Some(revert)) => revert,
            (Goal::Apply | Goal::Release, _) => &spec.verb,
        };
        let done = Subject::new(verb.clone(), spec.args.clone(), asked.subject.targets.clone());
        let named = asked.subject.targets.contains(&spec.target);
        ensure(named && done.hash() == asked.subject.hash(), "I8", || {
            format!("{verb} on {} is not what {id} allows", spec.target)
        })?;
        ensure(asked.until.is_some_and(|until| at < until), "I8", || format!("{id} is used after its end"))?;
        let people = asked.grants.len() as u32;
        ensure(people >= asked.quorum.max(pass.quorum), "I8", || {
            format!("{id} is used with the yes of {people}, and needs {}", asked.quorum)
        })
    }
}
