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

#[test]
fn playbooks_are_filtered_by_kind_of_response_and_of_procedure() {
    let bench = Bench::new();
    let list = |query: &str| {
        let answer = bench.get(&format!("/api/v1/playbooks?{query}")).expect(200);
        let item = |item: &serde_json::Value| {
            let of = |name: &str| item[name].as_str().unwrap().to_owned();
            (of("id"), of("response"), of("procedure"))
        };
        answer["items"].as_array().unwrap().iter().map(item).collect::<Vec<_>>()
    };
    let all = list("limit=1000");
    let mut found = 0;
    for response in ["immediate", "tactical", "strategic", "recovery"] {
        let mut wanted = all.clone();
        wanted.retain(|(_, of, _)| of == response);
        assert_eq!(list(&format!("response={response}")), wanted);
        found += wanted.len();
        for procedure in ["detection", "analysis", "response", "recovery"] {
            let mut both = wanted.clone();
            both.retain(|(_, _, of)| of == procedure);
            assert_eq!(list(&format!("response={response}&procedure={procedure}")), both);
        }
    }
    assert_eq!(found, all.len(), "each is of one kind");
    let immediate = list("response=immediate");
    assert!(!immediate.is_empty() && immediate.len() < all.len(), "a filter that tells some from others");

    // Pages are those of what is looked for.
    let first = bench.get("/api/v1/playbooks?response=immediate&limit=1").expect(200);
    let cursor = first["next"].as_str().unwrap();
    let second =
        bench.get(&format!("/api/v1/playbooks?response=immediate&limit=1&cursor={cursor}")).expect(200);
    assert_eq!(second["items"][0]["id"], immediate[1].0.as_str());

    let refused = bench.get("/api/v1/playbooks?response=fast").problem(400, "malformed");
    assert_eq!(refused, "`response=fast` is none of immediate, tactical, strategic, recovery");
    let refused = bench.get("/api/v1/playbooks?procedure=Response").problem(400, "malformed");
    assert_eq!(refused, "`procedure=Response` is none of detection, analysis, response, recovery");
    bench.get("/api/v1/playbooks?response=recovery&response=tactical").problem(400, "malformed");
}
