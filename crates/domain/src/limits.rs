//! Limits on effects: kill switch, safe mode, breakers. One function says whether a call may begin; it is
//! asked when an intent is decided and once more just before it is sent.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::{
    action::{Goal, Spec},
    control::{Control, SafeMode},
    severity::Risk,
    time::Timestamp,
};

/// Whose wish the effect is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    #[default]
    Automatically,
    ByPerson,
}

/// `Err` says why it may not begin now.
pub fn permits(
    control: &Control,
    spec: &Spec,
    goal: Goal,
    asked: Asked,
    now: Timestamp,
) -> Result<(), String> {
    if let Some(switch) = &control.kill_switch {
        return Err(format!("the kill switch is on since {}", switch.since));
    }
    by_safe_mode(control.safe_mode, spec, goal, asked)?;
    for name in [&*spec.connector, &*spec.verb] {
        if let Some(breaker) = control.breakers.get(name)
            && breaker.until.is_none_or(|until| now < until)
        {
            return Err(format!("circuit breaker `{name}` is open: {}", breaker.reason));
        }
    }
    Ok(())
}

fn by_safe_mode(level: SafeMode, spec: &Spec, goal: Goal, asked: Asked) -> Result<(), String> {
    let contains = spec.containment && goal == Goal::Apply;
    let allowed = match (asked, level) {
        (_, SafeMode::Disabled) | (Asked::ByPerson, SafeMode::Restricted | SafeMode::Paranoid) => true,
        (Asked::Automatically, SafeMode::Restricted) => spec.risk < Risk::High,
        (Asked::Automatically, SafeMode::Paranoid | SafeMode::Emergency) => {
            contains && spec.risk == Risk::Low
        }
        (Asked::ByPerson, SafeMode::Emergency) => contains,
        (_, SafeMode::Lockdown) => false,
    };
    let refused = || format!("safe mode {level} does not allow `{}` now", spec.verb);
    allowed.then_some(()).ok_or_else(refused)
}
