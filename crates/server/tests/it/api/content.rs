//! `/api/v1/content` and `/api/v1/playbooks`.

use crate::bench::Bench;

#[test]
fn what_is_in_force_is_shown() {
    let bench = Bench::new();
    let content = bench.get("/api/v1/content").expect(200);
    assert_eq!(content["hash"].as_str().unwrap().len(), 64);
    assert!(content["files"]["actions.yaml"].is_string(), "{content}");
    let actions = bench.get("/api/v1/content/actions").expect(200);
    let isolate =
        actions["items"].as_array().unwrap().iter().find(|action| action["verb"] == "node.isolate").unwrap();
    assert_eq!((&isolate["target"], &isolate["containment"]), (&"node".into(), &true.into()));
}

#[test]
fn playbooks_are_listed_by_name_and_shown_with_their_text() {
    let bench = Bench::new();
    let all = bench.get("/api/v1/playbooks").expect(200);
    assert!(all["items"].as_array().unwrap().len() >= 3 && all["next"].is_null());
    let first = bench.get("/api/v1/playbooks?limit=1").expect(200);
    let second = bench
        .get(&format!("/api/v1/playbooks?limit=1&cursor={}", first["next"].as_str().unwrap()))
        .expect(200);
    assert_eq!((&first["items"][0], &second["items"][0]), (&all["items"][0], &all["items"][1]));
    let one = bench.get("/api/v1/playbooks/validator_compromise").expect(200);
    assert!(one["text"].as_str().unwrap().contains("id: validator_compromise"));
    let outline = bench.get("/api/v1/playbooks/data_breach").expect(200)["outline"].clone();
    let told = &outline["tell"][1];
    assert_eq!((&told["step"], &told["depth"]), (&"authority".into(), &1.into()), "{outline}");
    assert_eq!(told["branch"], "authority when `decisions.scope.choice == \"personal\"`");
    assert_eq!(outline["contain"][1]["about"], "the piece lock_out");
    bench.get("/api/v1/playbooks/no_such").problem(404, "not_found");
    bench.get("/api/v1/playbooks/..%2Factions.yaml").problem(404, "not_found");
}
