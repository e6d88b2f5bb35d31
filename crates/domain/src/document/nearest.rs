//! The known name closest to a mistyped one, for "did you mean" in problems.

/// Longest name compared, in characters; nothing longer is a plausible slip of the keyboard.
const MAX_CHARS: usize = 64;

/// The candidate within a third of the name's length (at most three edits), if any; ties go to the
/// first in order. Single letters have no slips: each is near every other.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.chars().take(MAX_CHARS + 1).collect();
    if name.len() < 2 || name.len() > MAX_CHARS {
        return None;
    }
    let limit = (name.len() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let distance = distance(&name, candidate)?;
            (distance <= limit).then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edit distance where swapping two neighbours counts once; `None` for a candidate that is too long to compare.
fn distance(left: &[char], right: &str) -> Option<usize> {
    let right: Vec<char> = right.chars().take(MAX_CHARS + 1).collect();
    if right.len() > MAX_CHARS {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, &a) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &b) in right.iter().enumerate() {
            let substituted = above[column] + usize::from(!a.eq_ignore_ascii_case(&b));
            let mut best = substituted.min(above[column + 1] + 1).min(current[column] + 1);
            let swapped = row > 0 && column > 0 && a == right[column - 1] && left[row - 1] == b;
            if swapped {
                best = best.min(before[column - 1] + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied()
}
