//! Duties, upkeep, statements and exercises among the live things.

use std::sync::Arc;

use super::State;
use crate::{
    duty::{self, Duty},
    event::{Meta, Stream},
    exercise::{self, Exercise},
    id::{DutyId, ExerciseId, StatementId},
    playbook::{Life, Playbook},
    severity::Severity,
    statement::{self, Statement},
    time::Timestamp,
    upkeep::Upkeep,
};

impl State {
    pub(super) fn restore_upkeep(&mut self, upkeep: Upkeep) -> Stream {
        self.upkeep = upkeep;
        Stream::Upkeep
    }

    pub(super) fn restore_duty(&mut self, duty: Duty) -> Stream {
        let id = duty.id;
        self.duties.insert(id, duty);
        Stream::Duty(id)
    }

    pub(super) fn apply_duty(&mut self, id: DutyId, event: &duty::Event, meta: &Meta) -> u64 {
        match self.duties.get_mut(&id) {
            Some(duty) => duty::apply(duty, event, meta),
            None => self.duties.extend(duty::create(id, event, meta).map(|duty| (id, duty))),
        }
        self.duties.get(&id).map_or(0, |duty| duty.seq)
    }

    pub(super) fn restore_statement(&mut self, statement: Statement) -> Stream {
        let id = statement.id;
        self.statements.insert(id, statement);
        Stream::Statement(id)
    }

    pub(super) fn apply_statement(&mut self, id: StatementId, event: &statement::Event, meta: &Meta) -> u64 {
        match self.statements.get_mut(&id) {
            Some(statement) => statement::apply(statement, event, meta),
            None => self.statements.extend(statement::create(id, event, meta).map(|made| (id, made))),
        }
        self.statements.get(&id).map_or(0, |statement| statement.seq)
    }

    pub(super) fn restore_exercise(&mut self, exercise: Exercise) -> Stream {
        let id = exercise.id;
        self.exercises.insert(id, exercise);
        Stream::Exercise(id)
    }

    pub(super) fn apply_exercise(&mut self, id: ExerciseId, event: &exercise::Event, meta: &Meta) -> u64 {
        match self.exercises.get_mut(&id) {
            Some(exercise) => exercise::apply(exercise, event, meta),
            None => self.exercises.extend(exercise::create(id, event, meta).map(|made| (id, made))),
        }
        self.exercises.get(&id).map_or(0, |exercise| exercise.seq)
    }

    pub(super) fn exercise_wakeup(&self, id: ExerciseId) -> Option<Timestamp> {
        self.exercises.get(&id).and_then(exercise::next_wakeup).map(|(at, _)| at)
    }

    /// The playbook that may start for an incident.
    pub fn playbook_for(&self, incident_type: &str, severity: Severity) -> Option<&Arc<Playbook>> {
        let active = |playbook: &Playbook| self.upkeep.life(playbook) == Life::Active;
        self.content.choose(incident_type, severity, active)
    }
}
