//! Channels that refuse, dawdle, break, and take what they do not own up to, while processes end: each notice is sent
//! at least once over the first channel that takes it, and none is lost.

use std::collections::{BTreeMap, BTreeSet};

use connectors::Delivery;
use domain::{
    id::{IncidentId, NoticeId},
    incident::{self, people},
    notice::{Event, Outcome, Reason, Route},
    time::Span,
};

use crate::{
    chance::Chance,
    rest::{EVERYTHING, unreadable},
    simulation::{Faults, Options, Simulation},
    violation::{Failure, Violation, ensure},
    whole::whole_content,
    world::{Mood, World},
};

const CONTACTS: &str = "
contacts:
  - { name: duty, mail: duty@example.org }
  - { name: lead, mail: lead@example.org }
";

const TEAMS: &str = "
teams:
  - { name: first, role: First, members: [duty] }
  - { name: second, role: Second, members: [lead] }
";

const SEVERITIES: &str = "
severities:
  - { severity: critical, tell: [first, second], acknowledge: immediate, escalate: 90s, update: 4h }
  - { severity: high, tell: [first], acknowledge: 1m, escalate: 2m, update: 8h }
  - { severity: medium, tell: [first], acknowledge: 1h, escalate: 1h }
";

const ESCALATION: &str = "
levels:
  - { title: One, teams: [first], acknowledge: immediate }
  - { title: Two, teams: [second], acknowledge: 3m }
  - { title: Three, teams: [first, second], acknowledge: 1h }
";

const CHANNELS: &str = "
channels:
  - { name: mail, kind: email, timeout: 3s, attempts: 2 }
  - { name: room, kind: slack, timeout: 3s, attempts: 1 }
  - { name: page, kind: pagerduty, timeout: 3s, attempts: 2 }
orders: [{ channels: [mail, room, page] }]
";

/// The files that say who is called, when, and how.
pub(crate) const PEOPLE: [(&str, &str); 5] = [
    ("contacts.yaml", CONTACTS),
    ("teams.yaml", TEAMS),
    ("severities.yaml", SEVERITIES),
    ("escalation.yaml", ESCALATION),
    ("channels.yaml", CHANNELS),
];

/// The channels as they are: what each took, whatever it said.
#[derive(Debug, Default)]
pub(crate) struct Post {
    /// How often in a thousand something goes wrong.
    pub(crate) moody: u32,
    taken: BTreeMap<NoticeId, BTreeSet<Box<str>>>,
    sent: BTreeSet<(NoticeId, u32)>,
}

impl Post {
    /// Takes one sending; what it says of it, and when.
    pub(crate) fn receive(
        &mut self,
        known: &Notices,
        delivery: &Delivery,
        chance: &mut Chance,
    ) -> Result<Vec<(Span, Outcome)>, Violation> {
        let (id, attempt) = (delivery.notice, delivery.attempt);
        known.intended(delivery)?;
        ensure(self.sent.insert((id, attempt)), "N1", || format!("attempt {attempt} of {id} is sent twice"))?;
        let done = Outcome::Delivered { receipt: "taken".to_owned() };
        let lost = Outcome::Unknown { reason: "the connection broke".to_owned() };
        let refused = |retry| Outcome::Refused { reason: "the channel refuses".to_owned(), retry };
        let soon = Span::millis(5);
        let well = !chance.permille(self.moody);
        let (takes, says) = match chance.below(if well { 1 } else { 8 }) {
            0 if well => (true, vec![(soon, done)]),
            0 => (false, vec![(soon, refused(false))]),
            1 => (false, vec![(soon, refused(true))]),
            2 => (true, vec![(soon, lost)]),
            3 => (false, vec![(soon, lost)]),
            4 => (true, Vec::new()),
            5 => (false, Vec::new()),
            6 => (true, vec![(Span::secs(30), done)]),
            _ => (true, vec![(soon, done.clone()), (Span::secs(1), done)]),
        };
        if takes {
            self.taken.entry(id).or_default().insert(delivery.channel.as_str().into());
        }
        Ok(says)
    }
}

/// One notice, as the durable journal has it.
#[derive(Debug)]
struct View {
    routes: Vec<Route>,
    /// Attempt to route and epoch.
    intents: BTreeMap<u32, (u32, u64)>,
    given_up: BTreeSet<u32>,
    over: bool,
    unreached: bool,
}

/// What the durable journal says of notices and of levels that were engaged.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    views: BTreeMap<NoticeId, View>,
    /// Said to be delivered, and by which channel; not compared with the channels yet.
    fresh: Vec<(NoticeId, Box<str>)>,
    escalated: BTreeSet<(IncidentId, u8)>,
    called: BTreeMap<IncidentId, usize>,
}

impl Notices {
    pub(crate) fn take(&mut self, id: NoticeId, event: Event) -> Result<(), Violation> {
        if let Event::Queued { incident, reason, routes, .. } = event {
            if let Some(incident) = incident {
                *self.called.entry(incident).or_default() += usize::from(reason == Reason::Escalated);
            }
            let (intents, given_up) = (BTreeMap::new(), BTreeSet::new());
            self.views.insert(id, View { routes, intents, given_up, over: false, unreached: false });
            return Ok(());
        }
        let missing = || Violation::new("N2", format!("{id} has facts before it was queued"));
        let view = self.views.get_mut(&id).ok_or_else(missing)?;
        ensure(!view.over, "N2", || format!("{} of {id} after its end", event.kind()))?;
        match event {
            Event::Queued { .. } => {}
            Event::Sending { intent } => {
                let passed = (0..intent.route).all(|route| view.given_up.contains(&route));
                ensure(passed, "N2", || format!("{id} passes over a channel that did not fail"))?;
                view.intents.insert(intent.attempt, (intent.route, intent.epoch));
            }
            Event::Delivered { route, .. } => {
                view.over = true;
                if let Some(way) = view.routes.get(route as usize).filter(|way| !way.here) {
                    self.fresh.push((id, way.channel.clone()));
                }
            }
            Event::NotDelivered { route, retry_at, .. } => {
                view.given_up.extend(retry_at.is_none().then_some(route));
            }
            Event::Undeliverable { .. } => {
                let all = view.given_up.len() == view.routes.len();
                ensure(all, "N2", || format!("{id} is given up before every channel was tried"))?;
                (view.over, view.unreached) = (true, true);
            }
            Event::Cancelled { .. } => view.over = true,
        }
        Ok(())
    }

    /// Each level is engaged once; people may call one again.
    pub(crate) fn engaged(
        &mut self,
        id: IncidentId,
        event: &people::Event,
        by_person: bool,
    ) -> Result<(), Violation> {
        let people::Event::Escalated { level, .. } = event else { return Ok(()) };
        let first = self.escalated.insert((id, *level));
        ensure(first || by_person, "N3", || format!("{id} goes to level {level} twice"))
    }

    /// Before a sending reaches its channel: it is intended, durably, by this epoch and for this channel.
    fn intended(&self, delivery: &Delivery) -> Result<(), Violation> {
        let view = self.views.get(&delivery.notice);
        let found = view.and_then(|view| {
            let (route, epoch) = view.intents.get(&delivery.attempt)?;
            Some((&*view.routes.get(*route as usize)?.channel, *epoch))
        });
        ensure(found == Some((delivery.channel.as_str(), delivery.epoch)), "N1", || {
            format!("{} goes to {} without a durable intent: {found:?}", delivery.notice, delivery.channel)
        })
    }

    /// What became delivered was taken by that channel.
    pub(crate) fn compare(&mut self, post: &Post) -> Result<(), Violation> {
        self.fresh.drain(..).try_for_each(|(id, channel)| {
            let taken = post.taken.get(&id).is_some_and(|channels| channels.contains(&channel));
            ensure(taken, "N1", || format!("{id} is delivered by {channel}, which never got it"))
        })
    }

    /// At rest each notice has ended, and every level that was engaged was called.
    pub(crate) fn last_look(&self) -> Result<(), Violation> {
        let open = self.views.iter().find(|(_, view)| !view.over);
        ensure(open.is_none(), "N1", || format!("{:?} is lost", open.map(|(id, _)| id)))?;
        let mut engaged: BTreeMap<IncidentId, usize> = BTreeMap::new();
        self.escalated.iter().for_each(|(id, _)| *engaged.entry(*id).or_default() += 1);
        engaged.iter().try_for_each(|(id, levels)| {
            let called = self.called.get(id).copied().unwrap_or_default();
            ensure(called >= *levels, "N3", || format!("{id} went up {levels} levels and called {called}"))
        })
    }
}

/// What the notices of simulations went through.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    pub notices: u64,
    /// Sent more than once.
    pub repeated: u64,
    /// Tried over more than one channel.
    pub rerouted: u64,
    /// Taken by no channel.
    pub unreached: u64,
    pub escalations: u64,
    pub epochs: u64,
}

/// Runs one seed in which channels fail as well.
///
/// # Errors
/// The first invariant that was broken, or a panic inside the node.
pub fn simulate_notices(options: Options) -> Result<Told, Box<Failure>> {
    let content = whole_content(false);
    let mut chance = Chance::new(options.seed);
    let faults = Faults { store: 60, crash: chance.below(40) as u32, slow: 100, clock: 10 };
    let mut world = World::new(Mood::Moody(50));
    world.post.moody = chance.below(900) as u32;
    let contents = [content.clone(), content];
    let mut simulation = Simulation::new(options, chance, contents, world, faults);
    simulation.guarded(|simulation| {
        let report = simulation.whole()?;
        let notices = &simulation.journal.notices;
        let count =
            |which: fn(&View) -> bool| notices.views.values().filter(|view| which(view)).count() as u64;
        Ok(Told {
            notices: count(|_| true),
            repeated: count(|view| view.intents.len() > 1),
            rerouted: count(|view| view.intents.values().any(|(route, _)| *route > 0)),
            unreached: count(|view| view.unreached),
            escalations: notices.escalated.len() as u64,
            epochs: report.epochs,
        })
    })
}

impl Simulation {
    /// At rest the last level of every open incident that nobody acknowledged is engaged.
    pub(crate) fn everybody_was_called(&self) -> Result<(), Violation> {
        for incident in self.reader().incidents(false, EVERYTHING).map_err(unreadable)? {
            let waits = incident.status == incident::Status::Open && incident.acknowledged.is_none();
            let engaged = !waits || incident.standing().level == 3;
            ensure(engaged, "N3", || {
                format!("{} rests at level {}, and nobody has it", incident.id, incident.standing().level)
            })?;
        }
        Ok(())
    }
}
