//! Encodings and checksums; values as YAML, JSON and TOML, and back.

use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use base64::{DecodeError, Engine};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::super::context::Context;
use super::super::fault::Result;
use super::super::text::Text;
use super::super::value::Value;
use super::super::{data, json, toml, yaml};
use super::{Function, any, text};
use crate::printable;

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
        Ok(made(
            given,
            &printable::hex(&Sha1::digest(text(given, 0).bytes())),
        ))
    }),
    Function::new("sha256sum", "s", |_, given| {
        Ok(made(
            given,
            &printable::hex(&Sha256::digest(text(given, 0).bytes())),
        ))
    }),
    Function::new("sha512sum", "s", |_, given| {
        Ok(made(
            given,
            &printable::hex(&Sha512::digest(text(given, 0).bytes())),
        ))
    }),
    Function::new("adler32sum", "s", |_, given| {
        Ok(made(given, &adler32(text(given, 0).bytes()).to_string()))
    }),
    Function::new("toYaml", "a", |context, given| {
        yaml::to_yaml(context, &any(given, 0), yaml::Layout::Plain).map(Value::Text)
    })
    .also(&["mustToYaml"]),
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
    })
    .also(&["mustToJson"]),
    Function::new("toRawJson", "a", |context, given| {
        written_json(context, given, json::Layout::Raw)
    })
    .also(&["mustToRawJson"]),
    Function::new("toPrettyJson", "a", |context, given| {
        written_json(context, given, json::Layout::Pretty)
    })
    .also(&["mustToPrettyJson"]),
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

/// Creates a text computed from the first argument.
fn made(given: &[Value], text: &str) -> Value {
    let from = super::text(given, 0);
    Value::Text(Text::from_source(text.as_bytes(), from.taint()))
}

fn written_json(context: &Context, given: &[Value], layout: json::Layout) -> Result<Value> {
    json::to_json(context, &any(given, 0), layout).map(Value::Text)
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut one, mut other) = (1_u32, 0_u32);
    for byte in bytes {
        one = (one + u32::from(*byte)) % 65_521;
        other = (other + one) % 65_521;
    }
    other << 16 | one
}

/// As in Go: padding is required, and trailing bits after the last byte are ignored.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(super) fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// Decodes base64, or returns the offset of the error. As in Go, line breaks are ignored.
fn decoded_base64(text: &[u8]) -> std::result::Result<Vec<u8>, usize> {
    let bytes = text.iter().copied().enumerate();
    let (places, letters): (Vec<usize>, Vec<u8>) =
        bytes.filter(|(_, byte)| !is_break(*byte)).unzip();
    BASE64.decode(&letters).map_err(|error| {
        let at = match error {
            DecodeError::InvalidByte(at, _) => at,
            _ => letters.iter().take_while(|byte| **byte != b'=').count(),
        };
        places.get(at).copied().unwrap_or(text.len())
    })
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Encodes groups of five bits as letters, padded with `=` to blocks of eight.
fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / 5 + 8);
    let mut push = |bits: u32| out.push(char::from(BASE32[bits as usize % BASE32.len()]));
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            push(bits >> count);
        }
    }
    if count > 0 {
        push(bits << (5 - count));
    }
    while !out.len().is_multiple_of(8) {
        out.push('=');
    }
    out
}

fn decoded_base32(text: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !is_break(*byte))
        .collect();
    let end = text.iter().position(|byte| *byte == b'=');
    let (letters, padding) = text.split_at(end.unwrap_or(text.len()));
    let (mut bits, mut count) = (0_u32, 0);
    let mut out = Vec::new();
    for byte in letters {
        let value = BASE32.iter().position(|letter| letter == byte)?;
        bits = bits << 5 | u32::try_from(value).ok()?;
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
        }
    }
    let is_sound = text.len().is_multiple_of(8) && padding.iter().all(|byte| *byte == b'=');
    is_sound.then_some(out)
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
        assert_eq!(decoded_base64(b"Zm\n9*"), Err(4));
        assert_eq!(decoded_base64(b"Zm\n9"), Err(4));
        assert_eq!(decoded_base64(b"Zg==Zg=="), Err(2));
        assert_eq!(decoded_base64(b"Zh=="), Ok(b"f".to_vec()));
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }
}
