//! Checkpoints as text, signed and opened.

use super::*;
use crate::empty_root;

fn key() -> SigningKey {
    SigningKey::from_seed("ringfence.example/log", &[1; 32]).unwrap()
}

#[test]
fn a_checkpoint_comes_back_from_its_note() {
    let mut checkpoint = Checkpoint::new("ringfence.example/log", 42, empty_root());
    checkpoint.extensions.push("an extension".into());
    let note = checkpoint.sign(&key()).unwrap();
    assert!(note.starts_with(
        "ringfence.example/log\n42\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nan extension\n\n— "
    ));
    assert_eq!(Checkpoint::open(&note, &[key().verifier().clone()]).unwrap(), checkpoint);
}

#[test]
fn any_altered_byte_of_a_signed_checkpoint_refuses_it() {
    let checkpoint = Checkpoint::new("ringfence.example/log", 42, empty_root());
    let note = checkpoint.sign(&key()).unwrap();
    let keys = [key().verifier().clone()];
    for at in 0..note.len() {
        let mut bytes = note.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(altered) = String::from_utf8(bytes) else { continue };
        assert!(Checkpoint::open(&altered, &keys).is_err(), "byte {at} can be altered");
    }
}

#[test]
fn malformed_checkpoints_are_refused() {
    let root = empty_root().to_base64();
    for wrong in [
        String::new(),
        "\n".into(),
        format!("\n1\n{root}\n"),
        format!("log\n01\n{root}\n"),
        format!("log\n\n{root}\n"),
        format!("log\n-1\n{root}\n"),
        format!("log\n18446744073709551616\n{root}\n"),
        "log\n1\n".into(),
        "log\n1\nAAAA\n".into(),
        format!("log\n1\n{root}"),
        format!("log\n1\n{root}\n\n"),
        format!("log\n1\n{root}\nextension\n\nextension\n"),
    ] {
        assert!(Checkpoint::parse(&wrong).is_err(), "{wrong:?} was accepted");
    }
    assert!(Checkpoint::parse(&format!("log\n0\n{root}\n")).is_ok());
}

#[test]
fn what_cannot_be_read_back_is_not_signed() {
    for origin in ["", "two\nlines", "tab\t"] {
        assert!(Checkpoint::new(origin, 0, empty_root()).sign(&key()).is_err(), "{origin:?} was signed");
    }
    let mut checkpoint = Checkpoint::new("log", 0, empty_root());
    checkpoint.extensions.push(String::new());
    assert!(checkpoint.sign(&key()).is_err());
}
