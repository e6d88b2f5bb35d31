//! What a timer that fired comes to: each machine says for itself what is due.

use super::{Fired, State};
use crate::{
    action, alert, approval, control, duty,
    event::{Context, Event, Stream},
    exercise,
    flow::Command,
    incident, notice, report, review, run, sighting, silence, upkeep,
};

impl State {
    /// What a timer that fired comes to.
    pub fn fire(&self, stream: Stream, context: &Context) -> Fired {
        let now = context.now;
        let one = |event: Option<Event>| event.map_or(Fired::Nothing, |event| Fired::Events(vec![event]));
        match stream {
            Stream::Alert(id) => {
                let live = self.alerts.live.get(&id);
                one(live
                    .and_then(|live| alert::due(&live.0, live.1, now))
                    .map(|event| Event::Alert(id, event)))
            }
            Stream::Silence(id) => {
                let silence = self.silences.get(&id);
                one(silence.and_then(|s| silence::due(s, now)).map(|event| Event::Silence(id, event)))
            }
            Stream::Action(id) => {
                let command = self.actions.get(id).and_then(|action| action::due(action, now));
                command.map_or(Fired::Nothing, |command| Fired::Command(Command::Action(command)))
            }
            Stream::Control => {
                Fired::Events(control::due(&self.control, now).into_iter().map(Event::Control).collect())
            }
            Stream::Approval(id) => {
                let command = self.approvals.get(&id).and_then(|approval| approval::due(approval, now));
                command.map_or(Fired::Nothing, |command| Fired::Command(Command::Approval(command)))
            }
            Stream::Notice(id) => {
                let command = self.notices.get(&id).and_then(|notice| notice::due(notice, now));
                command.map_or(Fired::Nothing, |command| Fired::Command(Command::Notice(command)))
            }
            Stream::Review(id) => {
                let command = self.reviews.get(&id).and_then(|review| review::due(review, now));
                command.map_or(Fired::Nothing, |command| Fired::Command(Command::Review(command)))
            }
            Stream::Run(id) => Fired::Command(Command::Run(run::Command::Advance { id, widened: false })),
            Stream::Report(id) => {
                let command = self.reports.get(&id).and_then(|report| report::due(report, now));
                command.map_or(Fired::Nothing, |command| Fired::Command(Command::Report(command)))
            }
            Stream::Incident(id) => {
                let command = self.incidents.open.get(&id).and_then(|incident| incident::due(incident, now));
                command.map_or(Fired::Nothing, |command| Fired::Command(Command::Incident(command)))
            }
            Stream::Sighting(id) => {
                let command = self.sightings.get(id).and_then(|sighting| sighting::due(sighting, now));
                command.map_or(Fired::Nothing, |command| Fired::Command(Command::Sighting(command)))
            }
            Stream::Upkeep => Fired::Command(Command::Upkeep(upkeep::Command::Round)),
            Stream::Duty(id) => {
                let command = self.duties.get(&id).and_then(|duty| duty::due(duty, now));
                command.map_or(Fired::Nothing, |command| Fired::Command(Command::Duty(command)))
            }
            Stream::Exercise(id) => {
                let command = self.exercises.get(&id).and_then(|exercise| exercise::due(exercise, now));
                command.map_or(Fired::Nothing, |command| Fired::Command(Command::Exercise(command)))
            }
            Stream::Evidence(_)
            | Stream::Health
            | Stream::Person(_)
            | Stream::Token(_)
            | Stream::Raw(_)
            | Stream::Statement(_)
            | Stream::Content
            | Stream::Log => Fired::Nothing,
        }
    }
}
