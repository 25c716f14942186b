//! Functions with unpredictable results: random values, times, keys. They return a text of the right form.

use super::super::context::Context;
use super::super::fault::Result;
use super::super::text::{Pieces, Source, Text};
use super::super::value::{Entries, MapType, Struct, Value};
use super::{Function, Method, count, text};

pub(super) const TABLE: &[Function] = &[
    Function::new("randAlphaNum", "i", |context, given| {
        random(context, given, ALPHANUMERIC)
    }),
    Function::new("randAlpha", "i", |context, given| {
        random(context, given, &ALPHANUMERIC[..52])
    }),
    Function::new("randNumeric", "i", |context, given| {
        random(context, given, &ALPHANUMERIC[52..])
    }),
    Function::new("randAscii", "i", |context, given| {
        random(context, given, ALPHANUMERIC)
    }),
    Function::new("randBytes", "i", |context, given| {
        let length = count(given, 0)?.div_ceil(3).saturating_mul(4);
        context.opaque_text(length, ALPHANUMERIC).map(Value::Text)
    }),
    Function::new("randInt", "ii", |_, given| {
        Ok(Value::Int(
            super::int(given, 0),
            super::super::value::IntType::Int,
            Source::Opaque,
        ))
    }),
    Function::new("uuidv4", "", |context, _| {
        let digits = context.opaque_text(32, "0123456789abcdef")?;
        let mut out = Pieces::default();
        for (from, to) in [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)] {
            if from > 0 {
                out.push(b"-", Source::Opaque);
            }
            out.push_part(&digits, from, to);
        }
        Ok(Value::Text(Text::new(out)))
    }),
    Function::new("bcrypt", "s", |context, _| {
        context.opaque_text(60, ALPHANUMERIC).map(Value::Text)
    }),
    Function::new("htpasswd", "ss", |context, given| {
        let mut out = Pieces::default();
        out.push_text(&text(given, 0));
        out.computed(":");
        out.push_text(&context.opaque_text(60, ALPHANUMERIC)?);
        Ok(Value::Text(Text::new(out)))
    }),
    Function::new("derivePassword", "issss", |context, _| {
        context.opaque_text(20, ALPHANUMERIC).map(Value::Text)
    }),
    Function::new("encryptAES", "ss", |context, _| {
        context.opaque_text(44, ALPHANUMERIC).map(Value::Text)
    }),
    Function::new("decryptAES", "ss", |context, _| {
        context.opaque_text(16, ALPHANUMERIC).map(Value::Text)
    }),
    Function::new("genPrivateKey", "s", |context, _| {
        pem(context, "RSA PRIVATE KEY").map(Value::Text)
    }),
    Function::new("genCA", "si", |context, _| certificate(context)),
    Function::new("genCAWithKey", "sis", |context, _| certificate(context)),
    Function::new("genSelfSignedCert", "saai", |context, _| {
        certificate(context)
    }),
    Function::new("genSelfSignedCertWithKey", "saais", |context, _| {
        certificate(context)
    }),
    Function::new("genSignedCert", "saaia", |context, _| certificate(context)),
    Function::new("genSignedCertWithKey", "saaias", |context, _| {
        certificate(context)
    }),
    Function::new("buildCustomCert", "ss", |context, _| certificate(context)),
    Function::new("now", "", |context, _| Ok(time(context))),
    Function::new("toDate", "ss", |context, _| Ok(time(context))).also(&["mustToDate"]),
    Function::new("dateModify", "sa", |context, _| Ok(time(context))).also(&[
        "mustDateModify",
        "date_modify",
        "must_date_modify",
    ]),
    Function::new("date", "sa", |_, given| Ok(formatted(given))),
    Function::new("dateInZone", "sas", |_, given| Ok(formatted(given))).also(&["date_in_zone"]),
    Function::new("htmlDate", "a", |_, _| Ok(opaque("2006-01-02"))),
    Function::new("htmlDateInZone", "as", |_, _| Ok(opaque("2006-01-02"))),
    Function::new("ago", "a", |_, _| Ok(opaque("0s"))),
    Function::new("duration", "a", |_, given| Ok(duration(given))),
    Function::new("durationRound", "a", |_, _| Ok(opaque("0s"))),
    Function::new("unixEpoch", "a", |_, _| Ok(opaque("1136239445"))),
];

const ALPHANUMERIC: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn opaque(text: &str) -> Value {
    Value::Text(Text::from_source(text.as_bytes(), Source::Opaque))
}

fn random(context: &Context, given: &[Value], letters: &str) -> Result<Value> {
    context
        .opaque_text(count(given, 0)?, letters)
        .map(Value::Text)
}

/// The layout stands in for the unknown date.
fn formatted(given: &[Value]) -> Value {
    opaque(&text(given, 0).to_str())
}

/// Formats seconds as Go does: `1m35s`.
fn duration(given: &[Value]) -> Value {
    let seconds = super::int(given, 0);
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    Value::computed(match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    })
}

fn time(context: &Context) -> Value {
    let shown = opaque("2006-01-02 15:04:05 +0000 UTC");
    let entries: Entries = [("String".into(), shown)].into();
    Value::Map(
        context
            .heap
            .map(entries, MapType::Struct(Struct::Time), None),
    )
}

fn pem(context: &Context, title: &str) -> Result<Text> {
    let mut out = Pieces::default();
    out.computed(&format!("-----BEGIN {title}-----\n"));
    out.push_text(&context.opaque_text(64, ALPHANUMERIC)?);
    out.computed(&format!("\n-----END {title}-----\n"));
    Ok(Text::from_source(&out.bytes, Source::Opaque))
}

fn certificate(context: &Context) -> Result<Value> {
    let entries: Entries = [
        ("Cert".into(), Value::Text(pem(context, "CERTIFICATE")?)),
        ("Key".into(), Value::Text(pem(context, "RSA PRIVATE KEY")?)),
    ]
    .into();
    let of = MapType::Struct(Struct::Certificate);
    Ok(Value::Map(context.heap.map(entries, of, None)))
}

/// The methods of a time are unpredictable, too.
pub(super) fn method(of: Struct) -> Option<Method> {
    (of == Struct::Time).then_some(|_, time, _| Ok(time.clone()))
}
