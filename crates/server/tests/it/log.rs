//! `/log`: the log in the form of C2SP tlog-tiles.

use axum::http::header;
use tlog::{
    Checkpoint, Envelope, leaf_hash,
    note::SigningKey,
    tile::{decode_entries, decode_hashes},
    tree::root_of,
};

use crate::bench::Bench;

#[test]
fn checkpoint_tiles_and_entries_agree() {
    let bench = Bench::new();
    for i in 0..300 {
        bench.alert(&format!("{{\"alertname\": \"A{i}\"}}"));
    }
    let length = bench.length();
    let open = |bench: &Bench| {
        let key = SigningKey::from_seed("ringfence.test/log", &[7; 32]).unwrap();
        let note = bench.get("/log/checkpoint");
        (note.status == 200).then(|| Checkpoint::open(&note.body, &[key.verifier().clone()]).unwrap())
    };
    bench.until("all is sealed", |bench| open(bench).is_some_and(|checkpoint| checkpoint.size == length));
    let checkpoint = open(&bench).unwrap();
    let bytes = |path: &str| {
        let request =
            axum::http::Request::get(path).header(header::AUTHORIZATION, format!("Bearer {}", bench.viewer));
        let request = request.body(axum::body::Body::empty()).unwrap();
        bench.runtime.block_on(async {
            let response = tower::ServiceExt::oneshot(bench.router.clone(), request).await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            let headers = response.headers().clone();
            (headers, axum::body::to_bytes(response.into_body(), 1 << 24).await.unwrap().to_vec())
        })
    };
    let rest = (length - 256) as u16;
    let (headers, full) = bytes("/log/tile/0/000");
    assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!(headers[header::CONTENT_TYPE], "application/octet-stream");
    let (_, partial) = bytes(&format!("/log/tile/0/001.p/{rest}"));
    let mut hashes = decode_hashes(&full, 256).unwrap();
    hashes.extend(decode_hashes(&partial, rest).unwrap());
    assert_eq!(root_of(hashes.iter().copied()), checkpoint.root);
    let (_, entries) = bytes("/log/tile/entries/000");
    assert_eq!(bytes("/log/entries/000").1, entries);
    for (entry, hash) in decode_entries(&entries, 256).unwrap().into_iter().zip(&hashes) {
        Envelope::decode(entry).unwrap();
        assert_eq!(leaf_hash(entry), *hash);
    }
}

#[test]
fn what_is_no_tile_of_the_log_is_not_found() {
    let bench = Bench::new();
    for path in
        ["0/0", "0/x000/000", "0/000.p/0", "0/000.p/256", "99/000", "0/999", "entries/..%2f..", "0/000/", "x"]
    {
        bench.get(&format!("/log/tile/{path}")).problem(404, "not_found");
    }
    bench.get("/log/entries/x").problem(404, "not_found");
    bench.get("/log/tile/").problem(404, "not_found");
}
