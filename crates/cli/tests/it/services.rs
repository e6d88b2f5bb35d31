//! The shipped services are those of the shipped estate.

use std::{collections::BTreeSet, path::Path};

#[test]
fn every_service_and_target_of_the_shipped_content_is_there() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let read = |name: &str| (name.to_owned(), std::fs::read_to_string(path.join(name)).unwrap());
    let files = ["actions.yaml", "taxonomy.yaml", "services.yaml"].map(read);
    let (content, problems) = domain::content::load(&files.into_iter().collect());
    assert_eq!(problems, []);
    let spec = estate::Spec::shipped();
    let of_estate: BTreeSet<&str> = spec.services.iter().map(|service| &*service.id).collect();
    let ours: BTreeSet<&str> = content.services.keys().map(String::as_str).collect();
    assert!(of_estate.is_subset(&ours), "{ours:?}");
    let stands_for_nothing = |name: &&&str| content.services[**name].targets.is_empty();
    let empty: Vec<_> = ours.difference(&of_estate).filter(stands_for_nothing).collect();
    assert_eq!(empty, <Vec<&&str>>::new(), "neither a service of the estate nor made of what it has");
    let known = |kind: &str| -> BTreeSet<String> {
        match kind {
            "node" => spec.nodes.iter().map(|one| one.id.clone()).collect(),
            "key" => spec.keys.iter().map(|one| one.id.clone()).collect(),
            "service" => spec.services.iter().map(|one| one.id.clone()).collect(),
            "segment" => spec.segments.iter().cloned().collect(),
            "endpoint" => spec.endpoints.iter().map(|one| one.id.clone()).collect(),
            "model" => spec.models.iter().cloned().collect(),
            other => panic!("the estate has no {other}"),
        }
    };
    for kind in ["node", "key", "service", "segment", "endpoint", "model"] {
        let owned = content.services.values().filter_map(|service| service.targets.get(kind)).flatten();
        assert_eq!(owned.cloned().collect::<BTreeSet<_>>(), known(kind), "{kind}");
    }
}
