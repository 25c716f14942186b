#!/usr/bin/env bash
# `regfix images --verify` and `regfix tags` against real registries on loopback, compared with skopeo and crane. The
# scripts that `regfix mirror` emits are run. The parts run in parallel; their output is printed in order.
# shellcheck source-path=SCRIPTDIR source=lib.sh
# shellcheck disable=SC2030,SC2031 # a part has its own home and processes
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
for tool in docker-registry skopeo curl python3; do
    if ! has "$tool"; then
        without "$tool"
        exit 0
    fi
done
if [[ $("$regfix" tags x 2>&1 || true) == *"needs a build"* ]]; then
    without "regfix with the feature online"
    exit 0
fi
unset REGISTRY_AUTH_FILE DOCKER_CONFIG HTTP_PROXY HTTPS_PROXY http_proxy https_proxy ALL_PROXY
cd "$scratch"
processes=() parts=()
trap 'kill "${processes[@]}" 2>/dev/null || true; wait; rm -rf "$scratch"' EXIT
first=$((20000 + $$ % 10000))
open=127.0.0.1:$first closed=127.0.0.1:$((first + 1)) tls=127.0.0.1:$((first + 2)) tokens=127.0.0.1:$((first + 3))

# serve NAME ADDRESS MORE: starts a registry with its own storage, and waits until it answers.
serve() {
    printf 'version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp:\n  addr: %s\n%s\n' \
        "$PWD/$1" "$2" "$3" >"$1.yml"
    docker-registry serve "$1.yml" >"$1.log" 2>&1 &
    processes+=($!)
    answers "$2" || failed "$1 does not start: $(<"$1.log")"
}
# answers ADDRESS: waits until a server listens there.
answers() {
    for _ in $(seq 100); do
        if (exec 3<>"/dev/tcp/${1/://}") 2>/dev/null; then
            return
        fi
        sleep 0.1
    done
    return 1
}

# beside NAME: runs the function in the background, in its own folder and home.
beside() {
    mkdir -p "$1"
    (
        cd "$1"
        export HOME=$PWD XDG_RUNTIME_DIR=$PWD
        processes=()
        trap 'kill "${processes[@]}" 2>/dev/null || true' EXIT
        "$1"
    ) >"$1/said" 2>&1 &
    parts+=("$1:$!")
    processes+=($!)
}
# together: waits for all parts, and fails if one has failed.
together() {
    local part code=0
    for part in "${parts[@]}"; do
        if ! wait "${part#*:}"; then
            code=1
            printf 'FAILED: the part %s\n' "${part%:*}" >>"${part%:*}/said"
        fi
        cat "${part%:*}/said"
    done
    return "$code"
}

# Creates an image for two platforms, as an OCI layout.
python3 - <<'END'
import gzip, hashlib, io, json, pathlib, tarfile

layout = pathlib.Path("layout")
blobs = layout / "blobs/sha256"
blobs.mkdir(parents=True)


def put(data, **more):
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"digest": "sha256:" + digest, "size": len(data), **more}


def document(value, kind, **more):
    return put(json.dumps(value).encode(), mediaType=f"application/vnd.oci.image.{kind}.v1+json", **more)


tar = io.BytesIO()
tarfile.open(fileobj=tar, mode="w").close()
layer = put(gzip.compress(tar.getvalue(), mtime=0), mediaType="application/vnd.oci.image.layer.v1.tar+gzip")
diff = "sha256:" + hashlib.sha256(tar.getvalue()).hexdigest()


def image(architecture):
    runs = {"os": "linux", "architecture": architecture}
    config = document({**runs, "rootfs": {"type": "layers", "diff_ids": [diff]}}, "config")
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [layer]}
    return document(manifest, "manifest", platform=runs)


images = [image("amd64"), image("arm64")]
index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": images}
index = document(index, "index", annotations={"org.opencontainers.image.ref.name": "image"})
(layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
(layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [index]}))
END
# upload TARGET MORE...
upload() { skopeo --insecure-policy copy --quiet --all --dest-tls-verify=false "${@:2}" "oci:$scratch/layout:image" "docker://$1" || failed "no upload to $1"; }
# verified ARGUMENTS: verifies the images on standard input, and prints `status image digest`.
verified() {
    { "$regfix" images --verify --format json "$@" - 2>>messages || true; } |
        python3 -c 'import json, sys; [print(row["status"], row["image"], row["digest"]) for row in json.load(sys.stdin)["images"]]'
}

digests() {
    skopeo --insecure-policy copy --quiet --dest-tls-verify=false --format v2s2 "oci:$scratch/layout:image" "docker://$open/team/docker:1" || failed "no image of docker's"
    for image in team/app:1.10 team/single:1 team/docker:1; do
        theirs=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$open/$image")
        ours=$(verified --insecure-registry "$open" <<<"$open/$image")
        [[ $ours == "available $open/$image $theirs" ]] || failed "skopeo: $theirs, regfix: $ours"
        ours=$(verified --insecure-registry "$open" --platform linux/amd64 <<<"$open/${image%:*}@$theirs")
        [[ $ours == "available $open/${image%:*}@$theirs $theirs" ]] || failed "by digest: $ours"
        if has crane; then
            theirs=$(crane digest --insecure "$open/$image")
            [[ $ours == *" $theirs" ]] || failed "crane: $theirs, regfix: $ours"
        fi
    done
    has crane || without crane
    ours=$(verified --insecure-registry "$open" --platform linux/arm64 < <(printf '%s\n' "$open/team/app:1.10" "$open/team/single:1"))
    [[ $ours == "available $open/team/app:1.10 "*$'\n'"lacks-platform $open/team/single:1 "* ]] || failed "platforms: $ours"
    for image in team/app:none team/none:1; do
        [[ $(verified --insecure-registry "$open" <<<"$open/$image") == "gone $open/$image None" ]] || failed "$image is not gone"
    done
    passed "digests and platforms, with skopeo"
}

# More tags than fit on a page.
tags() {
    upload "$open/many/app:1.10"
    manifest=$(curl -sf -H 'Accept: application/vnd.oci.image.index.v1+json' "http://$open/v2/many/app/manifests/1.10" && echo x)
    printf '%s' "${manifest%x}" >manifest.json
    for number in $(seq 1200); do
        printf 'url = "http://%s/v2/many/app/manifests/v1.%s"\nupload-file = "manifest.json"\nheader = "Content-Type: application/vnd.oci.image.index.v1+json"\n' "$open" "$number"
    done >curl.txt
    curl -sf --no-progress-meter --parallel --parallel-max 8 --config curl.txt >/dev/null 2>&1 || failed "no tags"
    theirs=$(skopeo list-tags --tls-verify=false "docker://$open/many/app" | python3 -c 'import json, sys; print("\n".join(sorted(json.load(sys.stdin)["Tags"])))')
    ours=$("$regfix" tags "$open/many/app" --insecure-registry "$open" | LC_ALL=C sort)
    [[ $ours == "$(LC_ALL=C sort <<<"$theirs")" && $(wc -l <<<"$ours") == 1201 ]] || failed "tags differ: $(wc -l <<<"$ours") and $(wc -l <<<"$theirs")"
    [[ $("$regfix" tags "$open/many/app" --insecure-registry "$open" | tail -n 2) == $'v1.1199\nv1.1200' ]] || failed "the order of tags"
    passed "1201 tags, with skopeo list-tags"
}

credentials() {
    # user: secret-for-test
    # shellcheck disable=SC2016
    printf '%s\n' 'user:$2b$04$y6hqNBrP8.gMEEY92mbaRevTEYH2qnU/AenblUiUr1hEnXFFN6QMO' >htpasswd
    serve closed "$closed" "auth: {htpasswd: {realm: r, path: $PWD/htpasswd}}"
    upload "$closed/a:1" --dest-creds user:secret-for-test
    [[ $(verified --insecure-registry "$closed" <<<"$closed/a:1") == "needs-credentials $closed/a:1 None" ]] || failed "an open door"
    skopeo login --tls-verify=false -u user -p secret-for-test "$closed" >/dev/null
    theirs=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$closed/a:1")
    [[ $(verified --insecure-registry "$closed" <<<"$closed/a:1") == "available $closed/a:1 $theirs" ]] || failed "not with podman's login"
    auth=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["auths"][sys.argv[2]]["auth"])' "$XDG_RUNTIME_DIR/containers/auth.json" "$closed")
    skopeo logout "$closed" >/dev/null
    config="{\"auths\":{\"$closed\":{\"auth\":\"$auth\"}}}"
    printf 'apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\nmetadata: {name: regcred}\ndata:\n  .dockerconfigjson: %s\n' "$(printf '%s' "$config" | base64 -w 0)" >secret.yaml
    [[ $(verified --insecure-registry "$closed" --authfile secret.yaml <<<"$closed/a:1") == "available "* ]] || failed "not with a pull secret"
    # shellcheck disable=SC2001 # it is a regular expression
    sed 's/"auth":"[^"]*"/"auth":"dXNlcjp3cm9uZw=="/' <<<"$config" >wrong.json
    [[ $(verified --insecure-registry "$closed" --authfile wrong.json <<<"$closed/a:1") == "denied "* ]] || failed "a wrong password"
    passed "credentials of podman, docker and Kubernetes"
}

certificates() {
    if has openssl; then
        openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=authority 2>/dev/null
        openssl req -newkey rsa:2048 -nodes -keyout tls.key -out tls.csr -subj /CN=registry 2>/dev/null
        printf 'subjectAltName=IP:127.0.0.1\n' >tls.ext
        openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out tls.crt -days 2 -extfile tls.ext 2>/dev/null
        serve tls "$tls" "  tls: {certificate: $PWD/tls.crt, key: $PWD/tls.key}"
        upload "$tls/a:1"
        [[ $(verified <<<"$tls/a:1") == "unreachable "* ]] || failed "a certificate of nobody was trusted"
        [[ $(verified --ca-file ca.crt <<<"$tls/a:1") == "available "* ]] || failed "not with --ca-file"
        [[ $(verified --insecure-registry "$tls" <<<"$tls/a:1") == "available "* ]] || failed "not with --insecure-registry"
        passed "certificates"
    else
        without openssl
    fi
}

tokens() {
    if has openssl && python3 -c 'import jwt, cryptography' 2>/dev/null; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout token.key -out token.crt -days 2 -subj /CN=tokens 2>/dev/null
        cat >tokens.py <<'END'
import base64, http.server, json, sys, time, urllib.parse

import jwt

key, certificate = open("token.key").read(), open("token.crt").read()
chain = ["".join(certificate.split("-----")[2].split())]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        known = self.headers.get("Authorization") == "Basic " + base64.b64encode(b"user:secret-for-test").decode()
        scopes = [scope.split(":", 2) for scope in query.get("scope", [])]
        access = [
            {"type": kind, "name": name, "actions": actions.split(",")}
            for kind, name, actions in scopes
            if known or name.startswith("public/") and actions == "pull"
        ]
        now = int(time.time())
        claims = {"iss": "test", "sub": "", "aud": "test", "iat": now, "nbf": now - 5, "exp": now + 300, "access": access}
        body = json.dumps({"token": jwt.encode(claims, key, algorithm="ES256", headers={"x5c": chain})}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        print(self.path, file=sys.stderr, flush=True)


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
END
        python3 tokens.py $((first + 4)) 2>asked.txt &
        processes+=($!)
        answers 127.0.0.1:$((first + 4)) || failed "no tokens: $(<asked.txt)"
        serve tokens "$tokens" "auth: {token: {realm: \"http://127.0.0.1:$((first + 4))/token\", service: test, issuer: test, rootcertbundle: $PWD/token.crt}}"
        upload "$tokens/public/a:1" --dest-creds user:secret-for-test
        upload "$tokens/private/a:1" --dest-creds user:secret-for-test
        : >asked.txt
        list=$(printf "$tokens/public/a:%s\n" 1 none-{1..20} && echo "$tokens/private/a:1")
        ours=$(verified --insecure-registry "$tokens" <<<"$list")
        [[ $ours == *"available $tokens/public/a:1 "* && $ours == *"needs-credentials $tokens/private/a:1 "* ]] || failed "tokens: $ours"
        [[ $(grep -c '^gone ' <<<"$ours") == 20 ]] || failed "tokens: $ours"
        [[ $(wc -l <asked.txt) == 2 ]] || failed "more than a token for each repository: $(<asked.txt)"
        printf '{"auths":{"%s":{"auth":"%s"}}}' "$tokens" "$(printf user:secret-for-test | base64)" >tokens.json
        [[ $(verified --insecure-registry "$tokens" --authfile tokens.json <<<"$tokens/private/a:1") == "available "* ]] || failed "no token for a password"
        passed "tokens"
    else
        without "openssl, or PyJWT"
    fi
}

# emit FORMAT [FOLDER]
emit() { "$regfix" mirror --to "http://$mirror/${2:-$1}" --emit "$1" - <images.txt; }

# Each tool copies to its own folder of the mirror.
copies() {
    printf '%s\n' "$open/team/app:1.10" "$open/team/app@$source" "$open/team/single:1" >images.txt
    # arrived FOLDER: checks that the images are there, with their digests and platforms.
    arrived() {
        local copy=$mirror/$1/${open/:/-}
        local ours
        ours=$(verified --insecure-registry "$mirror" --platform linux/amd64 < <(printf '%s\n' "$copy/team/app:1.10" "$copy/team/app@$source" "$copy/team/single:1"))
        [[ $(grep -c '^available ' <<<"$ours") == 3 && $ours == *"available $copy/team/app:1.10 $source"* ]] || failed "$1 has not copied: $ours"
        passed "$1 copies what regfix emits"
    }
    emit skopeo | sed 's/^skopeo copy/skopeo --insecure-policy copy --quiet --src-tls-verify=false/' >skopeo.sh
    sh skopeo.sh || failed "skopeo: $(<skopeo.sh)"
    arrived skopeo
    if has crane; then
        emit crane >crane.sh
        sh crane.sh 2>messages || failed "crane: $(<messages)"
        arrived crane
    else
        without crane
    fi
    if has regsync; then
        emit regsync | sed "s/^creds:/&\n  - registry: $open\n    tls: disabled/" >regsync.yml
        regsync once --config regsync.yml >messages 2>&1 || failed "regsync: $(<messages)"
        arrived regsync
    else
        without regsync
    fi

    # skopeo sync keeps the host name of the source, which must have no port, so it needs port 80.
    if (exec 3<>/dev/tcp/127.0.0.2/80) 2>/dev/null || ! python3 -c 'import socket; socket.socket().bind(("127.0.0.2", 80))' 2>/dev/null; then
        printf 'not tested: skopeo sync needs port 80 on 127.0.0.2\n'
    else
        serve plain 127.0.0.2:80 ''
        upload 127.0.0.2/team/app:1.10
        "$regfix" mirror --to "http://$mirror/sync" --emit skopeo-sync - <<<"127.0.0.2/team/app:1.10" | sed 's/^127.0.0.2:/&\n  tls-verify: false/' >sync.yml
        skopeo --insecure-policy sync --all --scoped --dest-tls-verify=false --src yaml --dest docker sync.yml "$mirror/sync" >messages 2>&1 || failed "skopeo sync: $(<messages)"
        ours=$(verified --insecure-registry "$mirror" <<<"$mirror/sync/127.0.0.2/team/app:1.10")
        [[ $ours == "available "*" $source" ]] || failed "skopeo sync has not copied: $ours"
        passed "skopeo sync copies what regfix emits"
    fi
}

# A stand-in for the part of Harbor's API that the script uses. Existing projects stay as they are.
harbor() {
    if has jq; then
        cat >harbor.py <<'END'
import base64, http.server, json, sys, urllib.parse

registries, projects = [], []
wanted = "Basic " + base64.b64encode(b"admin:secret-for-test").decode()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, value=None):
        body = json.dumps(value).encode() if value is not None else b""
        self.send_response(status if self.headers.get("Authorization") == wanted else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        name = urllib.parse.parse_qs(url.query)["q"][0].removeprefix("name=")
        self.answer(200, [one for one in registries if one["name"] == name])

    def do_HEAD(self):
        name = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)["project_name"][0]
        self.answer(200 if name in projects else 404)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/v2.0/registries":
            registries.append({"id": len(registries) + 7, **body})
        elif body["registry_id"] in [one["id"] for one in registries]:
            projects.append(body["project_name"])
        print(self.path, json.dumps(body), flush=True)
        self.answer(201)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
END
        python3 harbor.py $((first + 6)) >made.txt &
        processes+=($!)
        answers 127.0.0.1:$((first + 6)) || failed "the stand-in of Harbor does not start"
        printf 'nginx:1\nquay.io/org/app:1\nregistry.example.com/a:1\n' |
            "$regfix" mirror --to "http://127.0.0.1:$((first + 6))" --emit harbor - >harbor.sh
        for _ in 1 2; do
            HARBOR_USER=admin HARBOR_PASSWORD=secret-for-test sh harbor.sh >messages 2>&1 || failed "Harbor: $(<messages)"
        done
        [[ $(grep -c '/registries ' made.txt) == 3 && $(grep -c '/projects ' made.txt) == 3 ]] || failed "Harbor was asked for: $(<made.txt)"
        contains "$(<made.txt)" '"type": "docker-hub"'
        contains "$(<made.txt)" '"project_name": "registry.example.com"'
        passed "the script for Harbor makes each cache once"
    else
        without jq
    fi
}

# Nodes pull from the mirror by the names in manifests; one image has another path there.
nodes() {
    upload "$mirror/nodes/registry.k8s.io/pause:3.2"
    upload "$mirror/nodes/registry.k8s.io/pause:3.1"
    printf '%s\n' k8s.gcr.io/pause:3.2 gcr.io/google_containers/pause:3.1 >images.txt
    emit registries-conf nodes >registries.conf
    for image in k8s.gcr.io/pause:3.2 gcr.io/google_containers/pause:3.1; do
        skopeo --insecure-policy --registries-conf registries.conf copy --quiet --all --preserve-digests "docker://$image" dir:pulled 2>messages ||
            failed "registries.conf: $(<messages)"
        [[ sha256:$(sha256sum <pulled/manifest.json | cut -d ' ' -f 1) == "$source" ]] || failed "registries.conf: $image is another image than $source"
        rm -r pulled
    done
    passed "skopeo pulls through registries.conf"

    if has containerd && has ctr; then
        mkdir certs.d
        emit containerd nodes >hosts.sh 2>messages || true
        contains "$(<messages)" "left out: gcr.io/google_containers/pause:3.1: its path changes"
        (cd certs.d && sh ../hosts.sh)
        cat >containerd.toml <<END
version = 2
root = "$PWD/containerd/root"
state = "$PWD/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$PWD/containerd.sock"
END
        containerd --config containerd.toml >containerd.log 2>&1 &
        processes+=($!)
        for _ in $(seq 100); do
            [[ -S containerd.sock ]] && break
            sleep 0.1
        done
        if [[ -S containerd.sock ]]; then
            ctr --address containerd.sock content fetch --hosts-dir "$PWD/certs.d" k8s.gcr.io/pause:3.2 >messages 2>&1 || failed "hosts.toml: $(<messages)"
            contains "$(ctr --address containerd.sock image ls)" "$source"
            passed "containerd pulls through hosts.toml"
        else
            printf 'not tested: containerd does not start here: %s\n' "$(tail -n 1 containerd.log)"
        fi
    else
        without containerd
    fi
}

serve open "$open" ''
upload "$open/team/app:1.10"
skopeo --insecure-policy copy --quiet --dest-tls-verify=false "oci:$scratch/layout:image" "docker://$open/team/single:1" || failed "no single image"
mirror=127.0.0.1:$((first + 5))
serve mirror "$mirror" ''
source=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$open/team/app:1.10")
for part in digests tags credentials certificates tokens copies harbor nodes; do
    beside "$part"
done
together
