//! The text form of matchers. There are two syntaxes: the classic one, lenient about quotes and strict about
//! label names, and the UTF-8 one, where a quoted name may hold anything. A text that is good in both means
//! what the classic one says; a text that is good in one of them means what that one says.

mod classic;
mod utf8;

use super::Matcher;

/// Reads one matcher such as `severity=~"high|critical"`. The error says what is wrong in the text.
pub fn parse(text: &str) -> Result<Matcher, String> {
    classic::one(text).or_else(|wrong| utf8::one(text).map_err(|_| wrong))
}

/// Reads a list such as `{severity="high",node!~"test-.*"}`; braces are optional, and the list may be empty.
pub fn parse_list(text: &str) -> Result<Vec<Matcher>, String> {
    classic::list(text).or_else(|wrong| utf8::list(text).map_err(|_| wrong))
}

/// Whether a label name can be written without quotes in the UTF-8 syntax.
pub(super) fn is_bare(name: &str) -> bool {
    !name.is_empty() && !name.contains(utf8::is_reserved)
}

#[cfg(test)]
pub(super) use utf8::{list as list_utf8, one as one_utf8};
