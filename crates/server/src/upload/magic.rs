//! What a file says that it is, by its first bytes, against what it is said to be.

use domain::limits::FileKind;
use infer::{MatcherType, Type};

use super::Seen;

/// What the sender says of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Told {
    pub(crate) name: String,
    /// Its media type without parameters, in lower case.
    pub(crate) media: Option<String>,
}

/// Types that are taken where only some are, beside text.
const ALLOWED: [&str; 12] = [
    "application/pdf",
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/tiff",
    "application/gzip",
    "application/zip",
    "application/zstd",
    "application/x-xz",
    "application/x-tar",
    "application/vnd.tcpdump.pcap",
];
/// Names of types that are one and the same on the outside.
const FAMILIES: [&[&str]; 12] = [
    &["zip", "docx", "xlsx", "pptx", "jar", "apk", "odt", "ods", "odp", "epub", "war", "ear", "xpi"],
    &["doc", "xls", "ppt", "msi", "msg", "ole"],
    &["jpg", "jpeg", "jpe"],
    &["tif", "tiff"],
    &["gz", "tgz"],
    &["bz2", "tbz2"],
    &["xz", "txz"],
    &["zst", "tzst"],
    &["mp4", "m4v", "mov", "m4a", "3gp"],
    &["mkv", "webm"],
    &["exe", "dll", "sys", "scr", "com", "cpl", "ocx", "efi"],
    &["elf", "so", "o", "ko", "bin", "out", "axf"],
];
const TEXTS: [&str; 22] = [
    "txt", "text", "log", "json", "jsonl", "csv", "tsv", "yaml", "yml", "toml", "md", "conf", "cfg", "ini",
    "xml", "html", "htm", "sql", "eml", "pem", "rules", "diff",
];
const SCRIPTS: [&str; 4] = ["sh", "bash", "py", "pl"];
const OLE: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
const PCAPS: [&[u8]; 5] = [
    &[0xd4, 0xc3, 0xb2, 0xa1],
    &[0xa1, 0xb2, 0xc3, 0xd4],
    &[0x4d, 0x3c, 0xb2, 0xa1],
    &[0xa1, 0xb2, 0x3c, 0x4d],
    &[0x0a, 0x0d, 0x0d, 0x0a],
];

/// A type by what the first bytes are.
struct Found {
    media: &'static str,
    extension: &'static str,
    runs: bool,
    text: bool,
}

pub(super) fn judge(told: &Told, head: &[u8], text: bool) -> Seen {
    let found = find(head);
    let is_text = text && found.as_ref().is_none_or(|found| found.text);
    let media = found.as_ref().map(|found| found.media).or(is_text.then_some("text/plain"));
    let kind = match media {
        _ if is_text => FileKind::Text,
        Some(media) if ALLOWED.contains(&media) => FileKind::AllowedType,
        Some(_) | None => FileKind::Other,
    };
    let disguised = by_name(told, found.as_ref(), is_text)
        .or_else(|| by_media(told, found.as_ref(), is_text))
        .map(|said| format!("{said}, and its bytes are {}", media.unwrap_or("of no known type")));
    Seen { media, kind, disguised }
}

fn find(head: &[u8]) -> Option<Found> {
    if head.starts_with(OLE) {
        let (media, extension) = ("application/x-ole-storage", "ole");
        return Some(Found { media, extension, runs: false, text: false });
    }
    // Too short to run, and still nothing else.
    if head.starts_with(b"\x7fELF") {
        let (media, extension) = ("application/x-executable", "elf");
        return Some(Found { media, extension, runs: true, text: false });
    }
    if head.starts_with(b"MZ") {
        let (media, extension) = ("application/vnd.microsoft.portable-executable", "exe");
        return Some(Found { media, extension, runs: true, text: false });
    }
    if PCAPS.iter().any(|magic| head.starts_with(magic)) {
        let (media, extension) = ("application/vnd.tcpdump.pcap", "pcap");
        return Some(Found { media, extension, runs: false, text: false });
    }
    let found: Type = infer::get(head)?;
    let (runs, text) = match found.matcher_type() {
        MatcherType::App => (true, false),
        MatcherType::Text => (false, true),
        MatcherType::Archive
        | MatcherType::Audio
        | MatcherType::Book
        | MatcherType::Doc
        | MatcherType::Font
        | MatcherType::Image
        | MatcherType::Video
        | MatcherType::Custom => (false, false),
    };
    Some(Found { media: found.mime_type(), extension: found.extension(), runs, text })
}

fn by_name(told: &Told, found: Option<&Found>, text: bool) -> Option<String> {
    let (_, extension) = told.name.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    let says = |yes: bool| (!yes).then(|| format!("its name ends in `.{}`", extension.escape_debug()));
    if TEXTS.contains(&extension.as_str()) || SCRIPTS.contains(&extension.as_str()) {
        return says(text);
    }
    if matches!(extension.as_str(), "pcap" | "pcapng" | "cap") {
        return says(found.is_some_and(|found| found.extension == "pcap"));
    }
    match found {
        Some(found) if known(&extension) => says(same(&extension, found.extension)),
        // What runs may have no name that says so, but none that says something else.
        Some(found) if found.runs => says(same(&extension, found.extension)),
        None if known(&extension) && magical(&extension) => says(false),
        Some(_) | None => None,
    }
}

fn by_media(told: &Told, found: Option<&Found>, text: bool) -> Option<String> {
    let media = told.media.as_deref()?;
    let says = |yes: bool| (!yes).then(|| format!("it is sent as `{}`", media.escape_debug()));
    if media.starts_with("text/") || media == "application/json" || media == "application/yaml" {
        return says(text);
    }
    match found {
        Some(found) if infer::is_mime_supported(media) => says(found.media == media || like(media, found)),
        None if infer::is_mime_supported(media) => says(false),
        Some(_) | None => None,
    }
}

/// A document is an archive on the outside.
fn like(media: &str, found: &Found) -> bool {
    let zip =
        |media: &str| media.contains("zip") || media.contains("openxml") || media.contains("opendocument");
    (zip(media) && (found.extension == "zip" || zip(found.media)))
        || (media.contains("msword") || media.contains("ms-")) && found.extension == "ole"
}

fn known(extension: &str) -> bool {
    infer::is_supported(extension) || family(extension).is_some()
}

/// Whether a file of this name always has magic numbers.
fn magical(extension: &str) -> bool {
    !matches!(extension, "bin" | "out" | "com" | "o")
}

fn family(extension: &str) -> Option<usize> {
    FAMILIES.iter().position(|family| family.contains(&extension))
}

fn same(said: &str, found: &str) -> bool {
    said == found || family(said).is_some_and(|one| family(found) == Some(one))
}
