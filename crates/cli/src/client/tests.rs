//! Addresses and refusals, text in and text out.

use super::{Address, Refusal, encode};

#[test]
fn addresses_have_one_reading() {
    let check = |input: &str, expect: Result<&str, ()>| {
        let read = input.parse::<Address>().map(|address| address.to_string());
        assert_eq!(read.as_deref().map_err(|_| ()), expect, "{input}");
    };
    check("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080"));
    check("127.0.0.1:8080", Ok("http://127.0.0.1:8080"));
    check("https://ringfence.example", Ok("https://ringfence.example:443"));
    check("https://[::1]:9/base/", Ok("https://[::1]:9/base"));
    check("ftp://host", Err(()));
    check("http://user@host", Err(()));
    check("", Err(()));
    assert!("[::1]:1".parse::<Address>().unwrap().is_loopback());
    assert!(!"http://10.0.0.1".parse::<Address>().unwrap().is_loopback());
}

#[test]
fn problems_become_sentences() {
    let check = |status: u16, body: &str, expect: &str| {
        assert_eq!(Refusal::read("GET /x", status, body.as_bytes()).to_string(), expect);
    };
    check(
        409,
        r#"{"title":"Conflict","detail":"incident INC-4 is already resolved"}"#,
        "incident INC-4 is already resolved (status 409)",
    );
    check(
        401,
        r#"{"title":"no valid token"}"#,
        "no valid token; name a token with --token-file or RINGFENCE_TOKEN (status 401)",
    );
    check(400, r#""bad matcher format""#, "bad matcher format (status 400)");
    check(502, "<html>gateway</html>", "the server refused `GET /x` with status 502");
}

#[test]
fn what_people_write_cannot_leave_its_part_of_a_path() {
    assert_eq!(encode("INC-1"), "INC-1");
    assert_eq!(encode("../x?y=ü"), "..%2Fx%3Fy%3D%C3%BC");
}
