//! The UTF-8 syntax: names and values are either bare, without reserved characters, or in double quotes with
//! the escapes of the Go language. Commas separate; braces come in pairs or not at all.

use std::iter::Peekable;
use std::str::CharIndices;

use crate::matcher::{Matcher, Operator};

#[derive(Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Operator(Operator),
    Text(String),
}

pub(crate) fn one(text: &str) -> Result<Matcher, String> {
    let mut found = list(text)?;
    match (found.pop(), found.len()) {
        (Some(matcher), 0) => Ok(matcher),
        (None, _) => Err(format!("there is no matcher in `{text}`")),
        (Some(_), others) => Err(format!("one matcher was expected and {} found in `{text}`", others + 1)),
    }
}

pub(crate) fn list(text: &str) -> Result<Vec<Matcher>, String> {
    let mut tokens = tokens(text)?.into_iter().peekable();
    let braced = tokens.next_if_eq(&Token::Open).is_some();
    let mut matchers = Vec::new();
    while !matches!(tokens.peek(), None | Some(Token::Close)) {
        matchers.push(matcher(&mut tokens, text)?);
        if tokens.next_if_eq(&Token::Comma).is_none() {
            break;
        }
    }
    match (tokens.next(), braced) {
        (None, true) => return Err(format!("`{text}` lacks the closing brace")),
        (Some(Token::Close), false) => return Err(format!("`{text}` lacks the opening brace")),
        (None, false) | (Some(Token::Close), true) => {}
        (Some(_), _) => return Err(format!("a comma or the end was expected behind a matcher in `{text}`")),
    }
    match tokens.next() {
        None => Ok(matchers),
        Some(_) => Err(format!("there is more behind the closing brace of `{text}`")),
    }
}

fn matcher(tokens: &mut impl Iterator<Item = Token>, text: &str) -> Result<Matcher, String> {
    let Some(Token::Text(name)) = tokens.next() else {
        return Err(format!("a label name was expected in `{text}`"));
    };
    let Some(Token::Operator(operator)) = tokens.next() else {
        return Err(format!("one of =, !=, =~ and !~ was expected behind `{name}`"));
    };
    let Some(Token::Text(value)) = tokens.next() else {
        return Err(format!("a value was expected behind `{name}{operator}`"));
    };
    Matcher::new(&name, operator, &value)
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let mut followed = |by: char| chars.next_if(|(_, next)| *next == by).is_some();
        tokens.push(match c {
            '{' => Token::Open,
            '}' => Token::Close,
            ',' => Token::Comma,
            '=' if followed('~') => Token::Operator(Operator::Match),
            '=' => Token::Operator(Operator::Equal),
            '!' if followed('=') => Token::Operator(Operator::NotEqual),
            '!' if followed('~') => Token::Operator(Operator::NotMatch),
            '"' => Token::Text(quoted(text, i, &mut chars)?),
            c if c.is_whitespace() => continue,
            c if is_reserved(c) => return Err(format!("`{c}` must stand in quotes in `{text}`")),
            _ => {
                while chars.next_if(|(_, next)| !is_reserved(*next)).is_some() {}
                let end = chars.peek().map_or(text.len(), |(end, _)| *end);
                Token::Text(text[i..end].to_owned())
            }
        });
    }
    Ok(tokens)
}

pub(super) fn is_reserved(c: char) -> bool {
    c.is_whitespace() || "{}!=~,\\\"'`".contains(c)
}

/// Reads up to the closing quote; `start` is where the opening one stands.
fn quoted(text: &str, start: usize, chars: &mut Peekable<CharIndices<'_>>) -> Result<String, String> {
    let mut bytes = Vec::new();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => {
                let wrong = |_| format!("{} is not UTF-8 once its escapes are read", &text[start..=i]);
                return String::from_utf8(bytes).map_err(wrong);
            }
            '\\' => escape(chars, &mut bytes)
                .ok_or_else(|| format!("there is an escape that does not exist in `{}`", &text[start..]))?,
            '\n' => return Err(format!("a line ends inside the quotes of `{}`", &text[start..])),
            c => push(&mut bytes, c),
        }
    }
    Err(format!("the quotes of `{}` are not closed", &text[start..]))
}

/// Reads what follows a backslash. `\xff` and `\377` are bytes, which only together must be UTF-8.
fn escape(chars: &mut Peekable<CharIndices<'_>>, bytes: &mut Vec<u8>) -> Option<()> {
    let (_, c) = chars.next()?;
    match c {
        'a' => bytes.push(7),
        'b' => bytes.push(8),
        'f' => bytes.push(12),
        'n' => bytes.push(b'\n'),
        'r' => bytes.push(b'\r'),
        't' => bytes.push(b'\t'),
        'v' => bytes.push(11),
        '\\' | '"' => push(bytes, c),
        'x' => bytes.push(u8::try_from(digits(chars, 0, 2, 16)?).ok()?),
        'u' => push(bytes, char::from_u32(digits(chars, 0, 4, 16)?)?),
        'U' => push(bytes, char::from_u32(digits(chars, 0, 8, 16)?)?),
        '0'..='7' => bytes.push(u8::try_from(digits(chars, c.to_digit(8)?, 2, 8)?).ok()?),
        _ => return None,
    }
    Some(())
}

fn digits(chars: &mut Peekable<CharIndices<'_>>, first: u32, count: usize, base: u32) -> Option<u32> {
    (0..count).try_fold(first, |number, _| {
        let digit = chars.next()?.1.to_digit(base)?;
        number.checked_mul(base)?.checked_add(digit)
    })
}

fn push(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}
