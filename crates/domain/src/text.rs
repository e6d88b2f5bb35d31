//! Text from outside: cut to what there is room for, and made harmless where it is shown.

#[cfg(test)]
mod tests;

/// The longest beginning of at most so many bytes that ends between two characters.
pub fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// The same for text that is one's own.
pub fn cut_off(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}

/// Cut, with a sign that there is more.
pub fn clipped(text: String, most: usize) -> String {
    let whole = text.len() <= most;
    let cut = cut_off(text, most);
    if whole { cut } else { cut + "…" }
}

/// What moves a cursor, ends a line or a header, turns the direction of writing, or hides.
pub fn is_harmful(c: char) -> bool {
    let hides = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    let turns = matches!(c, '\u{61c}' | '\u{202a}'..='\u{202e}');
    let ends = matches!(c, '\u{2028}' | '\u{2029}');
    c.is_control() || hides || turns || ends
}

/// Text as it may be shown; with `lines` it may have several.
pub fn shown(text: &str, lines: bool) -> String {
    let kept = |c: char| (lines && matches!(c, '\n' | '\t')) || !is_harmful(c);
    text.chars().map(|c| if kept(c) { c } else { '\u{fffd}' }).collect()
}
