//! `/api/v1/services`.

use crate::bench::Bench;

#[test]
fn services_stand_in_the_order_in_which_they_come_back() {
    let bench = Bench::new();
    let list = bench.get("/api/v1/services").expect(200);
    let names: Vec<&str> =
        list["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["storage", "ledger", "gateway", "api", "training_data", "training"]);
    let ledger = bench.get("/api/v1/services/ledger").expect(200);
    assert_eq!(ledger, list["items"][1]);
    assert_eq!(ledger["depends_on"], serde_json::json!(["storage"]));
    assert_eq!(ledger["needed_by"], serde_json::json!(["api"]));
    assert_eq!(ledger["checks"][0]["verifies"], "data");
    bench.get("/api/v1/services/ledgers").problem(404, "not_found");
}
