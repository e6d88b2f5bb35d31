//! The parts of a review beside its reports: who took part, what was found, what people judge, and what is changed for it.
//!
//! A corrective action that names a file of the content is done when a version of it is in force that was not there when
//! the action was agreed; nobody's word stands for that.

use serde::{Deserialize, Serialize};

use super::{Event, Review, Told};
use crate::{
    event::{Context, Meta, Rejected},
    id::{PersonId, ReviewId},
    incident::Status,
    state::State,
    time::{Span, Timestamp},
};

/// Who takes part in a review.
pub const ROLES: [&str; 4] =
    ["incident_commander", "technical_responders", "affected_stakeholders", "management_representative"];
/// At most so many people, and so many corrective actions, in one review.
const PEOPLE_MAX: usize = 50;
const ACTIONS_MAX: usize = 50;
const TEXT_MAX: usize = 16 * 1024;
/// Lessons are shown on other incidents, so they are short.
const LESSONS_MAX: usize = 4 * 1024;
const LINE_MAX: usize = 256;
const DUE_MAX: Span = Span::secs(730 * 86_400);

/// What a review looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    IncidentTimeline,
    RootCauseAnalysis,
    ResponseEffectiveness,
    CommunicationQuality,
    LessonsLearned,
    ImprovementActions,
}

impl Area {
    pub const ALL: [Area; 6] = [
        Area::IncidentTimeline,
        Area::RootCauseAnalysis,
        Area::ResponseEffectiveness,
        Area::CommunicationQuality,
        Area::LessonsLearned,
        Area::ImprovementActions,
    ];
}

/// What only people can say; what nobody answered is in no figure.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answers {
    /// How content those were who were hurt, from 1 to 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub satisfaction: Option<u8>,
    /// Whether it went to the right people at the right time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalated_rightly: Option<bool>,
    /// How much of the harm that it could have done was avoided, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impact_avoided: Option<u8>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Participant {
    pub role: Box<str>,
    pub who: Box<str>,
    pub attended: bool,
    pub signed: Option<(PersonId, Timestamp)>,
}

/// What is changed so that it does not come again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Corrective {
    pub what: Box<str>,
    /// A contact, team or role.
    pub owner: Box<str>,
    pub remind_at: Timestamp,
    pub due: Timestamp,
    pub told: Told,
    /// A file of the content that has to change, with its hash when the action was agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<(Box<str>, Box<str>)>,
    pub done: Option<(PersonId, Timestamp)>,
    #[serde(default)]
    pub note: Box<str>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    Attend {
        role: String,
        who: String,
        attended: bool,
    },
    /// Whoever took part agrees with what the review says.
    Sign {
        role: String,
        who: String,
    },
    Find {
        area: Area,
        text: String,
    },
    Answer(Answers),
    Plan {
        what: String,
        owner: String,
        due: Timestamp,
        file: Option<String>,
    },
    /// By its number, from 1.
    Finish {
        action: u32,
        note: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "snake_case")]
pub enum Fact {
    Attended {
        role: Box<str>,
        who: Box<str>,
        attended: bool,
    },
    Signed {
        role: Box<str>,
        who: Box<str>,
    },
    Found {
        area: Area,
        text: Box<str>,
        /// The cause, which people were told was pending; now they hear of it, once.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        awaited: bool,
    },
    Answered {
        answers: Answers,
    },
    Planned {
        what: Box<str>,
        owner: Box<str>,
        remind_at: Timestamp,
        due: Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<(Box<str>, Box<str>)>,
    },
    Finished {
        action: u32,
        note: Box<str>,
    },
    ActionReminded {
        action: u32,
    },
    ActionOverdue {
        action: u32,
    },
}

impl Fact {
    pub fn kind(&self) -> &'static str {
        match self {
            Fact::Attended { .. } => "review.attended",
            Fact::Signed { .. } => "review.signed",
            Fact::Found { .. } => "review.found",
            Fact::Answered { .. } => "review.answered",
            Fact::Planned { .. } => "review.action_planned",
            Fact::Finished { .. } => "review.action_finished",
            Fact::ActionReminded { .. } => "review.action_reminded",
            Fact::ActionOverdue { .. } => "review.action_overdue",
        }
    }
}

pub(super) fn decide(
    state: &State,
    id: ReviewId,
    ask: Ask,
    context: &Context,
) -> Result<Vec<(ReviewId, Event)>, Rejected> {
    context.a_person("people write a review")?;
    let review = state.reviews.get(&id);
    let review = review.ok_or_else(|| Rejected::NotFound(format!("there is no open review {id}")))?;
    let fact = match ask {
        Ask::Attend { role, who, attended } => attend(review, &role, &who, attended)?,
        Ask::Sign { role, who } => sign(review, &role, &who)?,
        Ask::Find { area, text } => {
            let most = if area == Area::LessonsLearned { LESSONS_MAX } else { TEXT_MAX };
            let over =
                state.incidents.open.get(&review.incident).is_none_or(|one| one.status == Status::Closed);
            let awaited = area == Area::RootCauseAnalysis && over && !review.explained;
            Fact::Found { area, text: bounded("text", text, most)?, awaited }
        }
        Ask::Answer(answers) => Fact::Answered { answers: judged(answers)? },
        Ask::Plan { what, owner, due, file } => plan(state, review, what, owner, due, file, context.now)?,
        Ask::Finish { action, note } => finish(state, review, action, note)?,
    };
    Ok(vec![(id, Event::Part { fact: Box::new(fact) })])
}

fn bounded(what: &str, text: String, most: usize) -> Result<Box<str>, Rejected> {
    if text.trim().is_empty() || text.len() > most {
        return Err(Rejected::Invalid(format!("the {what} is empty or longer than {most} bytes")));
    }
    Ok(text.into())
}

fn attend(review: &Review, role: &str, who: &str, attended: bool) -> Result<Fact, Rejected> {
    let Some(role) = ROLES.into_iter().find(|known| *known == role) else {
        let shown: String = role.chars().take(64).collect();
        return Err(Rejected::Invalid(format!(
            "`{shown}` is no role of a review; use one of {}",
            ROLES.join(", ")
        )));
    };
    if review.participant(role, who).is_none() && review.people.len() >= PEOPLE_MAX {
        return Err(Rejected::Invalid(format!("more than {PEOPLE_MAX} people take part")));
    }
    Ok(Fact::Attended { role: role.into(), who: bounded("name", who.to_owned(), LINE_MAX)?, attended })
}

fn sign(review: &Review, role: &str, who: &str) -> Result<Fact, Rejected> {
    let Some(one) = review.participant(role, who) else {
        let who: String = who.chars().take(64).collect();
        return Err(Rejected::Conflict(format!("{who} does not take part; say first who attended")));
    };
    if !one.attended {
        return Err(Rejected::Conflict(format!("{} did not attend, and signs nothing", one.who)));
    }
    Ok(Fact::Signed { role: one.role.clone(), who: one.who.clone() })
}

fn judged(answers: Answers) -> Result<Answers, Rejected> {
    if answers == Answers::default() {
        return Err(Rejected::Invalid("nothing is answered".to_owned()));
    }
    if answers.satisfaction.is_some_and(|stars| !(1..=5).contains(&stars)) {
        return Err(Rejected::Invalid("satisfaction is from 1 to 5".to_owned()));
    }
    if answers.impact_avoided.is_some_and(|percent| percent > 100) {
        return Err(Rejected::Invalid("the impact avoided is from 0 to 100 percent".to_owned()));
    }
    Ok(answers)
}

fn plan(
    state: &State,
    review: &Review,
    what: String,
    owner: String,
    due: Timestamp,
    file: Option<String>,
    now: Timestamp,
) -> Result<Fact, Rejected> {
    if review.actions.len() >= ACTIONS_MAX {
        return Err(Rejected::Invalid(format!("more than {ACTIONS_MAX} actions of one review")));
    }
    if due <= now || due.since(now) > DUE_MAX {
        return Err(Rejected::Invalid("an action is due after now, within two years".to_owned()));
    }
    let people = &state.content.people;
    if !people.is_empty() && people.expand([owner.as_str()]).is_empty() {
        let shown: String = owner.chars().take(64).collect();
        return Err(Rejected::Invalid(format!("`{shown}` is no contact, team or role of the content")));
    }
    let file = file.map(|path| {
        // What is not there yet has to come; any version of it is newer.
        let hash = state.content.files.get(&path).cloned().unwrap_or_default();
        bounded("file", path, LINE_MAX).map(|path| (path, hash))
    });
    let remind_at = Timestamp(due.0.saturating_sub_unsigned(state.content.recovery.remind.0)).max(now);
    let (what, owner) = (bounded("action", what, LINE_MAX * 4)?, bounded("owner", owner, LINE_MAX)?);
    Ok(Fact::Planned { what, owner, remind_at, due, file: file.transpose()? })
}

fn finish(state: &State, review: &Review, action: u32, note: String) -> Result<Fact, Rejected> {
    let Some(planned) = review.action(action) else {
        return Err(Rejected::NotFound(format!("{} has no action {action}", review.id)));
    };
    if let Some((person, at)) = planned.done {
        return Err(Rejected::Conflict(format!("{person} finished action {action} at {at}")));
    }
    if let Some((path, before)) = &planned.file {
        match state.content.files.get(&**path) {
            None => return Err(Rejected::Conflict(format!("{path} is not in force; load it first"))),
            Some(hash) if hash == before => {
                let said =
                    format!("{path} is still as it was when the action was agreed; load its new version");
                return Err(Rejected::Conflict(said));
            }
            Some(_) => {}
        }
    }
    Ok(Fact::Finished { action, note: bounded("note", note, LINE_MAX * 4)? })
}

/// What has to be said of its actions by now.
pub(super) fn tell(review: &Review, now: Timestamp) -> Vec<Event> {
    let open = (1u32..).zip(&review.actions).filter(|(_, one)| one.done.is_none());
    let fact = open.filter_map(|(action, one)| {
        if one.due <= now && one.told < Told::Overdue {
            Some(Fact::ActionOverdue { action })
        } else if one.remind_at <= now && one.told < Told::Reminded {
            Some(Fact::ActionReminded { action })
        } else {
            None
        }
    });
    fact.map(|fact| Event::Part { fact: Box::new(fact) }).collect()
}

pub(super) fn next_wakeup(review: &Review) -> Option<(Timestamp, &'static str)> {
    let open = review.actions.iter().filter(|one| one.done.is_none());
    open.filter_map(|one| match one.told {
        Told::Nothing => Some((one.remind_at, "reminder of a corrective action")),
        Told::Reminded => Some((one.due, "deadline of a corrective action")),
        Told::Overdue => None,
    })
    .min()
}

pub(super) fn apply(review: &mut Review, fact: &Fact, meta: &Meta) {
    match fact {
        Fact::Attended { role, who, attended } => match review.participant_mut(role, who) {
            Some(one) => one.attended = *attended,
            None => review.people.push(Participant {
                role: role.clone(),
                who: who.clone(),
                attended: *attended,
                signed: None,
            }),
        },
        Fact::Signed { role, who } => {
            if let Some(one) = review.participant_mut(role, who) {
                one.signed = meta.actor.person().map(|person| (person, meta.time));
            }
        }
        Fact::Found { area, text, awaited } => {
            review.explained |= awaited;
            review.found.insert(*area, text.clone());
        }
        Fact::Answered { answers } => {
            let known = &mut review.answers;
            known.satisfaction = answers.satisfaction.or(known.satisfaction);
            known.escalated_rightly = answers.escalated_rightly.or(known.escalated_rightly);
            known.impact_avoided = answers.impact_avoided.or(known.impact_avoided);
        }
        Fact::Planned { what, owner, remind_at, due, file } => review.actions.push(Corrective {
            what: what.clone(),
            owner: owner.clone(),
            remind_at: *remind_at,
            due: *due,
            told: Told::Nothing,
            file: file.clone(),
            done: None,
            note: "".into(),
        }),
        Fact::Finished { action, note } => {
            if let Some(one) = review.action_mut(*action) {
                one.done = meta.actor.person().map(|person| (person, meta.time));
                one.note = note.clone();
            }
        }
        Fact::ActionReminded { action } => {
            review.action_mut(*action).into_iter().for_each(|one| one.told = Told::Reminded);
        }
        Fact::ActionOverdue { action } => {
            review.action_mut(*action).into_iter().for_each(|one| one.told = Told::Overdue);
        }
    }
}

impl Review {
    fn participant(&self, role: &str, who: &str) -> Option<&Participant> {
        self.people.iter().find(|one| *one.role == *role && *one.who == *who)
    }

    fn participant_mut(&mut self, role: &str, who: &str) -> Option<&mut Participant> {
        self.people.iter_mut().find(|one| *one.role == *role && *one.who == *who)
    }

    /// By its number, from 1.
    pub fn action(&self, number: u32) -> Option<&Corrective> {
        usize::try_from(number).ok()?.checked_sub(1).and_then(|index| self.actions.get(index))
    }

    fn action_mut(&mut self, number: u32) -> Option<&mut Corrective> {
        usize::try_from(number).ok()?.checked_sub(1).and_then(|index| self.actions.get_mut(index))
    }
}
