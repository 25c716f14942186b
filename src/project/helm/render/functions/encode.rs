//! Encodings and checksums; values as YAML, JSON and TOML, and back.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::super::context::Context;
use super::super::fault::Result;
use super::super::text::Text;
use super::super::value::Value;
use super::super::{data, json, toml, yaml};
use super::{Function, any, text};

pub(super) const TABLE: &[Function] = &[
    Function::new("b64enc", "s", |_, given| {
        Ok(made(given, &base64(text(given, 0).bytes())))
    }),
    Function::new("b64dec", "s", |_, given| {
        let value = text(given, 0);
        Ok(match decoded_base64(value.bytes()) {
            Ok(bytes) => Value::Text(value.made(bytes)),
            Err(at) => Value::computed(format!("illegal base64 data at input byte {at}")),
        })
    }),
    Function::new("b32enc", "s", |_, given| {
        Ok(made(given, &base32(text(given, 0).bytes())))
    }),
    Function::new("b32dec", "s", |_, given| {
        let value = text(given, 0);
        Ok(match decoded_base32(value.bytes()) {
            Some(bytes) => Value::Text(value.made(bytes)),
            None => Value::computed("illegal base32 data at input byte 0"),
        })
    }),
    Function::new("sha1sum", "s", |_, given| {
        Ok(made(given, &hex(&Sha1::digest(text(given, 0).bytes()))))
    }),
    Function::new("sha256sum", "s", |_, given| {
        Ok(made(given, &hex(&Sha256::digest(text(given, 0).bytes()))))
    }),
    Function::new("sha512sum", "s", |_, given| {
        Ok(made(given, &hex(&Sha512::digest(text(given, 0).bytes()))))
    }),
    Function::new("adler32sum", "s", |_, given| {
        Ok(made(given, &adler32(text(given, 0).bytes()).to_string()))
    }),
    Function::new("toYaml", "a", |context, given| {
        yaml::to_yaml(context, &any(given, 0), yaml::Layout::Plain).map(Value::Text)
    }),
    Function::new("mustToYaml", "a", |context, given| {
        yaml::to_yaml(context, &any(given, 0), yaml::Layout::Plain).map(Value::Text)
    }),
    Function::new("toYamlPretty", "a", |context, given| {
        yaml::to_yaml(context, &any(given, 0), yaml::Layout::Pretty).map(Value::Text)
    }),
    Function::new("fromYaml", "s", |context, given| {
        data::from_yaml(context, &text(given, 0), data::Wanted::Map)
    }),
    Function::new("fromYamlArray", "s", |context, given| {
        data::from_yaml(context, &text(given, 0), data::Wanted::List)
    }),
    Function::new("toJson", "a", |context, given| {
        written_json(context, given, json::Layout::Escaped)
    }),
    Function::new("mustToJson", "a", |context, given| {
        written_json(context, given, json::Layout::Escaped)
    }),
    Function::new("toRawJson", "a", |context, given| {
        written_json(context, given, json::Layout::Raw)
    }),
    Function::new("mustToRawJson", "a", |context, given| {
        written_json(context, given, json::Layout::Raw)
    }),
    Function::new("toPrettyJson", "a", |context, given| {
        written_json(context, given, json::Layout::Pretty)
    }),
    Function::new("mustToPrettyJson", "a", |context, given| {
        written_json(context, given, json::Layout::Pretty)
    }),
    Function::new("fromJson", "s", |context, given| {
        data::from_json(context, &text(given, 0), data::Wanted::Map)
    }),
    Function::new("fromJsonArray", "s", |context, given| {
        data::from_json(context, &text(given, 0), data::Wanted::List)
    }),
    Function::new("mustFromJson", "s", |context, given| {
        data::from_json(context, &text(given, 0), data::Wanted::Any)
    }),
    Function::new("toToml", "a", |context, given| {
        toml::to_toml(context, &any(given, 0)).map(Value::Text)
    }),
    Function::new("fromToml", "s", |context, given| {
        toml::from_toml(context, &text(given, 0))
    }),
];

/// What is computed from the first argument.
fn made(given: &[Value], text: &str) -> Value {
    let from = super::text(given, 0);
    Value::Text(Text::from_source(text.as_bytes(), from.taint()))
}

fn written_json(context: &Context, given: &[Value], layout: json::Layout) -> Result<Value> {
    json::to_json(context, &any(given, 0), layout).map(Value::Text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut one, mut other) = (1_u32, 0_u32);
    for byte in bytes {
        one = (one + u32::from(*byte)) % 65_521;
        other = (other + one) % 65_521;
    }
    other << 16 | one
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(super) fn base64(bytes: &[u8]) -> String {
    encoded(bytes, BASE64, 6, 4)
}

fn base32(bytes: &[u8]) -> String {
    encoded(bytes, BASE32, 5, 8)
}

/// Groups of bits as letters, filled up with `=` to whole blocks.
fn encoded(bytes: &[u8], letters: &[u8], width: u32, block: usize) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / width as usize + block);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= width {
            count -= width;
            out.push(letter(letters, bits >> count));
        }
    }
    if count > 0 {
        out.push(letter(letters, bits << (width - count)));
    }
    while !out.len().is_multiple_of(block) {
        out.push('=');
    }
    out
}

fn letter(letters: &[u8], bits: u32) -> char {
    char::from(letters[bits as usize % letters.len()])
}

/// The bytes, or where the text is no base64. Line breaks are passed over, as in Go.
fn decoded_base64(text: &[u8]) -> std::result::Result<Vec<u8>, usize> {
    let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let letters: Vec<(usize, u8)> = text
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, byte)| !is_break(byte))
        .collect();
    let end = letters
        .iter()
        .position(|(_, byte)| *byte == b'=')
        .unwrap_or(letters.len());
    let padding = letters.len() - end;
    let bad = letters[..end]
        .iter()
        .find(|(_, byte)| !BASE64.contains(byte));
    if let Some((at, _)) = bad {
        return Err(*at);
    }
    let whole = letters.len().is_multiple_of(4) && padding <= 2;
    let only_padding = letters[end..].iter().all(|(_, byte)| *byte == b'=');
    if !whole || !only_padding {
        return Err(letters.get(end).map_or(text.len(), |(at, _)| *at));
    }
    Ok(decoded(
        letters[..end].iter().map(|(_, byte)| *byte),
        BASE64,
        6,
    ))
}

fn decoded_base32(text: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b'\n' | b'\r'))
        .collect();
    let end = text
        .iter()
        .position(|byte| *byte == b'=')
        .unwrap_or(text.len());
    let sound = text.len().is_multiple_of(8)
        && text[..end].iter().all(|byte| BASE32.contains(byte))
        && text[end..].iter().all(|byte| *byte == b'=');
    sound.then(|| decoded(text[..end].iter().copied(), BASE32, 5))
}

fn decoded(text: impl Iterator<Item = u8>, letters: &[u8], width: u32) -> Vec<u8> {
    let (mut bits, mut count) = (0_u32, 0);
    let mut out = Vec::new();
    for byte in text {
        let value = letters
            .iter()
            .position(|letter| *letter == byte)
            .unwrap_or(0);
        bits = bits << width | u32::try_from(value).unwrap_or(0);
        count += width;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_go_both_ways() {
        for (text, in_64, in_32) in [
            ("", "", ""),
            ("f", "Zg==", "MY======"),
            ("fo", "Zm8=", "MZXQ===="),
            ("foobar", "Zm9vYmFy", "MZXW6YTBOI======"),
        ] {
            assert_eq!(base64(text.as_bytes()), in_64);
            assert_eq!(base32(text.as_bytes()), in_32);
            assert_eq!(decoded_base64(in_64.as_bytes()).unwrap(), text.as_bytes());
            assert_eq!(decoded_base32(in_32.as_bytes()).unwrap(), text.as_bytes());
        }
        assert_eq!(decoded_base64(b"Zm9*"), Err(3));
        assert!(decoded_base64(b"Zm9").is_err());
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }
}
