//! What comes round: when, who hears of it, and that it is asked for until it is done.

use super::{Command, Event, Told};
use crate::{
    content, event,
    flow::{self, Fact},
    id::DutyId,
    notice,
    scene::{SCHEDULE, Scene, all_shipped, person},
    time::{Span, Timestamp},
};

const SHIPPED: &str = include_str!("../../../../content/schedule.yaml");
const DAY: u64 = 86_400;

const CALENDAR: &str = "offset: \"+00:00\"
working_days: [monday, tuesday, wednesday, thursday, friday]
hours: { from: \"08:30\", to: \"17:00\" }
holidays: [2027-02-01]
";

/// On Friday the 15th of January 2027, at eight in the morning.
fn scene(calendar: bool) -> Scene {
    changed(calendar, "", "")
}

/// With the first of this in the schedule read as that.
fn changed(calendar: bool, this: &str, that: &str) -> Scene {
    let mut files = all_shipped();
    files.insert(SCHEDULE.to_owned(), SHIPPED.replacen(this, that, 1));
    if calendar {
        files.insert("calendar.yaml".to_owned(), CALENDAR.to_owned());
    }
    let (content, problems) = content::load(&files);
    assert_eq!(problems, []);
    Scene::with(content)
}

/// When what came round, one a line.
fn rounds(scene: &Scene, wanted: &str) -> Vec<String> {
    let opened = |fact: &Fact| {
        let event::Event::Duty(_, Event::Opened { routine, .. }) = &fact.event else { return None };
        (**routine == *wanted).then(|| fact.meta.time.to_string())
    };
    scene.facts.iter().filter_map(opened).collect()
}

fn told(scene: &Scene) -> Vec<(String, String)> {
    let told = |fact: &Fact| {
        let event::Event::Notice(_, notice::Event::Queued { reason, to, about, incident, .. }) = &fact.event
        else {
            return None;
        };
        assert!((*reason, incident) == (notice::Reason::Duty, &None));
        Some((to.to_string(), about.to_string()))
    };
    scene.facts.iter().filter_map(told).collect()
}

fn complete_all(scene: &mut Scene) {
    let open: Vec<DutyId> = scene.state.duties.keys().copied().collect();
    for id in open {
        let note = "all is well".to_owned();
        scene.must(flow::Command::Duty(Command::Complete { id, note }));
    }
}

/// A year in which everything is done on its day.
fn a_year(scene: &mut Scene) {
    for _ in 0..365 {
        scene.wait(Span::secs(DAY));
        complete_all(scene);
    }
}

#[test]
fn four_reviews_come_round_daily_weekly_monthly_and_quarterly() {
    let mut scene = scene(false);
    a_year(&mut scene);
    let days = rounds(&scene, "review_procedures");
    assert_eq!((days.len(), &*days[0]), (365, "2027-01-15T09:00:00Z"));
    let weeks = rounds(&scene, "review_responses");
    assert_eq!((weeks.len(), &*weeks[0], &*weeks[1]), (52, "2027-01-18T09:00:00Z", "2027-01-25T09:00:00Z"));
    let months = rounds(&scene, "review_recoveries");
    assert_eq!(
        (months.len(), &*months[0], &*months[1]),
        (12, "2027-02-01T09:00:00Z", "2027-03-01T09:00:00Z")
    );
    assert_eq!(rounds(&scene, "review_metrics"), months);
    let quarters = rounds(&scene, "review_framework");
    let expected = ["2027-04-01", "2027-07-01", "2027-10-01", "2028-01-01"];
    assert_eq!(quarters, expected.map(|day| format!("{day}T09:00:00Z")));
}

#[test]
fn by_a_calendar_they_come_on_the_first_working_day_when_work_begins() {
    let mut scene = scene(true);
    a_year(&mut scene);
    let days = rounds(&scene, "review_procedures");
    assert_eq!(&*days[0], "2027-01-15T08:30:00Z");
    assert_eq!(&*days[1], "2027-01-18T08:30:00Z", "not on the weekend");
    // The first of February is a holiday, the first of May a Saturday.
    let months = rounds(&scene, "review_recoveries");
    assert_eq!((&*months[0], &*months[3]), ("2027-02-02T08:30:00Z", "2027-05-03T08:30:00Z"));
    assert_eq!(rounds(&scene, "review_responses")[2], "2027-02-02T08:30:00Z", "Monday is no working day");
}

#[test]
fn its_owner_hears_of_it_and_more_people_while_it_is_overdue() {
    let mut scene = scene(false);
    scene.wait(Span::secs(3_600));
    let id = *scene.state.duties.keys().next().unwrap();
    let named = |said: &str| format!("{id}: Daily review of procedures {said}");
    let owners = ["on_call_engineer", "ops_manager"];
    assert_eq!(told(&scene), owners.map(|to| (to.to_owned(), named("came round"))));
    scene.facts.clear();
    scene.wait(Span::secs(6 * 3_600));
    assert_eq!(told(&scene), owners.map(|to| (to.to_owned(), named("is due soon"))));
    scene.facts.clear();
    scene.wait(Span::secs(2 * 3_600));
    assert_eq!(told(&scene), owners.map(|to| (to.to_owned(), named("is overdue"))));
    assert_eq!(scene.state.duties[&id].told, Told::Overdue);
    scene.facts.clear();
    // The next day asks again for what is owed, and for nothing more.
    scene.wait(Span::secs(16 * 3_600));
    assert_eq!((scene.state.duties.len(), told(&scene).len()), (1, 2));
    let complete = |note: &str| flow::Command::Duty(Command::Complete { id, note: note.to_owned() });
    assert_eq!(scene.refused(complete("  ")), "say what came of it, in 1 to 65536 bytes");
    scene.must(complete("nothing was late"));
    assert!(scene.state.duties.is_empty());
    assert_eq!(scene.refused(complete("again")), format!("there is no open duty {id}"));
    let own = flow::Command::Duty(Command::Open { routine: "review_procedures".into() });
    assert!(scene.ask(person(), own).is_err(), "only time opens one");
}

#[test]
fn one_that_is_not_due_when_its_routine_comes_again_is_reminded_of_and_overdue_in_its_time() {
    let mut scene = changed(false, "due: business 8h\n    remind: 2h", "due: 60h\n    remind: 6h");
    scene.wait(Span::secs(3_600));
    let id = *scene.state.duties.keys().next().unwrap();
    scene.facts.clear();
    // It came on Friday at nine and is due on Sunday at 21:00; on Saturday and on Sunday its routine comes again.
    scene.wait(Span::secs(2 * DAY));
    assert_eq!((told(&scene), scene.state.duties[&id].told), (vec![], Told::Nothing));
    let times = |scene: &Scene| -> Vec<String> {
        let of = |fact: &Fact| matches!(&fact.event, event::Event::Duty(of, _) if *of == id);
        let told = scene.facts.iter().filter(|fact| of(fact));
        told.map(|fact| format!("{} {}", fact.event.kind(), fact.meta.time)).collect()
    };
    scene.wait(Span::secs(DAY));
    let expected = [
        "duty.reminded 2027-01-17T15:00:00Z",
        "duty.overdue 2027-01-17T21:00:00Z",
        "duty.overdue 2027-01-18T09:00:00Z",
    ];
    assert_eq!(times(&scene), expected);
}

#[test]
fn what_came_round_while_nothing_ran_comes_once_and_a_restart_loses_nothing() {
    let mut scene = scene(false);
    scene.wait(Span::secs(3_600));
    complete_all(&mut scene);
    scene.facts.clear();
    // Down for five days.
    scene.now = scene.now.plus(Span::secs(5 * DAY));
    scene.start(2);
    scene.wait(Span::default());
    assert_eq!(rounds(&scene, "review_procedures").len(), 1);
    assert_eq!(rounds(&scene, "review_responses").len(), 1);
    scene.facts.clear();
    scene.wait(Span::secs(DAY));
    let at: Vec<Timestamp> = scene.state.upkeep.came.values().copied().collect();
    assert!(at.iter().all(|at| *at <= scene.now));
    assert_eq!(rounds(&scene, "review_responses"), Vec::<String>::new(), "until next Monday");
}

#[test]
fn quarterly_drills_come_round_as_duties() {
    let mut scene = scene(false);
    a_year(&mut scene);
    let quarters = rounds(&scene, "review_framework");
    for drill in ["tabletop_exercise", "technical_drill", "communication_drill"] {
        assert_eq!(rounds(&scene, drill), quarters, "{drill}");
    }
}
