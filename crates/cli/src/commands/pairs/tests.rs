//! Text in, JSON out.

use serde_json::json;

use super::{Pair, arguments, object};

#[test]
fn pairs_are_split_at_the_first_sign() {
    let check = |input: &str, expect: Option<(&str, &str)>| {
        let pair = input.parse::<Pair>().ok();
        assert_eq!(pair.as_ref().map(|p| (p.name.as_str(), p.value.as_str())), expect, "{input}");
    };
    check("node=validator-3", Some(("node", "validator-3")));
    check("url=http://a/?b=c", Some(("url", "http://a/?b=c")));
    check("empty=", Some(("empty", "")));
    check("=x", None);
    check("alone", None);
}

#[test]
fn arguments_keep_their_kind_and_labels_are_text() {
    let pairs: Vec<Pair> =
        ["level=full", "count=3", "force=true"].iter().map(|t| t.parse().unwrap()).collect();
    assert_eq!(arguments(&pairs), json!({"level": "full", "count": 3, "force": true}));
    assert_eq!(object(&pairs), json!({"level": "full", "count": "3", "force": "true"}));
}
