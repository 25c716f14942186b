//! Renders charts as Helm does, in memory, and tracks the origin of every byte of the result.
//!
//! Text that no template computed stays traceable: a literal part of a template, a string in an action, a scalar of a
//! values file. Text that a function creates has no origin. Runs no program, contacts no cluster, reads no disk; the
//! cost of a chart is bounded. Values are not checked against schemas.

mod budget;
mod call;
mod chart;
mod context;
mod data;
mod error;
mod eval;
mod explore;
mod fault;
mod functions;
mod ignore;
mod images;
mod json;
mod nest;
mod number;
mod print;
mod reads;
mod scalar;
mod scripts;
mod sprintf;
#[cfg(test)]
mod tests;
mod text;
mod toml;
mod uses;
mod value;
mod verb;
mod yaml;

pub use chart::{Chart, File, Files};
pub use error::{Frame, RenderError};
pub use explore::Settled;
pub use images::{Object, RenderedImage, images};
pub use reads::{Comparison, Reads, ValuesPath};
pub use text::{Origin, OriginKind, PathId, Piece, Pieces, Source};
pub use uses::{EVERY_WAY, Exploration, ImageField, Symbol, Use, explore, explore_settled};

use std::io;
use std::rc::Rc;
use std::sync::{PoisonError, RwLock};

use super::coalesce;
use super::effective;
use super::values::Table;
use crate::version::satisfies;
use context::Context;
use eval::Machine;
use nest::{Nest, Template};
use scripts::{Body, Library, Parsed, Script};
use text::Text;
use value::Value;

/// The Helm version that is reproduced.
const HELM_VERSION: &str = "v4.1.4";

/// What `.Capabilities.APIVersions` contains without a cluster.
const API_VERSIONS: [&str; 57] = [
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "autoscaling/v2beta1",
    "autoscaling/v2beta2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha1",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// The release that a chart is rendered for.
#[derive(Debug, Clone)]
pub struct Release {
    pub name: String,
    pub namespace: String,
    pub kube_version: String,
    /// In addition to the API versions that Kubernetes has by default.
    pub api_versions: Vec<String>,
}

impl Default for Release {
    fn default() -> Self {
        Self {
            name: "release-name".to_owned(),
            namespace: "default".to_owned(),
            kube_version: "v1.35.0".to_owned(),
            api_versions: Vec::new(),
        }
    }
}

/// The output of one template.
#[derive(Debug)]
pub struct Manifest {
    /// Its name in Helm: `root/charts/sub/templates/a.yaml`.
    pub name: String,
    /// The text, with the origin of each byte.
    pub text: Pieces,
}

/// The result of rendering a chart.
#[derive(Debug, Default)]
pub struct Rendered {
    /// Custom resource definitions first, then templates by name, without helpers and notes.
    pub manifests: Vec<Manifest>,
    /// If there are any, Helm renders nothing. Manifests that do not depend on them are still listed.
    pub errors: Vec<RenderError>,
    pub reads: Reads,
}

/// Renders a chart with values files, later ones over earlier ones. Origins refer to the chart's files by their
/// indexes in [`Chart::files`], and to the values files by the indexes that follow.
pub fn render(chart: &Chart, values: &[File], release: &Release) -> Rendered {
    on_large_stack(|| {
        let context = Context::default();
        let mut rendered = Rendered::default();
        match pass(chart, values, release, context, &mut rendered) {
            Ok(machine) => rendered.reads = machine.context.recorder.done(),
            Err(message) => rendered.errors.push(RenderError::of_chart(message)),
        }
        rendered
    })
}

/// The stack size in bytes: templates may be nested deeper than the default stack allows.
const STACK: usize = 512 << 20;

/// Held shared while rendering, or exclusively by a thread that needs the memory for itself.
static RENDERING: RwLock<()> = RwLock::new(());

fn on_large_stack<T: Send>(run: impl Fn() -> T + Sync) -> T {
    let attempt = || {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK);
            let thread = thread.spawn_scoped(scope, &run)?;
            let made = thread.join();
            Ok(made.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    };
    let beside_others = {
        let _beside_others = RENDERING.read().unwrap_or_else(PoisonError::into_inner);
        attempt()
    };
    let made = beside_others.or_else(|_: io::Error| {
        // There is not enough memory for so many stacks, but perhaps for one.
        let _alone = RENDERING.write().unwrap_or_else(PoisonError::into_inner);
        attempt()
    });
    made.unwrap_or_else(|error| {
        std::panic::panic_any(format!("no thread to render in: {error}"));
    })
}

/// Renders once.
fn pass(
    chart: &Chart,
    values: &[File],
    release: &Release,
    context: Context,
    rendered: &mut Rendered,
) -> Result<Machine, String> {
    let (layered, table) = effective::rendered(&chart.root, merged(chart, values)?);
    let files: Vec<&File> = chart.files.iter().chain(values).collect();
    let mut nest = Nest {
        context: &context,
        files: &files,
        release,
        templates: Vec::new(),
        crds: Vec::new(),
        kube_version: String::new(),
    };
    nest.build(&layered, table).map_err(|fault| fault.message)?;
    let Nest {
        templates,
        crds,
        kube_version,
        ..
    } = nest;
    if !kube_version.is_empty() && !satisfies(&release.kube_version, &kube_version) {
        return Err(format!(
            "chart requires kubeVersion: {kube_version} which is incompatible with Kubernetes {}",
            release.kube_version
        ));
    }
    for (name, number) in crds {
        let script = Script::of_file(&name, files[number].text(), number);
        let mut text = Pieces::default();
        script.write(&mut text, crate::source::Span::new(0, script.text.len()));
        rendered.manifests.push(Manifest { name, text });
    }
    let (library, bodies) = parse(&templates, &files, &context.parsed)?;
    let machine = Machine::new(context, library);
    for (template, body) in templates.iter().zip(bodies) {
        run(&machine, template, &body, rendered);
    }
    let first = rendered
        .manifests
        .iter()
        .take_while(|one| one.name.contains("/crds/"))
        .count();
    rendered.manifests[first..].sort_by(|one, other| one.name.cmp(&other.name));
    Ok(machine)
}

/// Merges the values files into one table, later ones over earlier ones.
fn merged(chart: &Chart, values: &[File]) -> Result<Table, String> {
    let mut over = Table::new();
    for (index, file) in values.iter().enumerate() {
        let number = chart.files.len() + index;
        let mut table = file
            .values(number)
            .map_err(|error| format!("failed to parse {}: {error}", file.path))?;
        coalesce::merge(&mut table, &over, true);
        over = table;
    }
    Ok(over)
}

/// Parses the templates, and returns their named templates and the body of each.
fn parse(
    templates: &[Template],
    files: &[&File],
    parsed: &Parsed,
) -> Result<(Library, Vec<Rc<Body>>), String> {
    let mut library = Library::default();
    let mut bodies = Vec::new();
    for template in templates {
        let text = files[template.file].shown();
        let ready = parsed.file(&template.name, &text, template.file);
        let (script, ready) = ready.map_err(|error| {
            let line = scripts::line_of(&text, error.offset);
            let (name, message) = (&template.name, error.message);
            format!("parse error at ({name}:{line}): {message}")
        })?;
        bodies.push(library.add(&script, &ready));
    }
    Ok((library, bodies))
}

fn run(machine: &Machine, template: &Template, body: &Body, rendered: &mut Rendered) {
    let base = template.name.rsplit('/').next().unwrap_or_default();
    if base.starts_with('_') || rendered.errors.iter().any(|error| error.is_limit) {
        return;
    }
    if let Err(fault) = template.announce(&machine.context) {
        rendered.errors.push(RenderError {
            message: fault.message,
            frames: Vec::new(),
            is_limit: true,
        });
        return;
    }
    let dot = Value::Map(template.dot.clone());
    let is_for_people = template.name.ends_with("NOTES.txt");
    machine.context.recorder.set_aside(is_for_people);
    match machine.run(body, &dot) {
        Ok(_) if is_for_people => {}
        Ok(text) => rendered.manifests.push(Manifest {
            name: template.name.clone(),
            text: Text::into_pieces(text),
        }),
        Err(failure) => rendered.errors.push(failure.into()),
    }
}
