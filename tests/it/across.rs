//! Several repositories in one run: each file is judged by the settings of its own repository.

use std::fs;
use std::path::Path;

use crate::common::{LEGACY, MOVED, files, regfix, run, stderr, stdout};
use crate::repository::git;

/// Creates six repositories side by side, and a file outside them.
fn six() -> tempfile::TempDir {
    let folder = crate::common::folder(&[
        ("plain/a.yaml", LEGACY),
        ("excludes/.regfix.yaml", "exclude: [vendor/]\n"),
        ("excludes/vendor/a.yaml", LEGACY),
        ("excludes/a.yaml", LEGACY),
        ("ignores/.regfix.yaml", "ignore: [k8s-gcr-io]\n"),
        ("ignores/a.yaml", LEGACY),
        (
            "own/.regfix.yaml",
            "rules: [{from: old.example.com/team, to: new.example.com/team}]\n",
        ),
        ("own/a.yaml", "image: old.example.com/team/app:1\n"),
        ("mono/.regfix.yaml", "severity: {k8s-gcr-io: info}\n"),
        ("mono/a.yaml", LEGACY),
        (
            "mono/team/.regfix.yaml",
            "rules: [{from: old.example.com/team, to: mono.example.com}]\n",
        ),
        (
            "mono/team/deep/a.yaml",
            "image: old.example.com/team/app:1\n",
        ),
        ("known/a.yaml", LEGACY),
        ("loose.yaml", LEGACY),
    ]);
    for name in ["plain", "excludes", "ignores", "own", "mono", "known"] {
        git(&folder.path().join(name), &["init", "-q", "-b", "main"]);
    }
    run(&folder.path().join("known"), &["--write-baseline"]);
    folder
}

/// Returns the locations of findings, and the exit code.
fn found(folder: &Path, arguments: &[&str]) -> (Vec<String>, i32) {
    let output = run(folder, &[&["--format", "concise"], arguments].concat());
    let text = stdout(&output);
    let lines = text.lines().filter(|line| line.contains(".yaml:"));
    let places = lines.map(|line| {
        let mut words = line.split(' ');
        let place = words
            .next()
            .unwrap_or_default()
            .trim_end_matches(':')
            .to_owned();
        let severity = words.next().unwrap_or_default();
        format!("{place} {severity}")
    });
    (places.collect(), output.status.code().unwrap())
}

const ALL: [&str; 6] = [
    "excludes/a.yaml:1:8 warning",
    "loose.yaml:1:8 warning",
    "mono/a.yaml:1:8 info",
    "mono/team/deep/a.yaml:1:8 warning",
    "own/a.yaml:1:8 warning",
    "plain/a.yaml:1:8 warning",
];

#[test]
fn each_file_is_judged_by_its_own_repository() {
    let folder = six();
    assert_eq!(found(folder.path(), &["."]).0, ALL);
    let named = [
        "plain",
        "own",
        "mono",
        "known",
        "ignores",
        "excludes",
        "loose.yaml",
    ];
    assert_eq!(found(folder.path(), &named).0, ALL, "named one by one");
    let absolute = folder.path().join("own");
    let absolute = absolute.to_str().unwrap();
    assert_eq!(
        found(Path::new("/"), &[absolute]).0.len(),
        1,
        "from elsewhere"
    );
    let named = ["own", "--config", "mono/.regfix.yaml"];
    assert!(
        found(folder.path(), &named).0.is_empty(),
        "--config replaces all"
    );
    let (places, _) = found(folder.path(), &["--no-config", "--no-baseline", "."]);
    assert_eq!(places.len(), 7, "{places:?}");
    assert!(places.contains(&"known/a.yaml:1:8 warning".to_owned()));
}

#[test]
fn fixes_are_those_of_each_repository() {
    let folder = six();
    let output = run(folder.path(), &["--write", "."]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
    for (path, expected) in [
        ("plain/a.yaml", MOVED),
        ("excludes/a.yaml", MOVED),
        ("excludes/vendor/a.yaml", LEGACY),
        ("ignores/a.yaml", LEGACY),
        ("own/a.yaml", "image: new.example.com/team/app:1\n"),
        ("mono/team/deep/a.yaml", "image: mono.example.com/app:1\n"),
        ("known/a.yaml", MOVED),
        ("loose.yaml", MOVED),
    ] {
        assert_eq!(text(path), expected, "{path}");
    }
    let after = files(folder.path());
    run(folder.path(), &["--write", "."]);
    assert_eq!(files(folder.path()), after, "a second run changes nothing");
}

#[test]
fn a_broken_configuration_stops_its_repository_alone() {
    for (path, text) in [
        ("mono/.regfix.yaml", "exclud: [a]\n"),
        ("mono/team/.regfix.yaml", "exclud: [a]\n"),
        ("mono/team/.regfix.yml", "exclude: [a]\n"),
        ("mono/.regfix-baseline.json", "{}"),
    ] {
        let folder = six();
        fs::write(folder.path().join(path), text).unwrap();
        if path.ends_with(".yml") {
            fs::remove_file(folder.path().join("mono/team/.regfix.yaml")).unwrap();
        }
        for arguments in [&["--write", "."][..], &["--write", "mono", "own", "plain"]] {
            fs::write(folder.path().join("plain/a.yaml"), LEGACY).unwrap();
            let output = run(folder.path(), arguments);
            let err = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{path}: {err}");
            let name = path.rsplit('/').next().unwrap();
            assert!(err.contains(name), "{path}: {err}");
            let text = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
            assert_eq!(text("plain/a.yaml"), MOVED, "{path}");
            assert_eq!(text("mono/a.yaml"), LEGACY, "{path}");
            assert_eq!(
                text("mono/team/deep/a.yaml"),
                "image: old.example.com/team/app:1\n",
                "{path}"
            );
        }
    }
}

#[test]
fn baselines_are_written_beside_what_they_hold() {
    let folder = six();
    let output = run(folder.path(), &["--write-baseline", "."]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let held = |name: &str| {
        let path = folder.path().join(name).join(".regfix-baseline.json");
        fs::read_to_string(path)
            .unwrap_or_default()
            .matches("\"rule\"")
            .count()
    };
    let counts = [
        "plain",
        "excludes",
        "ignores",
        "own",
        "mono",
        "mono/team",
        "known",
        ".",
    ];
    assert_eq!(counts.map(held), [1, 1, 0, 1, 1, 1, 1, 1]);
    assert_eq!(found(folder.path(), &["."]), (Vec::new(), 0));
    assert!(!folder.path().join("ignores/.regfix-baseline.json").exists());
}

#[test]
fn what_changed_is_asked_of_each_repository() {
    let folder = six();
    for name in ["plain", "own", "mono", "excludes"] {
        let repository = folder.path().join(name);
        git(&repository, &["add", "-A"]);
        git(&repository, &["commit", "-q", "-m", "."]);
    }
    for path in ["plain/new.yaml", "mono/team/new.yaml"] {
        fs::write(
            folder.path().join(path),
            "image: old.example.com/team/app:2\n# k8s.gcr.io\n",
        )
        .unwrap();
    }
    // Two of the six have no commit.
    let (places, code) = found(folder.path(), &["--since", "HEAD", "."]);
    assert_eq!(
        (places, code),
        (vec!["mono/team/new.yaml:1:8 warning".to_owned()], 2)
    );
    let (places, code) = found(folder.path(), &["--since", "HEAD", "mono", "own"]);
    assert_eq!(
        (&places[..], code),
        (&["mono/team/new.yaml:1:8 warning".to_owned()][..], 1)
    );
    // The same for repositories from a list.
    fs::write(folder.path().join("list"), "mono\nown\n").unwrap();
    let listed = ["--repositories", "list", "--since", "HEAD"];
    assert_eq!(found(folder.path(), &listed), (places, code));
    fs::write(
        folder.path().join("own/.regfix.yaml"),
        "# all is asked about\n",
    )
    .unwrap();
    fs::write(folder.path().join("own/b.yaml"), LEGACY).unwrap();
    git(&folder.path().join("own"), &["add", "."]);
    git(&folder.path().join("mono"), &["add", "."]);
    let (places, _) = found(folder.path(), &["--staged", "mono", "own"]);
    assert_eq!(
        places,
        ["mono/team/new.yaml:1:8 warning", "own/b.yaml:1:8 warning"]
    );
}

#[test]
fn the_environment_is_the_last_resort() {
    let folder = six();
    let home = crate::common::folder(&[
        ("regfix/config.yaml", "ignore: [k8s-gcr-io]\n"),
        ("broken.yaml", "exclud: [a]\n"),
    ]);
    let places = |name: &str, path: &Path, arguments: &[&str]| {
        let mut command = regfix(folder.path());
        command
            .env(name, path)
            .args(["--format", "concise"])
            .args(arguments);
        let output = command.output().unwrap();
        (stdout(&output), stderr(&output), output.status.code())
    };
    for (name, path) in [
        ("XDG_CONFIG_HOME", home.path().to_owned()),
        ("REGFIX_CONFIG", home.path().join("regfix/config.yaml")),
    ] {
        let (out, _, code) = places(name, &path, &["plain", "excludes"]);
        assert!(
            out.contains("excludes/a.yaml:") && !out.contains("plain/a.yaml:"),
            "{out}"
        );
        assert_eq!(code, Some(1));
        let (out, ..) = places(name, &path, &["--no-config", "plain"]);
        assert!(out.contains("plain/a.yaml:"), "{out}");
    }
    let (out, err, code) = places(
        "REGFIX_CONFIG",
        &home.path().join("broken.yaml"),
        &["plain"],
    );
    assert!(
        out.is_empty() && err.contains("REGFIX_CONFIG") && err.contains("exclude"),
        "{err}"
    );
    assert_eq!(code, Some(2));
}

#[test]
fn each_repository_has_a_line() {
    let folder = six();
    fs::write(folder.path().join("own/.regfix.yaml"), "exclud: [a]\n").unwrap();
    fs::write(
        folder.path().join("plain/b.yaml"),
        "image: docker.io/bitnami/redis:7\n",
    )
    .unwrap();
    let said = stdout(&run(folder.path(), &["--write", "."]));
    for line in [
        "  own              failed",
        "  known            1 fixed",
        "  ignores          clean",
    ] {
        assert!(said.lines().any(|one| one == line), "{said}");
    }
    assert!(
        said.lines()
            .any(|one| one.starts_with("  plain            1 fixed, 1 ")),
        "{said}"
    );
    assert!(
        said.contains("6 repositories and files outside (1 failed, 1 with findings, "),
        "{said}"
    );
    let said = stdout(&run(&folder.path().join("plain"), &["."]));
    assert!(!said.contains("repositories"), "{said}");
}

#[test]
fn the_settings_of_a_path_are_shown_with_their_origin() {
    let folder = six();
    let top = folder.path().canonicalize().unwrap();
    let shown = |arguments: &[&str]| {
        let output = run(folder.path(), &[&["config"], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    let team = shown(&["mono/team/deep/a.yaml"]);
    let at = |path: &str| top.join(path).display().to_string();
    for line in [
        format!("repository     {}", at("mono")),
        format!(
            "configuration  {} (the nearest)",
            at("mono/team/.regfix.yaml")
        ),
        "baseline       -".to_owned(),
        "rules: [{from: old.example.com/team, to: mono.example.com}]".to_owned(),
    ] {
        assert!(team.lines().any(|one| one == line), "{line}: {team}");
    }
    let known = shown(&["known", "--ignore", "k8s-gcr-io"]);
    assert!(
        known.contains("configuration  - (there is none)"),
        "{known}"
    );
    assert!(known.contains(&format!(
        "baseline       {}",
        at("known/.regfix-baseline.json")
    )));
    assert!(
        known.contains("--ignore k8s-gcr-io (command line)"),
        "{known}"
    );
    let named = shown(&["plain", "--config", "own/.regfix.yaml"]);
    assert!(named.contains("own/.regfix.yaml (--config)"), "{named}");
    let excluded = shown(&["excludes/vendor/a.yaml"]);
    assert!(
        excluded.contains("excluded       yes, by `exclude` in "),
        "{excluded}"
    );
    fs::write(folder.path().join("own/.regfix.yaml"), "exclud: [a]\n").unwrap();
    let output = run(folder.path(), &["config", "own/a.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("did you mean `exclude`?"));
}

#[test]
fn what_belongs_together_changes_together_across_settings() {
    let folder = crate::common::folder(&[
        ("base/.regfix.yaml", "severity: {k8s-gcr-io: error}\n"),
        ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
        (
            "base/pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    image: k8s.gcr.io/pause:3.1\n",
        ),
        (
            "overlay/kustomization.yaml",
            "resources: [../base]\nimages:\n- name: k8s.gcr.io/pause\n  newTag: '3.9'\n",
        ),
    ]);
    git(folder.path(), &["init", "-q"]);
    let text = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
    for in_submodule in [true, false] {
        let (pod, overlay) = (text("base/pod.yaml"), text("overlay/kustomization.yaml"));
        if in_submodule {
            git(&folder.path().join("base"), &["init", "-q"]);
        } else {
            fs::remove_dir_all(folder.path().join("base/.git")).unwrap();
        }
        let output = run(folder.path(), &["--write", "."]);
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
        assert!(text("base/pod.yaml").contains("registry.k8s.io/pause:3.1"));
        let moved = "- name: registry.k8s.io/pause\n";
        assert!(text("overlay/kustomization.yaml").contains(moved));
        fs::write(folder.path().join("base/pod.yaml"), pod).unwrap();
        fs::write(folder.path().join("overlay/kustomization.yaml"), overlay).unwrap();
    }
}

#[test]
fn what_fails_is_a_choice() {
    let folder = crate::common::folder(&[("a.yaml", LEGACY)]);
    let code = |arguments: &[&str]| run(folder.path(), arguments).status.code().unwrap();
    for (arguments, expected) in [
        (&[][..], 1),
        (&["--fail-on", "warning"], 1),
        (&["--fail-on", "error"], 0),
        (&["--fail-on", "error", "-q"], 0),
        (&["--fail-on", "never"], 0),
        (&["--exit-zero"], 0),
        (&["--exit-zero", "missing"], 2),
        (&["--min-severity", "error"], 0),
        (&["--min-severity", "warning"], 1),
    ] {
        assert_eq!(code(arguments), expected, "{arguments:?}");
    }
    let said = stdout(&run(folder.path(), &["--min-severity", "error", "--write"]));
    assert!(said.contains("No legacy registry references"), "{said}");
    let text = fs::read_to_string(folder.path().join("a.yaml")).unwrap();
    assert_eq!(text, LEGACY, "what is left out is not fixed");
    fs::write(
        folder.path().join(".regfix.yaml"),
        "severity: {k8s-gcr-io: error}\n",
    )
    .unwrap();
    assert_eq!(code(&["--min-severity", "error", "--fail-on", "error"]), 1);
}

#[test]
fn settings_above_repositories_do_not_apply_to_them_and_that_is_said() {
    let folder = six();
    fs::write(
        folder.path().join(".regfix.yaml"),
        "exclude: ['a.yaml', loose.yaml]\n",
    )
    .unwrap();
    let note = |folder: &Path, arguments: &[&str]| {
        let err = stderr(&run(folder, arguments));
        let mut lines = err.lines().filter(|line| line.contains("does not apply"));
        let line = lines.next().map(str::to_owned);
        assert_eq!(lines.next(), None, "{err}");
        line
    };
    let said = note(folder.path(), &["."]).unwrap();
    let expected = "does not apply to the 6 repositories below it: each uses its own settings; --config FILE applies one to all";
    assert!(said.ends_with(expected), "{said}");
    let said = note(folder.path(), &["plain/a.yaml"]).unwrap();
    assert!(
        said.contains("does not apply to the repository below it"),
        "{said}"
    );
    // The findings are unchanged. `loose.yaml` is not excluded either: it is outside every repository, but in the folder of
    // that configuration.
    assert_eq!(found(folder.path(), &["."]).0.len(), 5);
    assert_eq!(
        note(folder.path(), &[".", "--config", ".regfix.yaml"]),
        None
    );
    assert_eq!(note(folder.path(), &[".", "--no-config"]), None);
    assert_eq!(note(folder.path(), &[".", "-q"]), None);
    assert_eq!(
        note(&folder.path().join("plain"), &["."]),
        None,
        "it lies above the working directory"
    );
    // Within a repository there is no note: users expect that nested repositories have their own settings.
    git(folder.path(), &["init", "-q", "-b", "main"]);
    assert_eq!(note(folder.path(), &["."]), None);
}

/// Commits all files of each repository, and returns the hashes in the order of the names.
fn committed(folder: &Path, names: &[&str]) -> Vec<String> {
    let commit = |name: &&str| {
        let repository = folder.join(name);
        git(&repository, &["add", "-A"]);
        git(&repository, &["commit", "-q", "-m", "."]);
        stdout(&git(&repository, &["rev-parse", "HEAD"]))
            .trim()
            .to_owned()
    };
    names.iter().map(commit).collect()
}

fn report(folder: &Path, arguments: &[&str]) -> String {
    stdout(&run(folder, arguments))
}

#[test]
fn reports_for_programs_name_repository_and_commit() {
    let folder = six();
    let commits = committed(folder.path(), &["own", "plain"]);
    let json = |format: &str| {
        report(
            folder.path(),
            &["own", "plain", "loose.yaml", "--format", format],
        )
    };
    let document: serde_json::Value = serde_json::from_str(&json("json")).unwrap();
    let files = document["files"].as_array().unwrap();
    let of = |path: &str| files.iter().find(|file| file["path"] == path).unwrap();
    assert_eq!(of("own/a.yaml")["repository"], "own");
    assert_eq!(of("own/a.yaml")["commit"], commits[0].as_str());
    assert_eq!(of("plain/a.yaml")["commit"], commits[1].as_str());
    assert_eq!(of("loose.yaml").get("repository"), None);
    let repositories = &document["summary"]["repositories"];
    assert_eq!(repositories[1]["repository"], "own");
    assert_eq!(
        (&repositories[1]["left"], &repositories[1]["fixable"]),
        (&1.into(), &1.into())
    );
    let lines = json("jsonl");
    let line = lines
        .lines()
        .find(|line| line.contains("own/a.yaml"))
        .unwrap();
    let row: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (&row["repository"], &row["commit"]),
        (&"own".into(), &commits[0].as_str().into())
    );
    let sarif: serde_json::Value = serde_json::from_str(&json("sarif")).unwrap();
    let runs = sarif["runs"].as_array().unwrap();
    let run_of = |name: &str| {
        let mut found = runs
            .iter()
            .filter(|run| run["properties"]["repository"] == name);
        let run = found.next().unwrap();
        assert_eq!(found.next(), None, "one run for each repository");
        run
    };
    assert_eq!(runs.len(), 3);
    for (name, commit) in [("own", &commits[0]), ("plain", &commits[1])] {
        let run = run_of(name);
        assert_eq!(run["properties"]["commit"], commit.as_str());
        assert_eq!(run["automationDetails"]["id"], format!("regfix/{name}/"));
        let location = &run["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(
            location["artifactLocation"]["uri"], "a.yaml",
            "from the repository"
        );
    }
    let alone = report(&folder.path().join("own"), &["--format", "sarif"]);
    let alone: serde_json::Value = serde_json::from_str(&alone).unwrap();
    assert_eq!(alone["runs"].as_array().unwrap().len(), 1);
    assert_eq!(alone["runs"][0]["properties"]["repository"], "own");
    assert_eq!(alone["runs"][0].get("automationDetails"), None);
    assert_eq!(
        alone["runs"][0]["results"][0]["partialFingerprints"],
        run_of("own")["results"][0]["partialFingerprints"],
        "the same finding wherever the run starts"
    );
}

#[test]
fn reports_for_people_count_by_repository_and_owner() {
    let folder = six();
    fs::write(folder.path().join("own/CODEOWNERS"), "* @org/own\n").unwrap();
    fs::write(folder.path().join("plain/CODEOWNERS"), "* @org/plain\n").unwrap();
    for format in ["markdown", "html"] {
        let text = report(folder.path(), &[".", "--format", format]);
        assert!(text.contains("By repository"), "{text}");
        let alone = report(folder.path(), &["own", "--format", format]);
        assert!(!alone.contains("By repository"), "{alone}");
    }
    let page = report(folder.path(), &[".", "--format", "html"]);
    for owner in ["@org/own", "@org/plain"] {
        assert!(
            page.contains(&format!("<td><code>{owner}</code></td>")),
            "{owner}"
        );
    }
}

#[test]
fn each_repository_can_have_a_report_of_its_own() {
    let folder = six();
    fs::create_dir(folder.path().join("reports")).unwrap();
    let arguments = [
        "--write",
        ".",
        "--output",
        "markdown=reports/{repository}.md",
    ];
    let output = run(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = |name: &str| fs::read_to_string(folder.path().join("reports").join(name)).unwrap();
    let own = text("own.md");
    assert!(
        own.contains("1 fixed.") && own.contains("old.example.com/team/app:1"),
        "{own}"
    );
    assert!(!own.contains("k8s.gcr.io"), "{own}");
    assert!(text("plain.md").contains("k8s.gcr.io/pause:3.2"));
    assert!(
        text("ignores.md").contains("None"),
        "{}",
        text("ignores.md")
    );
    assert!(text("outside.md").contains("k8s.gcr.io"));
    assert_eq!(
        fs::read_dir(folder.path().join("reports")).unwrap().count(),
        7
    );
    // Reports are not read as input.
    let arguments = [".", "--output", "json=reports/{repository}.json"];
    report(folder.path(), &arguments);
    let before = text("own.json");
    report(folder.path(), &arguments);
    assert_eq!(text("own.json"), before);
    for (output, message) in [
        ("markdown=none/{repository}.md", "create its folder first"),
        (
            "markdown=reports/{repository}/a.md",
            "only in the name of the file",
        ),
    ] {
        let output = run(folder.path(), &[".", "--output", output]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
}

#[test]
fn shards_together_are_the_whole() {
    let folder = six();
    let list = "# all\nplain\nexcludes\n\nignores\nown\nmono\nknown\n";
    fs::write(folder.path().join("list"), list).unwrap();
    for (path, text) in [
        ("loose/deep/a.yaml", LEGACY),
        (".github/a.yaml", LEGACY),
        ("loose/notes.txt", LEGACY),
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let absolute = folder.path().to_str().unwrap();
    for rest in [
        &["--repositories", "list"][..],
        &["."],
        &[absolute],
        &["loose", "plain", "loose.yaml"],
    ] {
        let mut whole = found(folder.path(), rest).0;
        whole.sort();
        let listed = rest.len() == 2;
        assert_eq!(
            whole.len(),
            if listed {
                5
            } else if rest.len() == 1 {
                8
            } else {
                3
            },
            "{whole:?}"
        );
        let mut all = Vec::new();
        for shard in ["1/3", "2/3", "3/3"] {
            let (places, _) = found(folder.path(), &[rest, &["--shard", shard]].concat());
            all.extend(places);
        }
        all.sort();
        assert_eq!(all, whole, "{rest:?}");
    }
    // Most of many shards are empty.
    let empty = (1..40).map(|number| {
        let shard = format!("{number}/40");
        found(folder.path(), &["own", "--shard", &shard])
    });
    let empty: Vec<_> = empty.filter(|(places, _)| places.is_empty()).collect();
    assert!(
        empty.len() >= 38 && empty.iter().all(|(_, code)| *code == 0),
        "{empty:?}"
    );
    for (arguments, message) in [
        (&["--shard", "4/3"][..], "with I from 1 to N"),
        (&["--repositories", "none"], "--repositories: none: "),
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
}

#[test]
fn a_rule_that_two_configurations_define_differently_is_reported() {
    let own = |to: &str, severity: &str| {
        format!("rules:\n- {{id: moved, from: old.example.com, to: {to}, severity: {severity}}}\n")
    };
    let tree = |inner: &str| {
        let folder = crate::common::folder(&[
            (".regfix.yaml", &own("new.example.com", "error")),
            ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
            (
                "base/pod.yaml",
                "kind: Pod\napiVersion: v1\nmetadata: {name: p}\nspec: {containers: [{name: c, image: old.example.com/a:1}]}\n",
            ),
            ("team/.regfix.yaml", inner),
            ("team/kustomization.yaml", "resources: [../base]\n"),
        ]);
        git(folder.path(), &["init", "-q", "-b", "main"]);
        folder
    };
    let clash = tree(&own("other.example.com", "error"));
    let said = stderr(&run(clash.path(), &[]));
    let names = ["rule `moved` differs between ", "/team/.regfix.yaml"];
    assert!(names.iter().all(|name| said.contains(name)), "{said}");
    let agreed = tree(&own("new.example.com", "info"));
    assert_eq!(stderr(&run(agreed.path(), &[])), "");
}

#[test]
fn beside_a_folder_of_no_repository_repositories_are_not_read() {
    let pod = "kind: Pod\napiVersion: v1\nspec:\n  containers:\n  - image: k8s.gcr.io/pause:3.1\n";
    let overlay = "resources: [../base]\nimages:\n- name: k8s.gcr.io/pause\n  newTag: '3.2'\n";
    let folder = crate::common::folder(&[
        ("base/pod.yaml", pod),
        ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("overlay/kustomization.yaml", overlay),
        ("other/.git/HEAD", "ref: refs/heads/main\n"),
        ("other/kustomization.yaml", overlay),
        ("other/broken.yaml", "a: [\n"),
    ]);
    let found = report(folder.path(), &["--format", "json", "base"]);
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["summary"]["repositories"], serde_json::json!([]));
    let output = run(folder.path(), &["--related", "--write", "base"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
    assert!(text("overlay/kustomization.yaml").contains("registry.k8s.io/pause"));
    assert_eq!(text("other/kustomization.yaml"), overlay);
}
