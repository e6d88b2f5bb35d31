//! From source to tokens, after the lexical grammar of the CEL language definition.

use std::ops::Range;

use super::{MAX_STRING_BYTES, Problem};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// Without its sign, because the least integer has no positive counterpart.
    Int(u64),
    Double(f64),
    String(String),
    /// An identifier or keyword.
    Name(String),
    Symbol(&'static str),
    End,
}

/// Longest first, so that `<=` is not read as `<`.
const SYMBOLS: [&str; 24] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", ".", ",", "(", ")",
    "[", "]", "{", "}",
];

/// All tokens with their places; the last is [`Token::End`].
pub(super) fn tokens(source: &str) -> Result<Vec<(Token, Range<usize>)>, Problem> {
    let mut lexer = Lexer { source, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space();
        let start = lexer.at;
        let token = lexer.token()?;
        let end = token == Token::End;
        tokens.push((token, start..lexer.at));
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'s> {
    source: &'s str,
    at: usize,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'s str {
        let rest = self.rest();
        let end = rest.find(|character| !wanted(character)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn skip_space(&mut self) {
        loop {
            self.take(|character| matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{c}'));
            if !self.rest().starts_with("//") {
                return;
            }
            self.take(|character| character != '\n');
        }
    }

    fn token(&mut self) -> Result<Token, Problem> {
        let start = self.at;
        let Some(first) = self.peek() else {
            return Ok(Token::End);
        };
        let dotted = first == '.' && self.rest()[1..].starts_with(|next: char| next.is_ascii_digit());
        if first.is_ascii_digit() || dotted {
            return self.number();
        }
        if matches!(first, '"' | '\'') {
            return self.string(start, false);
        }
        if first == '_' || first.is_ascii_alphabetic() {
            let name = self.take(|character| character == '_' || character.is_ascii_alphanumeric());
            if !matches!(self.peek(), Some('"' | '\'')) {
                return Ok(Token::Name(name.to_owned()));
            }
            return match name {
                "r" | "R" => self.string(start, true),
                _ => Err(Problem::new(start..self.at, "this string prefix is not known; only `r` is")),
            };
        }
        if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| self.eat(symbol)) {
            return Ok(Token::Symbol(symbol));
        }
        let end = start + first.len_utf8();
        let message = match first {
            '&' => "a single `&` is not an operator; write `&&`".to_owned(),
            '|' => "a single `|` is not an operator; write `||`".to_owned(),
            '=' => "a single `=` is not an operator; write `==`".to_owned(),
            other => format!("`{}` does not belong here", other.escape_debug()),
        };
        Err(Problem::new(start..end, message))
    }

    fn number(&mut self) -> Result<Token, Problem> {
        let start = self.at;
        let token = if self.eat("0x") || self.eat("0X") {
            let digits = self.take(|character| character.is_ascii_hexdigit());
            u64::from_str_radix(digits, 16).ok().map(Token::Int)
        } else {
            self.decimal(start)
        };
        let tail = self.take(|character| character == '_' || character.is_alphanumeric());
        let span = start..self.at;
        match token {
            _ if matches!(tail, "u" | "U") => {
                Err(Problem::new(span, "unsigned numbers are not supported; leave out the `u`"))
            }
            Some(token) if tail.is_empty() => Ok(token),
            Some(_) | None => {
                let text = &self.source[span.clone()];
                Err(Problem::new(span, format!("`{text}` is not a number this language can hold")))
            }
        }
    }

    fn decimal(&mut self, start: usize) -> Option<Token> {
        let digit = |character: char| character.is_ascii_digit();
        self.take(digit);
        let mut whole = true;
        if self.peek() == Some('.') && self.rest()[1..].starts_with(digit) {
            whole = false;
            self.next();
            self.take(digit);
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            let unsigned = self.rest()[1..].strip_prefix(['+', '-']).unwrap_or(&self.rest()[1..]);
            if unsigned.starts_with(digit) {
                whole = false;
                self.next();
                self.take(|character| matches!(character, '+' | '-'));
                self.take(digit);
            }
        }
        let text = &self.source[start..self.at];
        if whole {
            return text.parse().ok().map(Token::Int);
        }
        text.parse().ok().filter(|number: &f64| number.is_finite()).map(Token::Double)
    }

    fn string(&mut self, start: usize, raw: bool) -> Result<Token, Problem> {
        let unfinished = |lexer: &Self| Problem::new(start..lexer.at, "this string has no end");
        let quote = match self.peek() {
            Some('"') => ["\"\"\"", "\""],
            _ => ["'''", "'"],
        };
        let triple = self.eat(quote[0]);
        let quote = if triple { quote[0] } else { quote[1] };
        if !triple {
            self.eat(quote);
        }
        let mut text = String::new();
        while !self.eat(quote) {
            let at = self.at;
            let character = self.next().ok_or_else(|| unfinished(self))?;
            match character {
                '\n' | '\r' if !triple => return Err(unfinished(self)),
                '\\' if !raw => text.push(self.escape(at)?),
                other => text.push(other),
            }
        }
        if text.len() > MAX_STRING_BYTES {
            let message = format!("a string of {} bytes; at most {MAX_STRING_BYTES} are allowed", text.len());
            return Err(Problem::new(start..self.at, message));
        }
        Ok(Token::String(text))
    }

    /// The character an escape stands for; the backslash at `start` is already taken.
    fn escape(&mut self, start: usize) -> Result<char, Problem> {
        let character = match self.next() {
            Some('a') => Some('\u{7}'),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('v') => Some('\u{b}'),
            Some(same @ ('\\' | '?' | '"' | '\'' | '`')) => Some(same),
            Some('x' | 'X') => self.code(2, 16),
            Some('u') => self.code(4, 16),
            Some('U') => self.code(8, 16),
            Some('0'..='3') => {
                self.at -= 1;
                self.code(3, 8)
            }
            Some(_) | None => None,
        };
        character.ok_or_else(|| Problem::new(start..self.at, "this escape is not known"))
    }

    fn code(&mut self, length: usize, radix: u32) -> Option<char> {
        let digits = self.rest().get(..length)?;
        if !digits.chars().all(|digit| digit.is_digit(radix)) {
            return None;
        }
        self.at += length;
        char::from_u32(u32::from_str_radix(digits, radix).ok()?)
    }
}
