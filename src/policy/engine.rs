//! The engines: each wraps a policy in its own kinds of objects.

use serde_json::{Value, json};

use super::cel;
use super::condition::{Condition, conditions};
use crate::rules::{RuleSet, Severity};

/// The action for an object with a legacy image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Admit it, and warn the client.
    Warn,
    /// Admit it, and record it in the audit log.
    Audit,
    /// Reject it.
    Deny,
}

/// An engine, or one of its kinds of policy.
pub struct Engine {
    pub name: &'static str,
    /// The software that runs the policy, in a few words.
    pub about: &'static str,
    /// Whether it rewrites images instead of reporting them.
    pub mutates: bool,
    render: fn(&[Condition], Action) -> Vec<Value>,
}

pub static ENGINES: [Engine; 5] = [
    Engine {
        name: "vap",
        about: "ValidatingAdmissionPolicy of Kubernetes 1.30 and newer",
        mutates: false,
        render: vap,
    },
    Engine {
        name: "kyverno",
        about: "ValidatingPolicy of Kyverno 1.17 and newer",
        mutates: false,
        render: kyverno,
    },
    Engine {
        name: "gatekeeper",
        about: "ConstraintTemplate and constraint of Gatekeeper 3.18 and newer, in CEL",
        mutates: false,
        render: gatekeeper,
    },
    Engine {
        name: "map",
        about: "MutatingAdmissionPolicy of Kubernetes 1.36 and newer",
        mutates: true,
        render: map,
    },
    Engine {
        name: "kyverno-mutate",
        about: "MutatingPolicy of Kyverno 1.17 and newer",
        mutates: true,
        render: kyverno_mutate,
    },
];

/// Finds an engine by name.
pub fn engine(name: &str) -> Option<&'static Engine> {
    ENGINES.iter().find(|engine| engine.name == name)
}

/// No rule can be part of such a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsupported;

impl Engine {
    /// Renders the policy as YAML, for all rules about images of at least this severity. A mutating policy contains only
    /// rules whose move is safe for every tag.
    ///
    /// # Errors
    /// If there is no such rule.
    pub fn policy(
        &self,
        rules: &RuleSet,
        least: Severity,
        action: Action,
    ) -> Result<String, Unsupported> {
        let mut conditions = conditions(rules, least);
        if self.mutates {
            let all = conditions.into_iter();
            conditions = all.filter_map(Condition::replaceable).collect();
        }
        if conditions.is_empty() {
            return Err(Unsupported);
        }
        let documents = (self.render)(&conditions, action);
        let documents = documents
            .iter()
            .filter_map(|one| serde_yaml::to_string(one).ok());
        let documents: Vec<String> = documents.collect();
        let how = match self.mutates {
            true => HOW_TO_MUTATE,
            false => HOW_TO_VALIDATE,
        };
        let head = format!(
            "# Made by regfix {} for {} from {} of its rules.\n#\n{how}# docs/policies.md says more.\n",
            env!("CARGO_PKG_VERSION"),
            self.about,
            conditions.len()
        );
        Ok(head + &documents.join("---\n"))
    }
}

const NAME: &str = "regfix-legacy-registries";

/// Instructions for introducing the policy, at the top of each file.
const HOW_TO_VALIDATE: &str = "\
# 1. Apply it with --action audit or warn first: nothing is refused.
# 2. Fix what it reports; `regfix cluster -A` lists what runs already, and where it comes from.
# 3. Apply it with --action deny --min-severity error, then with --action deny. Objects that are there can still be scaled,
#    restarted and deleted, and what controllers create is admitted.
# 4. Make it again when you update regfix: new rules come with it.
";
const HOW_TO_MUTATE: &str = "\
# 1. Use it as a last resort, for what nobody can edit: it changes pods when they are created, and no other object.
# 2. Try it in one namespace first, by a selector in its binding or its match.
# 3. Fix the sources all the same; `regfix cluster -A` lists them.
# 4. Make it again when you update regfix: new rules come with it.
";

fn vap(conditions: &[Condition], action: Action) -> Vec<Value> {
    let actions = match action {
        Action::Warn => json!(["Warn"]),
        Action::Audit => json!(["Audit"]),
        Action::Deny => json!(["Deny"]),
    };
    vec![
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": NAME},
            "spec": validating(conditions),
        }),
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": NAME},
            "spec": {"policyName": NAME, "validationActions": actions},
        }),
    ]
}

fn kyverno(conditions: &[Condition], action: Action) -> Vec<Value> {
    let actions = match action {
        Action::Warn => json!(["Warn"]),
        Action::Audit => json!(["Audit"]),
        Action::Deny => json!(["Deny"]),
    };
    let mut spec = validating(conditions);
    spec["validationActions"] = actions;
    spec["autogen"] = no_autogen();
    vec![json!({
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "ValidatingPolicy",
        "metadata": {"name": NAME},
        "spec": spec,
    })]
}

/// Kyverno derives policies for controllers from one for pods. Ours already cover all kinds, so this turns it off.
fn no_autogen() -> Value {
    json!({"podControllers": {"controllers": []}})
}

/// The common part of the policies of the API server and of Kyverno.
fn validating(conditions: &[Condition]) -> Value {
    let rule = |group: &str, resources: &[&str]| {
        json!({
            "apiGroups": [group],
            "apiVersions": ["v1"],
            "operations": ["CREATE", "UPDATE"],
            "resources": resources,
        })
    };
    json!({
        // A policy that cannot be evaluated must not block the cluster.
        "failurePolicy": "Ignore",
        "matchConstraints": {"resourceRules": [
            rule("", &["pods", "pods/ephemeralcontainers", "replicationcontrollers", "podtemplates"]),
            rule("apps", &["deployments", "replicasets", "statefulsets", "daemonsets"]),
            rule("batch", &["jobs", "cronjobs"]),
        ]},
        "matchConditions": [{"name": "not-controlled", "expression": cel::NOT_CONTROLLED}],
        "variables": variables(conditions),
        "validations": validations(conditions),
    })
}

fn variables(conditions: &[Condition]) -> Vec<Value> {
    let variables = cel::variables(conditions).into_iter();
    let variables =
        variables.map(|(name, expression)| json!({"name": name, "expression": expression}));
    variables.collect()
}

fn validations(conditions: &[Condition]) -> Vec<Value> {
    let validations = conditions.iter().map(|condition| {
        let (expression, message) = cel::validation(condition);
        json!({
            "expression": expression,
            "message": format!("{} (regfix {})", condition.summary, condition.rule),
            "messageExpression": message,
        })
    });
    validations.collect()
}

fn gatekeeper(conditions: &[Condition], action: Action) -> Vec<Value> {
    let action = match action {
        Action::Warn => "warn",
        Action::Audit => "dryrun",
        Action::Deny => "deny",
    };
    let kind = "RegfixLegacyRegistries";
    vec![
        json!({
            "apiVersion": "templates.gatekeeper.sh/v1",
            "kind": "ConstraintTemplate",
            "metadata": {"name": kind.to_ascii_lowercase()},
            "spec": {
                "crd": {"spec": {"names": {"kind": kind}}},
                "targets": [{
                    "target": "admission.k8s.gatekeeper.sh",
                    "code": [{
                        "engine": "K8sNativeValidation",
                        "source": {
                            "failurePolicy": "Ignore",
                            // Gatekeeper uses the singular, although it is a list.
                            "matchCondition": [
                                {"name": "not-controlled", "expression": cel::NOT_CONTROLLED},
                            ],
                            "variables": variables(conditions),
                            "validations": validations(conditions),
                        },
                    }],
                }],
            },
        }),
        json!({
            "apiVersion": "constraints.gatekeeper.sh/v1beta1",
            "kind": kind,
            "metadata": {"name": NAME},
            "spec": {
                "enforcementAction": action,
                "match": {"kinds": [
                    {"apiGroups": [""], "kinds": ["Pod", "ReplicationController", "PodTemplate"]},
                    {"apiGroups": ["apps"], "kinds": ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"]},
                    {"apiGroups": ["batch"], "kinds": ["Job", "CronJob"]},
                ]},
            },
        }),
    ]
}

fn map(conditions: &[Condition], _: Action) -> Vec<Value> {
    let mut spec = mutating(conditions);
    spec["failurePolicy"] = json!("Ignore");
    spec["reinvocationPolicy"] = json!("IfNeeded");
    vec![
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": NAME},
            "spec": spec,
        }),
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": NAME},
            "spec": {"policyName": NAME},
        }),
    ]
}

fn kyverno_mutate(conditions: &[Condition], _: Action) -> Vec<Value> {
    let mut spec = mutating(conditions);
    spec["failurePolicy"] = json!("Ignore");
    // Otherwise it would also change Deployments and CronJobs, which GitOps then reverts.
    spec["autogen"] = no_autogen();
    vec![json!({
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "MutatingPolicy",
        "metadata": {"name": NAME},
        "spec": spec,
    })]
}

/// Matches only pods, on creation: objects that GitOps compares stay as applied.
fn mutating(conditions: &[Condition]) -> Value {
    json!({
        "matchConstraints": {"resourceRules": [{
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "operations": ["CREATE"],
            "resources": ["pods"],
        }]},
        "mutations": [{
            "patchType": "JSONPatch",
            "jsonPatch": {"expression": cel::mutation(conditions)},
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_gets_documents_with_all_rules() {
        let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
        for engine in &ENGINES {
            let text = engine
                .policy(&rules, Severity::Warning, Action::Deny)
                .unwrap();
            let documents = text
                .split("---\n")
                .map(|one| serde_yaml::from_str::<Value>(one).unwrap());
            let documents: Vec<Value> = documents.collect();
            assert!(
                documents.iter().all(|one| one["kind"].is_string()),
                "{}",
                engine.name
            );
            let names = text.contains("rule_k8s_gcr_io") || engine.mutates;
            assert!(
                names && text.contains("bitnami") != engine.mutates,
                "{}",
                engine.name
            );
            assert!(
                !engine.mutates || text.contains("registry.k8s.io"),
                "{}",
                engine.name
            );
        }
    }

    /// `regfix policy test` found this with gator: under any other name, Gatekeeper denies what controllers create.
    #[test]
    fn gatekeeper_has_its_own_name_for_conditions() {
        let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
        let gatekeeper = engine("gatekeeper").unwrap();
        let text = gatekeeper
            .policy(&rules, Severity::Warning, Action::Deny)
            .unwrap();
        let template = text.split("---\n").next().unwrap();
        let template: Value = serde_yaml::from_str(template).unwrap();
        let source = &template["spec"]["targets"][0]["code"][0]["source"];
        assert_eq!(
            source["matchCondition"][0]["expression"],
            cel::NOT_CONTROLLED
        );
        assert!(source.get("matchConditions").is_none());
    }

    /// `regfix policy test` found this with Kyverno's command: for a new object it uses an empty old object, and it derives
    /// policies for controllers from policies for pods.
    #[test]
    fn kyverno_changes_pods_alone_and_knows_new_objects() {
        let rules = RuleSet::new(RuleSet::with_own(&[]).unwrap());
        for name in ["kyverno", "kyverno-mutate"] {
            let text = engine(name)
                .unwrap()
                .policy(&rules, Severity::Warning, Action::Deny)
                .unwrap();
            let policy: Value = serde_yaml::from_str(&text).unwrap();
            let controllers = &policy["spec"]["autogen"]["podControllers"]["controllers"];
            assert_eq!(controllers, &json!([]), "{name}");
            assert_eq!(text.contains("has(oldObject.kind)"), name == "kyverno");
        }
    }

    #[test]
    fn without_rules_there_is_no_policy() {
        let none = RuleSet::new(Vec::new());
        let policy = ENGINES[0].policy(&none, Severity::Info, Action::Warn);
        assert_eq!(policy, Err(Unsupported));
    }
}
