//! Which addresses are endpoints.

use super::Endpoint;

fn refused(text: &str) -> String {
    match text.parse::<Endpoint>() {
        Ok(endpoint) => panic!("`{text}` was taken as {endpoint:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn usual_endpoints_are_read() {
    let check = |text: &str, tls, host: &str, port, base: &str| {
        let endpoint: Endpoint = text.parse().unwrap();
        let found = (endpoint.tls, endpoint.host.as_str(), endpoint.port, endpoint.base.as_str());
        assert_eq!(found, (tls, host, port, base), "{text}");
    };
    check("https://firewall.example", true, "firewall.example", 443, "");
    check("http://firewall.example:8080/api/v2/", false, "firewall.example", 8080, "/api/v2");
    check("https://firewall.example./x", true, "firewall.example.", 443, "/x");
    check("http://127.0.0.1:9", false, "127.0.0.1", 9, "");
    check("http://127.0.0.1./", false, "127.0.0.1", 80, "");
    check("https://[2001:DB8::1]:8443/", true, "2001:db8::1", 8443, "");
    check("https://xn--bcher-kva.example", true, "xn--bcher-kva.example", 443, "");
}

#[test]
fn odd_spellings_of_addresses_are_refused() {
    let forms = [
        "http://0177.0.0.1/",
        "http://0x7f.0.0.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://127.1/",
        "http://017700000001/",
        "http://127.0.0.1.0x0/",
        "http://0X7F.1/",
        "http://1.2.3.4.5/",
        "http://0/",
        "http://127.0.0.01/",
        "http://[::ffff:127.0.0.1%25eth0]/",
        "http://[::1/",
        "http://①②⑦.0.0.1/",
        "http://127。0。0。1/",
        "http://bücher.example/",
        "http://a..b/",
        "http://..",
    ];
    for form in forms {
        refused(form);
    }
}

#[test]
fn users_queries_and_other_schemes_are_refused() {
    for text in ["https://a@b/", "https://user:hunter2@b/", "https://good.example@evil.example/"] {
        let error = refused(text);
        assert!(!error.contains("hunter2"), "{error}");
        assert!(error.contains("`secret`"), "{error}");
    }
    for text in [
        "",
        "/",
        "firewall.example",
        "ftp://a/",
        "file:///etc/passwd",
        "gopher://a/",
        "https:///x",
        "https://a/?b=c",
        "https://a/#b",
        "https://a:99999/",
        "https://a:0x50/",
        "https://a:/",
        "https://a b/",
        "https://a\n/",
    ] {
        refused(text);
    }
}
