//! The platform's own controls: kill switch, safe mode, circuit breakers, and doubt about the clock.

pub mod backup;
pub mod own;
pub mod restore;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    event::{Actor, Context, Meta, Rejected},
    id::ApprovalId,
    time::{Span, Timestamp},
};

/// This many calls in a row without success open a breaker by itself.
pub const FAILURES_MAX: u32 = 5;
/// For this long.
pub const BREAKER_PAUSE: Span = Span::secs(30);
/// A start this long after the last entry is doubted.
pub const GAP_MAX: Span = Span::secs(3600);
/// A wall clock this far from platform time is doubted.
pub const SKEW_MAX: Span = Span::secs(5);

/// How long the limits can be left by one alone.
pub const GLASS_LEAST: Span = Span::secs(60);
pub const GLASS_MOST: Span = Span::secs(4 * 3600);

/// How much may still be done. The order is the order of strictness.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SafeMode {
    #[default]
    Disabled,
    Restricted,
    Paranoid,
    Emergency,
    Lockdown,
}

impl SafeMode {
    pub const ALL: [SafeMode; 5] = [
        SafeMode::Disabled,
        SafeMode::Restricted,
        SafeMode::Paranoid,
        SafeMode::Emergency,
        SafeMode::Lockdown,
    ];

    pub fn name(self) -> &'static str {
        match self {
            SafeMode::Disabled => "disabled",
            SafeMode::Restricted => "restricted",
            SafeMode::Paranoid => "paranoid",
            SafeMode::Emergency => "emergency",
            SafeMode::Lockdown => "lockdown",
        }
    }
}

impl fmt::Display for SafeMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for SafeMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a safe-mode level; use disabled, restricted, paranoid, emergency or lockdown"
            )
        };
        let lower = text.to_ascii_lowercase();
        SafeMode::ALL.into_iter().find(|level| level.name() == lower).ok_or_else(wrong)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The process began: the first input of every epoch.
    Start {
        epoch: u64,
        incarnation: String,
        wall: Timestamp,
        /// What this data directory was restored from, if it was.
        restored: Option<Box<backup::Restored>>,
    },
    /// A backup was written and read back whole.
    BackedUp(Box<backup::Backup>),
    BackupFailed {
        why: String,
    },
    /// A person wants the platform to go back to a backup; takes two of them.
    Restore {
        wanted: Box<restore::Wanted>,
        reason: String,
    },
    /// From whoever laid it ready beside the data: the one that was agreed on with this consent.
    RestoreReady {
        approval: ApprovalId,
    },
    /// It could not be laid ready, or a person called off what is under way; then no consent is named.
    EndRestore {
        why: String,
        approval: Option<ApprovalId>,
    },
    SetKillSwitch {
        on: bool,
        reason: String,
    },
    SetSafeMode {
        level: SafeMode,
        reason: String,
    },
    SetBreaker {
        name: String,
        on: bool,
        reason: String,
    },
    /// The platform counted too many failures in a row.
    TripBreaker {
        name: String,
        reason: String,
    },
    /// A wall clock and platform time disagree.
    DoubtClock {
        reason: String,
    },
    ConfirmClock,
    /// A person leaves every level for a time, from the machine itself, as the owner of the data directory.
    BreakGlass {
        reason: String,
        span: Span,
    },
    /// Before that time is over.
    MendGlass,
    /// Two people asked for it.
    Leave {
        leave: Leave,
        reason: String,
        by: ApprovalId,
    },
}

/// What takes two people: one step out of a limit above `restricted`, or out of the data as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "limit", rename_all = "snake_case")]
pub enum Leave {
    KillSwitch { since: Timestamp },
    SafeMode { from: SafeMode, to: SafeMode },
    Data(restore::Wanted),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Started {
        epoch: u64,
        incarnation: Box<str>,
    },
    KillSwitchOn {
        reason: Box<str>,
    },
    KillSwitchOff {
        reason: Box<str>,
        /// By which two people left it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<ApprovalId>,
    },
    SafeModeSet {
        level: SafeMode,
        reason: Box<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<ApprovalId>,
    },
    BreakerOpened {
        name: Box<str>,
        reason: Box<str>,
        /// Closes by itself then; without it a person closes it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    BreakerClosed {
        name: Box<str>,
    },
    ClockDoubted {
        reason: Box<str>,
    },
    ClockConfirmed,
    GlassBroken {
        reason: Box<str>,
        /// The limits come back then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    GlassMended,
    BackedUp {
        backup: Box<backup::Backup>,
    },
    BackupFailed {
        why: Box<str>,
    },
    /// The first start of what came out of a backup, under a name of its own.
    Restored {
        restored: Box<backup::Restored>,
        incarnation: Box<str>,
    },
    /// Two people asked to go back to this backup.
    RestoreApproved {
        wanted: Box<restore::Wanted>,
        reason: Box<str>,
        approval: ApprovalId,
    },
    /// It lies beside the data; the next start puts it in its place.
    RestoreReady {
        /// The consent with which it was agreed on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<ApprovalId>,
    },
    RestoreEnded {
        why: Box<str>,
    },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Started { .. } => "control.started",
            Event::KillSwitchOn { .. } => "control.kill_switch_on",
            Event::KillSwitchOff { .. } => "control.kill_switch_off",
            Event::SafeModeSet { .. } => "control.safe_mode_set",
            Event::BreakerOpened { .. } => "control.breaker_opened",
            Event::BreakerClosed { .. } => "control.breaker_closed",
            Event::ClockDoubted { .. } => "control.clock_doubted",
            Event::ClockConfirmed => "control.clock_confirmed",
            Event::GlassBroken { .. } => "control.glass_broken",
            Event::GlassMended => "control.glass_mended",
            Event::BackedUp { .. } => "backup.created",
            Event::BackupFailed { .. } => "backup.failed",
            Event::Restored { .. } => "control.restored",
            Event::RestoreApproved { .. } => "control.restore_approved",
            Event::RestoreReady { .. } => "control.restore_ready",
            Event::RestoreEnded { .. } => "control.restore_ended",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    pub since: Timestamp,
    pub by: Box<str>,
    pub reason: Box<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    pub since: Timestamp,
    pub until: Option<Timestamp>,
    pub by: Box<str>,
    pub reason: Box<str>,
}

/// The limits that one person left for a time; they come back by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glass {
    pub since: Timestamp,
    pub until: Timestamp,
    pub by: Box<str>,
    pub reason: Box<str>,
    pub kill_switch: Option<Switch>,
    pub safe_mode: SafeMode,
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    pub seq: u64,
    /// Names this data directory in idempotency keys; a restored copy gets another.
    pub incarnation: Box<str>,
    pub epoch: u64,
    pub kill_switch: Option<Switch>,
    pub safe_mode: SafeMode,
    pub breakers: BTreeMap<Box<str>, Breaker>,
    /// Why platform time may be wrong; nothing is lifted until a person confirms.
    pub clock_doubt: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glass: Option<Glass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<backup::Status>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore: Option<Box<restore::Restore>>,
}

impl Control {
    /// All that either of the two forbids.
    #[must_use]
    pub fn stricter(&self, other: &Control) -> Control {
        let mut both = other.clone();
        both.kill_switch = both.kill_switch.or_else(|| self.kill_switch.clone());
        both.safe_mode = both.safe_mode.max(self.safe_mode);
        both.clock_doubt = both.clock_doubt.or_else(|| self.clock_doubt.clone());
        for (name, breaker) in &self.breakers {
            let entry = both.breakers.entry(name.clone()).or_insert_with(|| breaker.clone());
            // One without an end holds longer than any.
            entry.until = entry.until.zip(breaker.until).map(|(a, b)| a.max(b));
        }
        both
    }
}

pub fn decide(control: &Control, command: Command, context: &Context) -> Result<Vec<Event>, Rejected> {
    match command {
        Command::Start { epoch, incarnation, restored, .. } => {
            let restored = backup::restored(control, &incarnation, restored);
            let started = Event::Started { epoch, incarnation: incarnation.into() };
            Ok(restore::not_done(control).into_iter().chain(restored).chain([started]).collect())
        }
        Command::BackedUp(backup) => backup::made(backup),
        Command::BackupFailed { why: words } => Ok(vec![Event::BackupFailed { why: why(words)? }]),
        // Whoever asks alone asks for the other one's consent.
        Command::Restore { .. } => Err(Rejected::Conflict("a restore takes two people".to_owned())),
        Command::RestoreReady { approval } => Ok(restore::ready(control, approval)),
        Command::EndRestore { why: words, approval } => restore::end(control, why(words)?, approval),
        Command::SetKillSwitch { on, reason } => {
            let reason = why(reason)?;
            match (on, &control.kill_switch) {
                (true, None) => Ok(vec![Event::KillSwitchOn { reason }]),
                (false, Some(_)) => Ok(vec![Event::KillSwitchOff { reason, approval: None }]),
                (true, Some(switch)) => {
                    Err(Rejected::Conflict(format!("the kill switch is on already, since {}", switch.since)))
                }
                (false, None) => Err(Rejected::Conflict("the kill switch is off already".to_owned())),
            }
        }
        Command::SetSafeMode { level, reason } => {
            if level == control.safe_mode {
                return Err(Rejected::Conflict(format!("safe mode is {level} already")));
            }
            Ok(vec![Event::SafeModeSet { level, reason: why(reason)?, approval: None }])
        }
        Command::SetBreaker { name, on, reason } => set_breaker(control, &name, on, reason),
        Command::TripBreaker { name, reason } => {
            if control.breakers.contains_key(&*name) {
                return Ok(Vec::new());
            }
            let until = Some(context.now.plus(BREAKER_PAUSE));
            Ok(vec![Event::BreakerOpened { name: name.into(), reason: reason.into(), until }])
        }
        Command::DoubtClock { reason } => {
            let doubted = Event::ClockDoubted { reason: reason.into() };
            Ok(if control.clock_doubt.is_none() { vec![doubted] } else { Vec::new() })
        }
        Command::ConfirmClock => match control.clock_doubt {
            Some(_) => Ok(vec![Event::ClockConfirmed]),
            None => Err(Rejected::Conflict("the clock is not in doubt".to_owned())),
        },
        Command::BreakGlass { reason, span } => break_glass(control, reason, span, context),
        Command::MendGlass => match control.glass {
            Some(_) => Ok(vec![Event::GlassMended]),
            None => Err(Rejected::Conflict("no glass is broken".to_owned())),
        },
        Command::Leave { leave, reason, by } => {
            let (reason, approval) = (why(reason)?, Some(by));
            Ok(vec![match leave {
                Leave::KillSwitch { .. } => Event::KillSwitchOff { reason, approval },
                Leave::SafeMode { to: level, .. } => Event::SafeModeSet { level, reason, approval },
                Leave::Data(wanted) => {
                    Event::RestoreApproved { wanted: Box::new(wanted), reason, approval: by }
                }
            }])
        }
    }
}

fn break_glass(
    control: &Control,
    reason: String,
    span: Span,
    context: &Context,
) -> Result<Vec<Event>, Rejected> {
    if let Some(glass) = &control.glass {
        return Err(Rejected::Conflict(format!("the limits are left already, until {}", glass.until)));
    }
    if control.kill_switch.is_none() && control.safe_mode == SafeMode::Disabled {
        return Err(Rejected::Conflict("no limit is in force, so there is none to leave".to_owned()));
    }
    context.a_person("people leave the limits")?;
    if reason.trim().is_empty() {
        return Err(Rejected::Invalid("say why; people will read it in the review".to_owned()));
    }
    if !(GLASS_LEAST..=GLASS_MOST).contains(&span) {
        return Err(Rejected::Invalid(format!("the limits are left for {GLASS_LEAST} to {GLASS_MOST}")));
    }
    Ok(vec![Event::GlassBroken { reason: why(reason)?, until: Some(context.now.plus(span)) }])
}

pub(crate) fn why(reason: String) -> Result<Box<str>, Rejected> {
    if reason.len() > 4096 {
        return Err(Rejected::Invalid("the reason is longer than 4096 bytes".to_owned()));
    }
    Ok(if reason.trim().is_empty() { "no reason given".into() } else { reason.into() })
}

/// Whether a connector or an action may be called so.
fn is_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (1..=128).contains(&name.len()) && name.bytes().all(fits)
}

fn set_breaker(control: &Control, name: &str, on: bool, reason: String) -> Result<Vec<Event>, Rejected> {
    if !is_name(name) {
        return Err(Rejected::Invalid(format!("`{name}` is not the name of a connector or an action")));
    }
    match (on, control.breakers.contains_key(name)) {
        (true, false) => {
            Ok(vec![Event::BreakerOpened { name: name.into(), reason: why(reason)?, until: None }])
        }
        (false, true) => Ok(vec![Event::BreakerClosed { name: name.into() }]),
        (true, true) => Err(Rejected::Conflict(format!("breaker `{name}` is open already"))),
        (false, false) => Err(Rejected::Conflict(format!("breaker `{name}` is closed already"))),
    }
}

/// When a breaker closes by itself.
pub fn next_wakeup(control: &Control) -> Option<(Timestamp, &'static str)> {
    let breakers = control.breakers.values().filter_map(|b| b.until).map(|at| (at, "breaker closes"));
    breakers.chain(control.glass.iter().map(|glass| (glass.until, "limits come back"))).min()
}

pub fn due(control: &Control, now: Timestamp) -> Vec<Event> {
    let over = |breaker: &Breaker| breaker.until.is_some_and(|until| until <= now);
    let names = control.breakers.iter().filter(|(_, breaker)| over(breaker)).map(|(name, _)| name.clone());
    let mended = control.glass.as_ref().filter(|glass| glass.until <= now).map(|_| Event::GlassMended);
    names.map(|name| Event::BreakerClosed { name }).chain(mended).collect()
}

pub fn apply(control: &mut Control, event: &Event, meta: &Meta) {
    control.seq += 1;
    let by = || match &meta.actor {
        Actor::Platform => "platform".into(),
        actor @ (Actor::Person(_) | Actor::Source(_) | Actor::Rule(_)) => actor.to_string().into(),
    };
    match event {
        Event::Started { epoch, incarnation } => {
            control.epoch = *epoch;
            control.incarnation = incarnation.clone();
        }
        Event::KillSwitchOn { reason } => {
            control.kill_switch = Some(Switch { since: meta.time, by: by(), reason: reason.clone() });
        }
        Event::KillSwitchOff { .. } => control.kill_switch = None,
        Event::SafeModeSet { level, .. } => control.safe_mode = *level,
        Event::BreakerOpened { name, reason, until } => {
            let breaker = Breaker { since: meta.time, until: *until, by: by(), reason: reason.clone() };
            control.breakers.insert(name.clone(), breaker);
        }
        Event::BreakerClosed { name } => {
            control.breakers.remove(name);
        }
        Event::ClockDoubted { reason } => control.clock_doubt = Some(reason.clone()),
        Event::ClockConfirmed => control.clock_doubt = None,
        Event::GlassBroken { reason, until } => {
            let (kill_switch, safe_mode) = (control.kill_switch.take(), control.safe_mode);
            control.safe_mode = SafeMode::Disabled;
            let (since, by, reason) = (meta.time, by(), reason.clone());
            control.glass = until.map(|until| Glass { since, until, by, reason, kill_switch, safe_mode });
        }
        Event::GlassMended => {
            let Some(glass) = control.glass.take() else { return };
            // What people limited meanwhile stays limited.
            control.kill_switch = control.kill_switch.take().or(glass.kill_switch);
            control.safe_mode = control.safe_mode.max(glass.safe_mode);
        }
        Event::BackedUp { .. } | Event::BackupFailed { .. } | Event::Restored { .. } => {
            backup::apply(control, event, meta);
        }
        Event::RestoreApproved { .. } | Event::RestoreReady { .. } | Event::RestoreEnded { .. } => {
            restore::apply(control, event, meta);
        }
    }
}
