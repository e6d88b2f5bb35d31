//! Signed notes and their keys.

use super::*;

/// The example of C2SP signed-note, section "Verifier keys".
const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, &[seed; 32]).unwrap()
}

#[test]
fn the_example_of_the_specification_verifies() {
    let key = VerifierKey::parse(KEY).unwrap();
    assert_eq!(key.to_string(), KEY);
    let note = Note::parse(NOTE).unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.verify(&[key]).unwrap()[0].name(), "example.com/foo");
    assert_eq!(note.render(), NOTE);
}

#[test]
fn signatures_of_unknown_keys_are_ignored() {
    let (known, other, namesake) = (key("log", 1), key("witness", 2), key("log", 3));
    let mut note = Note::new("text\n\nwith an empty line\n").unwrap();
    for key in [&other, &known, &namesake] {
        note.sign(key);
    }
    let note = Note::parse(&note.render()).unwrap();
    assert_eq!(note.signatures().len(), 3);
    assert_eq!(note.verify(&[known.verifier().clone()]).unwrap(), [known.verifier()]);
    let all = [namesake.verifier().clone(), other.verifier().clone(), known.verifier().clone()];
    assert_eq!(note.verify(&all).unwrap().len(), 3);
    let stranger = key("stranger", 4).verifier().clone();
    assert!(matches!(note.verify(&[stranger]), Err(Error::UnknownSigner { .. })));
}

#[test]
fn one_bad_signature_of_a_known_key_refuses_the_note() {
    let (first, second) = (key("first", 1), key("second", 2));
    let mut note = Note::new("text\n").unwrap();
    note.sign(&first);
    note.sign(&second);
    note.signatures[1].bytes[5] ^= 1;
    let keys = [first.verifier().clone(), second.verifier().clone()];
    assert!(matches!(note.verify(&keys), Err(Error::BadSignature { key }) if key == "second"));
    assert!(note.verify(&keys[..1]).is_ok());
    let mut changed = Note::parse(NOTE).unwrap();
    changed.text = "This is another message.\n".into();
    let known = [VerifierKey::parse(KEY).unwrap()];
    assert!(matches!(changed.verify(&known), Err(Error::BadSignature { .. })));
}

#[test]
fn keys_come_back_from_their_text() {
    let key = key("ringfence.example/log", 9);
    let secret = key.to_secret_text();
    assert!(secret.starts_with("PRIVATE+KEY+ringfence.example/log+"));
    let again = SigningKey::parse(&secret).unwrap();
    assert_eq!(again.verifier(), key.verifier());
    let public = key.verifier().to_string();
    assert_eq!(VerifierKey::parse(&public).unwrap(), *key.verifier());
    assert!(VerifierKey::parse(&secret).is_err());
    assert!(SigningKey::parse(&public).is_err());
    for name in ["", "a b", "a+b", "a\nb", "a\u{a0}b"] {
        assert!(SigningKey::from_seed(name, &[0; 32]).is_err(), "{name:?} was accepted");
    }
}

#[test]
fn altered_keys_are_refused() {
    for wrong in [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ] {
        assert!(VerifierKey::parse(wrong).is_err(), "`{wrong}` was accepted");
    }
}

#[test]
fn malformed_notes_are_refused() {
    for wrong in [
        "",
        "text\n",
        "text\n\n",
        "text\n\n— name\n",
        "text\n\n— name AAAA\n",
        "text\n\n— name AAAAAA==",
        "text\n\n- name AAAAAAA=\n",
        "text\n\n—  AAAAAAA=\n",
        "text\n\n— a+b AAAAAAA=\n",
        "text\n\n— name AAAAAAA\n",
        "text\n\n— name AAAAAAA= \n",
        "te\txt\n\n— name AAAAAAA=\n",
        "text\r\n\r\n— name AAAAAAA=\n",
        "text\n— name AAAAAAA=\n",
    ] {
        assert!(Note::parse(wrong).is_err(), "{wrong:?} was accepted");
    }
    assert!(Note::parse("text\n\n— name AAAAAAA=\n").is_ok());
    let many = format!("text\n\n{}", "— name AAAAAAA=\n".repeat(MAX_SIGNATURES + 1));
    assert!(Note::parse(&many).is_err());
    assert!(Note::new("no newline").is_err());
    assert!(Note::new("tab\t\n").is_err());
}
