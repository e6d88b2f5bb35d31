//! Updates, ends, and terms that are refused.

use expect_test::expect;

use super::{Command, Terms};
use crate::{flow, id::SilenceId, scene::Scene, time::Span};

fn terms(scene: &Scene, matcher: &str) -> Terms {
    Terms {
        matchers: vec![crate::matcher::parse(matcher).unwrap()],
        starts_at: scene.now,
        ends_at: scene.now.plus(Span::secs(60)),
        created_by: "ada".to_owned(),
        comment: "test".to_owned(),
    }
}

fn set(id: Option<SilenceId>, terms: Terms) -> flow::Command {
    flow::Command::Silence(Command::Set { id, terms })
}

#[test]
fn an_update_keeps_the_id_only_while_it_means_the_same_alerts() {
    let mut scene = Scene::new(&[]);
    let first = terms(&scene, "a=b");
    scene.must(set(None, first.clone()));
    let id = Some(SilenceId::from_number(2));
    let longer = Terms { ends_at: first.ends_at.plus(Span::secs(60)), ..first };
    scene.must(set(id, longer));
    let other = terms(&scene, "a=c");
    scene.must(set(id, other));
    expect![[r#"
        silence.set silence/2
        silence.set silence/2
        silence.expired silence/2
        silence.set silence/5
    "#]]
    .assert_eq(&scene.look());
}

#[test]
fn it_ends_by_itself_or_early_but_once() {
    let mut scene = Scene::new(&[]);
    let fine = terms(&scene, "a=b");
    scene.must(set(None, fine));
    scene.wait(Span::secs(60));
    expect![[r#"
        silence.set silence/2
        silence.expired silence/2
    "#]]
    .assert_eq(&scene.look());
    let gone = flow::Command::Silence(Command::Expire { id: SilenceId::from_number(2) });
    expect!["silence SIL-2 does not exist"].assert_eq(&scene.refused(gone));
}

#[test]
fn terms_that_would_mute_everything_or_nothing_are_refused() {
    let mut scene = Scene::new(&[]);
    let all = terms(&scene, "a=~\".*\"");
    expect!["at least one matcher must not match the empty text, or all alerts are muted"]
        .assert_eq(&scene.refused(set(None, all)));
    let fine = terms(&scene, "a=b");
    let backward = Terms { ends_at: fine.starts_at, ..fine };
    expect!["the silence ends before it starts"].assert_eq(&scene.refused(set(None, backward)));
}
