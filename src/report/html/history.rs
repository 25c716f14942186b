//! The number of findings from run to run: a chart and its numbers.

use jiff::civil::Date;
use maud::{Markup, html};

use super::percent;
use crate::printable;
use crate::report::{Moment, Summary};

/// The size of the chart in SVG units.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 180.0;

/// Renders the chart. Empty if there is no earlier run.
pub(super) fn burn_down(summary: &Summary) -> Markup {
    let now = summary.as_of.map(|day| Moment {
        as_of: day.to_string(),
        errors: summary.errors,
        warnings: summary.warnings,
        infos: summary.infos,
        fixed: summary.fixed,
    });
    let moments: Vec<Moment> = summary.history.iter().cloned().chain(now).collect();
    let (Some(first), Some(last), true) = (moments.first(), moments.last(), moments.len() > 1)
    else {
        return html! {};
    };
    let most = moments.iter().map(all).max().unwrap_or_default().max(1);
    let label = format!(
        "{} findings on {}, {} on {}",
        all(first),
        printable::line(&first.as_of),
        all(last),
        printable::line(&last.as_of)
    );
    html! {
        h2 { "Run by run" }
        svg.line viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(label) {
            title { (label) }
            line.axis x1="0" y1=(HEIGHT) x2=(WIDTH) y2=(HEIGHT) {}
            line.axis x1="0" y1="0" x2=(WIDTH) y2="0" {}
            polyline.all points=(points(&moments, most, all)) {}
            polyline.errors points=(points(&moments, most, |moment| moment.errors)) {}
            @for (x, y) in places(&moments, most, all) { circle.all cx=(x) cy=(y) r="4" {} }
        }
        p.soft.ends { span { (printable::line(&first.as_of)) } span { (printable::line(&last.as_of)) } }
        p.soft { span.key.all {} "findings, at most " (most) " " span.key.errors {} "of them errors" }
        details {
            summary { "Numbers" }
            table.list {
                thead { tr { th { "day" } th.number { "findings" } th.number { "errors" } th.number { "warnings" } th.number { "info" } th.number { "fixed" } } }
                tbody { @for moment in &moments {
                    tr {
                        td { (printable::line(&moment.as_of)) }
                        @for number in [all(moment), moment.errors, moment.warnings, moment.infos, moment.fixed] { td.number { (number) } }
                    }
                } }
            }
        }
    }
}

fn all(moment: &Moment) -> usize {
    moment.errors + moment.warnings + moment.infos
}

fn points(moments: &[Moment], most: usize, of: impl Fn(&Moment) -> usize) -> String {
    let places = places(moments, most, of);
    let places: Vec<String> = places.iter().map(|(x, y)| format!("{x},{y}")).collect();
    places.join(" ")
}

/// The position of each run: x by its date, y by its share of `most`.
fn places(moments: &[Moment], most: usize, of: impl Fn(&Moment) -> usize) -> Vec<(String, String)> {
    let days: Vec<Option<i64>> = moments.iter().map(|moment| day(&moment.as_of)).collect();
    let first = days.first().copied().flatten().unwrap_or_default();
    let last = days.last().copied().flatten().unwrap_or_default();
    let length = usize::try_from(last - first).unwrap_or_default();
    let place = |(moment, day): (&Moment, &Option<i64>)| {
        let after = usize::try_from(day.unwrap_or(first) - first).unwrap_or_default();
        let x = percent(after, length) * WIDTH / 100.0;
        let y = HEIGHT - percent(of(moment), most) * HEIGHT / 100.0;
        (format!("{x:.1}"), format!("{y:.1}"))
    };
    moments.iter().zip(&days).map(place).collect()
}

/// Days since 2000-01-01.
fn day(text: &str) -> Option<i64> {
    let day: Date = text.parse().ok()?;
    let since = day.since(Date::constant(2000, 1, 1)).ok()?;
    Some(i64::from(since.get_days()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(as_of: &str, warnings: usize) -> Moment {
        Moment {
            as_of: as_of.to_owned(),
            errors: 1,
            warnings,
            ..Moment::default()
        }
    }

    #[test]
    fn runs_are_drawn_by_day_and_number() {
        let summary = Summary {
            warnings: 3,
            errors: 1,
            as_of: "2026-01-11".parse().ok(),
            history: vec![moment("2026-01-01", 7), moment("2026-01-06", 5)],
            ..Summary::default()
        };
        let drawn = burn_down(&summary).into_string();
        assert!(
            drawn.contains("points=\"0.0,0.0 360.0,45.0 720.0,90.0\""),
            "{drawn}"
        );
        assert!(
            drawn.contains("8 findings on 2026-01-01, 4 on 2026-01-11"),
            "{drawn}"
        );
    }

    #[test]
    fn one_run_is_no_line_and_nothing_becomes_markup() {
        let one = Summary {
            as_of: "2026-01-11".parse().ok(),
            ..Summary::default()
        };
        assert_eq!(burn_down(&one).into_string(), "");
        let hostile = Summary {
            history: vec![moment("<script>", usize::MAX / 4), moment("2026-01-06", 0)],
            ..Summary::default()
        };
        assert!(!burn_down(&hostile).into_string().contains("<script>"));
    }
}
