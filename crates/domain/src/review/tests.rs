//! The reports of a review and their deadlines.

use expect_test::expect;

use super::Command;
use crate::{
    flow,
    id::{IncidentId, ReviewId},
    scene::Scene,
    time::Span,
};

fn opened() -> (Scene, ReviewId) {
    let mut scene = Scene::new(&[]);
    scene.must(flow::Command::Review(Command::Open { incident: IncidentId::from_number(7) }));
    let id = *scene.state.reviews.keys().next().unwrap();
    scene.look();
    (scene, id)
}

fn deliver(id: ReviewId, report: &str, text: &str) -> flow::Command {
    flow::Command::Review(Command::Complete { id, report: report.to_owned(), text: text.to_owned() })
}

#[test]
fn each_report_is_named_before_its_deadline_and_when_it_has_passed() {
    let (mut scene, _) = opened();
    scene.wait(Span::secs(20 * 3_600 - 1));
    expect![""].assert_eq(&scene.look());
    scene.wait(Span::secs(1));
    expect![[r#"
        review.reminded review/2
    "#]]
    .assert_eq(&scene.look());
    scene.wait(Span::secs(8 * 86_400));
    expect![[r#"
        review.overdue review/2
        review.reminded review/2
        review.overdue review/2
        review.reminded review/2
        review.overdue review/2
    "#]]
    .assert_eq(&scene.look());
    assert_eq!(scene.state.next_wakeup(), None);
}

#[test]
fn a_review_is_over_when_people_delivered_all_of_it() {
    let (mut scene, id) = opened();
    scene.must(deliver(id, "initial", "What we knew on the first day."));
    scene.must(deliver(id, "detailed", "https://docs.example/reviews/7"));
    expect!["P-900 delivered the initial report of REV-2 at 2027-01-15T08:00:00Z"]
        .assert_eq(&scene.refused(deliver(id, "initial", "Once more.")));
    expect!["`last` is no report of a review; use one of initial, detailed, final"]
        .assert_eq(&scene.refused(deliver(id, "last", "x")));
    expect!["the report is empty or longer than 65536 bytes"]
        .assert_eq(&scene.refused(deliver(id, "final", " ")));
    scene.must(deliver(id, "final", "What we changed."));
    expect!["there is no open review REV-2"].assert_eq(&scene.refused(deliver(id, "final", "x")));
    scene.look();
    scene.wait(Span::secs(30 * 86_400));
    expect![""].assert_eq(&scene.look());
}
