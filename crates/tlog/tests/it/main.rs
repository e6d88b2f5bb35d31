//! The audit log against logs and verdicts that others made, and against alterations.

#[cfg(test)]
mod bundle;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod log;
#[cfg(test)]
mod merkle;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tiled_logs;
#[cfg(test)]
mod verify;
