//! The values that a release lays over those of a chart in the tree, from the lowest layer to the highest.
//!
//! Knows files and the locations of values in them; renders nothing. If some values are not in the tree, all of them
//! are unknown.

use std::path::PathBuf;

use super::{ReleaseFile, Spot, Table, Value, text};
use crate::project::helm::config_map::is_yaml;
use crate::project::helm::given::{Given, Written};
use crate::project::helm::values;

impl ReleaseFile<'_> {
    fn given(&self, at: Spot) -> Given {
        Given::at(self.path.to_owned(), at)
    }

    fn has(table: &Table, key: &str) -> bool {
        !matches!(table.get(key), None | Some(Value::Null))
    }

    /// Returns the layers of `valuesFrom`, and of `values` over them. `None` if files replace the chart's own values:
    /// these are not followed.
    pub(super) fn layers_of_flux(
        &self,
        number: usize,
        spec: &Table,
        chart: &Table,
    ) -> Option<Vec<Given>> {
        if Self::has(chart, "valuesFiles") || Self::has(chart, "valuesFile") {
            return None;
        }
        let mut layers = Vec::new();
        for reference in values::items(spec, "valuesFrom") {
            let config_maps = self.context.config_maps;
            layers.push(config_maps.values(self.folder, reference.as_table()?)?);
        }
        if Self::has(spec, "values") {
            layers.push(self.given(Spot::at_keys(number, &["spec", "values"])));
        }
        Some(layers)
    }

    /// Returns the layers of `valueFiles`, of `values` or `valuesObject` over them, and of `parameters` over all.
    pub(super) fn layers_of_argo(
        &self,
        spot: &Spot,
        helm: &Table,
        files: Option<Vec<PathBuf>>,
        is_template: bool,
    ) -> Option<Vec<Given>> {
        let at = |key: &str| spot.clone().keys(&["helm", key]);
        if Self::has(helm, "fileParameters") {
            return None;
        }
        let mut layers: Vec<Given> = files?.into_iter().map(Given::whole).collect();
        let in_text = text(helm, "values");
        if is_template && in_text.as_ref().is_some_and(|text| text.contains("{{")) {
            return None;
        }
        match (Self::has(helm, "valuesObject"), in_text) {
            (true, _) => layers.push(self.given(at("valuesObject"))),
            (false, Some(_)) => layers.push(self.given(at("values").in_text())),
            (false, None) => {}
        }
        if Self::has(helm, "parameters") {
            layers.push(Given {
                written: Written::Pairs,
                ..self.given(at("parameters"))
            });
        }
        Some(layers)
    }

    /// Returns the layers of `values`, files and maps, and of `set` over them.
    pub(super) fn layers_of_helmfile(&self, spot: &Spot, release: &Table) -> Option<Vec<Given>> {
        let others = ["setTemplate", "inherit", "valuesTemplate"];
        if others.iter().any(|key| Self::has(release, key)) {
            return None;
        }
        let mut layers = Vec::new();
        match release.get("values") {
            None | Some(Value::Null) => {}
            Some(Value::List(items)) => {
                for (index, item) in items.iter().enumerate() {
                    layers.push(match item {
                        Value::Table(_) => self.given(spot.clone().keys(&["values"]).item(index)),
                        Value::Leaf(leaf) => {
                            let file = self.context.tree.resolve(self.folder, &leaf.text);
                            let is_read = is_yaml(&file) && self.context.tree.is_file(&file);
                            Given::whole(is_read.then_some(file)?)
                        }
                        _ => return None,
                    });
                }
            }
            Some(_) => return None,
        }
        for (key, written) in [("set", Written::Pairs), ("setString", Written::TextPairs)] {
            if Self::has(release, key) {
                layers.push(Given {
                    written,
                    ..self.given(spot.clone().keys(&[key]))
                });
            }
        }
        Some(layers)
    }
}
