//! An attack under way: it follows its script, and does damage through every target that is not contained.

use serde_json::{Value, json};

use super::World;
use super::target::{File, Leak, Session};
use crate::happening::Kind;
use crate::order::IsolationLevel;
use crate::scenario::{Beat, Deed, DrillAlert, Goal, Scenario, Work};
use crate::spec::{TargetKind, TargetRef};

#[derive(Clone, Debug)]
pub(super) struct Attack {
    scenario: Scenario,
    started_us: u64,
    beats_done: usize,
    ways: Vec<Way>,
    first_alert_us: Option<u64>,
    contained_us: Option<u64>,
    stop_told: bool,
}

/// One target through which the attacker works.
#[derive(Clone, Debug)]
struct Way {
    work: Work,
    since_us: u64,
    damage: u64,
    /// What it would have done besides, had it stayed open.
    spared: u64,
    /// As last noticed; the truth is in the target.
    open: bool,
}

impl Attack {
    pub(super) fn new(scenario: Scenario, now_us: u64) -> Attack {
        Attack {
            scenario,
            started_us: now_us,
            beats_done: 0,
            ways: Vec::new(),
            first_alert_us: None,
            contained_us: None,
            stop_told: false,
        }
    }

    fn due(&self, now_us: u64) -> Option<(u64, Beat)> {
        let beat = self.scenario.beats.get(self.beats_done)?;
        let at_us = self.started_us.saturating_add(beat.at_us);
        (at_us <= now_us).then(|| (at_us, beat.clone()))
    }

    fn finished(&self) -> bool {
        self.beats_done == self.scenario.beats.len() && self.ways.iter().all(|way| !way.open)
    }
}

impl Way {
    /// Periods that end after `from_us` and not after `to_us`.
    fn periods(&self, from_us: u64, to_us: u64) -> u64 {
        let period_us = self.work.period_us.max(1);
        let ended = |at_us: u64| at_us.saturating_sub(self.since_us) / period_us;
        ended(to_us) - ended(from_us.min(to_us))
    }
}

impl World {
    /// Damage done by the present attack, in its units.
    pub fn damage(&self) -> u64 {
        self.attack.as_ref().map_or(0, |attack| attack.ways.iter().map(|way| way.damage).sum())
    }

    /// Damage that the present attack would have done besides, had nothing been contained.
    pub fn spared(&self) -> u64 {
        self.attack.as_ref().map_or(0, |attack| attack.ways.iter().map(|way| way.spared).sum())
    }

    /// Whether the attack has played out its script and has no way left; true without an attack.
    pub fn attack_stopped(&self) -> bool {
        self.attack.as_ref().is_none_or(Attack::finished)
    }

    /// The goals of the present attack and whether each holds now.
    pub fn goals(&self) -> Vec<(Goal, bool)> {
        let Some(attack) = &self.attack else { return Vec::new() };
        attack.scenario.goals.iter().map(|goal| (goal.clone(), self.met(goal))).collect()
    }

    /// Moves the time forward; it never goes back. Between two beats nothing changes but the damage, so each stretch
    /// is one multiplication, however long.
    pub(super) fn advance(&mut self, now_us: u64) {
        let now_us = now_us.max(self.now_us);
        while let Some((at_us, beat)) = self.attack.as_ref().and_then(|attack| attack.due(now_us)) {
            self.suffer(at_us.max(self.now_us));
            self.play(beat);
        }
        self.suffer(now_us);
    }

    /// Tells which ways were closed, or opened again, by the change just made.
    pub(super) fn notice_lost_ways(&mut self) {
        let Some(mut attack) = self.attack.take() else { return };
        for way in &mut attack.ways {
            let open = self.way_open(&way.work);
            if open == way.open {
                continue;
            }
            way.open = open;
            let Work { through, doing, .. } = &way.work;
            let (kind, text) = match open {
                false => (Kind::Stopped, format!("No more {doing}: the attacker lost {}.", through.id)),
                true => (Kind::Attack, format!("The attacker has {} back.", through.id)),
            };
            self.tell(kind, text);
        }
        if attack.contained_us.is_none() && attack.scenario.goals.iter().all(|goal| self.met(goal)) {
            attack.contained_us = Some(self.now_us);
        }
        self.attack = Some(attack);
        self.announce_stop();
    }

    pub(super) fn attack_view(&self, attack: &Attack) -> Value {
        let ways: Vec<Value> = attack
            .ways
            .iter()
            .map(|way| {
                let through = &way.work.through;
                json!({"kind": through.kind, "id": through.id, "doing": way.work.doing, "damage": way.damage, "open": way.open})
            })
            .collect();
        let goals: Vec<Value> = attack
            .scenario
            .goals
            .iter()
            .map(|goal| json!({"verb": goal.verb, "target": goal.target.id, "met": self.met(goal)}))
            .collect();
        json!({
            "scenario": attack.scenario.id,
            "started_us": attack.started_us,
            "first_alert_us": attack.first_alert_us,
            "contained_us": attack.contained_us,
            "damage": self.damage(),
            "spared": self.spared(),
            "stopped": attack.finished(),
            "ways": ways,
            "goals": goals,
        })
    }

    /// Damage from now until `to_us`, which becomes now.
    fn suffer(&mut self, to_us: u64) {
        let from_us = self.now_us;
        self.now_us = to_us;
        let Some(attack) = &mut self.attack else { return };
        let mut news = Vec::new();
        for way in &mut attack.ways {
            let more = way.work.damage.saturating_mul(way.periods(from_us, to_us));
            if !way.open {
                way.spared = way.spared.saturating_add(more);
                continue;
            }
            way.damage = way.damage.saturating_add(more);
            if more > 0 {
                let Work { through, doing, .. } = &way.work;
                news.push(format!(
                    "The damage grows: {doing} through {}, {more} more, {} in all.",
                    through.id, way.damage
                ));
            }
        }
        for text in news {
            self.tell(Kind::Damage, text);
        }
    }

    fn play(&mut self, beat: Beat) {
        self.tell(Kind::Attack, beat.text);
        let way = beat.deed.and_then(|deed| self.commit(deed));
        let now_us = self.now_us;
        let Some(attack) = &mut self.attack else { return };
        attack.beats_done += 1;
        attack.ways.extend(way);
        if let Some(alert) = beat.alert {
            attack.first_alert_us.get_or_insert(now_us);
            let name = alert.labels.get("alertname").map_or("alert", String::as_str);
            let text = format!("A monitor raises {name}.");
            self.alerts.push(alert);
            self.tell(Kind::Alert, text);
        }
        self.announce_stop();
    }

    fn announce_stop(&mut self) {
        let damage = self.damage();
        let Some(attack) = &mut self.attack else { return };
        let stopped = attack.finished();
        let news = stopped && !attack.stop_told;
        attack.stop_told = stopped;
        if news {
            self.tell(Kind::Stopped, format!("The attack has stopped. Damage stands at {damage}."));
        }
    }

    fn commit(&mut self, deed: Deed) -> Option<Way> {
        match deed {
            Deed::Compromise { node } => {
                self.take_over(&node, None);
                None
            }
            Deed::LogIn { session, account, from } => {
                if self.guards_against(&from) {
                    self.tell(Kind::Nothing, format!("{from} is no address that {account} logs in from."));
                } else if !self.suspended(&account) {
                    self.targets.sessions.insert(session, Session::open(&account, &from));
                }
                None
            }
            Deed::Upload { file } => {
                if self.refuses(&file) {
                    self.tell(Kind::Nothing, format!("{} is refused: not what it is called.", file.id));
                    return None;
                }
                self.targets.files.insert(file.id.clone(), File { spec: file, quarantined: false });
                None
            }
            Deed::Fail { node } => {
                self.fail(&node);
                None
            }
            Deed::Inject { session, signature, techniques } => {
                self.inject(&session, signature, techniques);
                None
            }
            Deed::Damage { target } => {
                self.spoil(&target);
                None
            }
            Deed::Stop { service } => {
                if let Some(service) = self.targets.services.get_mut(&service) {
                    service.down = true;
                }
                None
            }
            Deed::Ask { session, prompts, bytes_out } => {
                self.count_asking(&session, prompts, bytes_out);
                None
            }
            Deed::Poison { dataset, vector, percent } => {
                self.poison(&dataset, vector, percent);
                None
            }
            Deed::Leak { service, persons, outside, copies } => {
                self.let_out(&service, Leak { persons, outside, copies, purged: false });
                None
            }
            Deed::Exploit { node, hole } => {
                self.take_over(&node, Some(hole));
                None
            }
            Deed::Publish { patch } => {
                self.patches.push(patch);
                None
            }
            Deed::Work(work) => {
                let open = self.way_open(&work);
                Some(Way { work, since_us: self.now_us, damage: 0, spared: 0, open })
            }
        }
    }

    /// Its peers notice at once, and raise the alarm where too few of them are left to agree.
    fn fail(&mut self, id: &str) {
        let Some(node) = self.targets.nodes.get_mut(id) else { return };
        node.down = true;
        node.log =
            ["height 48210 committed", "disk: input/output error", "panic: write-ahead log", "exit 134"]
                .map(str::to_owned)
                .to_vec();
        if self.consensus_at_risk() {
            let active = self.active_validators();
            self.alerts.push(DrillAlert::consensus_risk(id, active));
            self.tell(Kind::Alert, "A monitor raises BlockchainConsensusRisk.".to_owned());
        }
    }

    fn way_open(&self, work: &Work) -> bool {
        if work.fault {
            return self.targets.nodes.get(&work.through.id).is_some_and(|node| node.down);
        }
        self.open(&work.through)
    }

    fn met(&self, goal: &Goal) -> bool {
        self.read(&goal.verb, goal.target.kind.name(), &goal.target.id, &goal.args).holds
    }

    /// Whether an attacker outside can work through the target.
    fn open(&self, target: &TargetRef) -> bool {
        let id = target.id.as_str();
        match target.kind {
            TargetKind::Node => self.targets.nodes.get(id).is_some_and(|node| {
                // An emergency patch closes the hole; a new image has neither hole nor intruder.
                node.level().is_none_or(|level| level < IsolationLevel::Partial)
                    && self.allowed(&node.segment).is_none()
                    && !self.is_mended(node)
                    && !node.rebuilt
            }),
            // What was stolen is the old key, whoever accepts its successor.
            TargetKind::Key => {
                self.targets.keys.get(id).is_some_and(|key| key.revoked.is_none() && key.generation == 0)
            }
            TargetKind::Account => {
                let refused = self.targets.accounts.get(id).is_some_and(|account| account.no_api);
                !self.suspended(id) && !refused
            }
            TargetKind::Session => {
                let session = self.targets.sessions.get(id);
                session.is_some_and(|session| session.open && !self.targets.blocked.contains(&session.from))
                    && !self.filtered(id)
                    && !session.is_some_and(|session| self.turned_away(session))
            }
            TargetKind::File => self.targets.files.get(id).is_some_and(|file| !file.quarantined),
            TargetKind::Service => {
                let shielded = self.targets.services.get(id).is_some_and(|service| service.shielded);
                !self.disabled(id) && !shielded
            }
            TargetKind::Endpoint => {
                !self.targets.closed.contains(id)
                    && self.targets.endpoints.get(id).is_some_and(|service| !self.disabled(service))
            }
            TargetKind::Segment => self.allowed(id).is_none(),
            TargetKind::Model => self.targets.models.get(id).is_some_and(|model| !model.isolated),
            TargetKind::Dataset => self.targets.datasets.get(id).is_some_and(|data| !data.quarantined),
            // What it learns is wrong only as long as its data are.
            TargetKind::Pipeline => self.targets.pipelines.get(id).is_some_and(|line| {
                let data = self.targets.datasets.get(&line.dataset);
                !line.paused && data.is_none_or(|data| data.vector.is_none() || data.poisoned)
            }),
            TargetKind::Address => !self.targets.blocked.contains(id),
        }
    }
}
